"""``cucmsh preview``: who would take the next list, those of handed-over lists too."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence

from cucmsh.app import admit, open_own_site
from cucmsh.cli.options import Parser, descriptor, file_name
from cucmsh.cli.terminal import Prompter, TerminalPrompter, read_secrets, show
from cucmsh.errors import UsageError, WrongPasswordError
from cucmsh.secret import Secret
from cucmsh.services.adoption.keys import read_key_file
from cucmsh.services.caller import WayIn
from cucmsh.services.certificates.keystore import ImportedKey
from cucmsh.services.lists.verify_table import held_at
from cucmsh.services.phones.preview import (
    CHANGES,
    REGEN,
    REMOTE_KEY,
    RENAMES,
    Preview,
    SavedKey,
    preview,
)
from cucmsh.services.phones.takers import MOST_BYTES, GivenList, given_list
from cucmsh.services.releases.preview import RELEASE, ReleasePreview, preview_release
from cucmsh.services.site import Site
from cucmsh.shell.answers import open_by_own_password
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.views.documents import Document
from cucmsh.views.preview import preview_document, preview_lines
from cucmsh.views.releases import release_preview_document, release_preview_lines

LOCKS_OUT = 1  # exit status: phones would refuse the list, or nobody can tell
STANDARD_INPUT = "-"


def preview_parser() -> Parser:
    """What ``preview`` takes."""
    parser = Parser(
        "[--config FILE] preview",
        "Say which phones would take the ITL that is served after a change, and why: "
        "those of every ITL of this node, of the inventory, and of lists that are "
        "named. Nothing is changed. As `utils itl preview`, which opens no path.",
        "Exit status: 0 nobody is locked out, 1 somebody is, or of somebody it cannot "
        "be told, or it was refused; 2 wrong use.",
    )
    parser.add_argument(
        "change",
        metavar="restart|regen UNIT|localkey|remotekey FILE|hostname NAME|domain NAME|"
        "release RELEASE",
        choices=(*CHANGES, RELEASE),
    )
    parser.add_argument("value", nargs="?", type=file_name, help=argparse.SUPPRESS)
    parser.several(
        "--held",
        metavar="HELD",
        type=file_name,
        help="a list that phones hold, a directory of them, or - for one on standard "
        "input; may be given several times",
    )
    parser.option(
        "--secrets-fd",
        metavar="N",
        type=descriptor,
        help="read the key file's own password, a line, from this open descriptor",
    )
    parser.flag("--json", help="one document instead")
    return parser


def run(configuration: str, argv: Sequence[str]) -> int:
    """Show it; returns the exit status.

    Raises:
        UsageError: wrong options or values.
        CucmshError: a file that was named cannot be used, or the change would be
            refused; with ``--json`` it is in the document.
    """
    given = preview_parser().read(argv)
    _require_values(given)
    if given.json:
        return report(
            Screen(1), lambda to: _as_document(configuration, argv, given, to)
        )
    _, found = _previewed(configuration, argv, given, Screen(1))
    status = LOCKS_OUT if found.is_locking_out else 0
    return show("\n".join(_lines(found)), status)


def _require_values(given: argparse.Namespace) -> None:
    what = {
        REGEN: "a UNIT",
        REMOTE_KEY: "a key FILE",
        RELEASE: "a RELEASE",
        **dict.fromkeys(RENAMES, "a NAME"),
    }.get(given.change)
    if bool(what) != bool(given.value):
        wants = f"needs {what}" if what else "takes no value"
        raise UsageError(
            f"preview: {given.change} {wants}", "See `cucmsh preview --help`."
        )
    if given.held.count(STANDARD_INPUT) > 1:
        raise UsageError("preview: --held - is there twice; it is one list")


def _as_document(
    configuration: str, argv: Sequence[str], given: argparse.Namespace, to: JsonResult
) -> int:
    to.name("preview")
    site, found = _previewed(configuration, argv, given, Screen(2))
    to.take(_document(site.node.name, found))
    status = LOCKS_OUT if found.is_locking_out else 0
    to.send(status)
    return status


def _lines(found: Preview | ReleasePreview) -> Iterator[str]:
    if isinstance(found, ReleasePreview):
        return release_preview_lines(found)
    return preview_lines(found)


def _document(node: str, found: Preview | ReleasePreview) -> Document:
    if isinstance(found, ReleasePreview):
        return release_preview_document(node, found)
    return preview_document(node, found)


def _previewed(
    configuration: str, argv: Sequence[str], given: argparse.Namespace, screen: Screen
) -> tuple[Site, Preview | ReleasePreview]:
    """Look; questions go to the screen."""
    own = open_own_site(configuration)
    site, audit = admit(own, WayIn.NODE, os.environ, Screen(2))
    with audit.noting(["preview", *argv], is_change=False):
        held = list(_held(given.held))
        if given.change == RELEASE:
            return site, preview_release(site, given.value, held)
        value, key = "", None
        if given.change in (REGEN, *RENAMES):
            value = given.value
        elif given.change == REMOTE_KEY:
            raw = read_key_file(site.backends, given.value).raw
            prompter = TerminalPrompter(screen, Reader(0, screen, time.monotonic))
            key = SavedKey(raw, _opener(given.secrets_fd, prompter))
        return site, preview(site, given.change, value, held, key)


def _opener(
    fd: int | None, prompter: Prompter
) -> Callable[[WrongPasswordError, Callable[[Secret], ImportedKey]], ImportedKey]:
    def opened(
        refusal: WrongPasswordError, open_with: Callable[[Secret], ImportedKey]
    ) -> ImportedKey:
        if fd is None:
            return open_by_own_password(prompter, refusal, open_with)
        (password,) = read_secrets(fd, "--secrets-fd", 1, 0)
        return open_with(password)

    return opened


def _held(places: Sequence[str]) -> Iterator[GivenList]:
    """The lists that were named; of a directory, those that are none, too.

    Raises:
        StoreError: one that was named alone is none.
    """
    if STANDARD_INPUT in places:
        with open(0, "rb", closefd=False) as file:
            yield given_list("standard input", file.read(MOST_BYTES + 1))
    known, left_out = held_at(each for each in places if each != STANDARD_INPUT)
    for entry in (*known, *left_out):
        yield GivenList(entry.file, entry.trust_list, entry.problem)
