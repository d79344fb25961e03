"""``cucmsh verify``: checks lists or signed files. Needs no node."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cucmsh.backends import LateBackends
from cucmsh.cli.options import Parser, file_name
from cucmsh.cli.terminal import show
from cucmsh.errors import UsageError
from cucmsh.services.lists.verify_file import inspect
from cucmsh.services.lists.verify_table import Table, inspect_all, is_one
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.screen import Screen
from cucmsh.views.documents import verify_document
from cucmsh.views.inspection import inspection_lines, table_lines


def verify_parser() -> Parser:
    """What ``verify`` takes."""
    parser = Parser(
        "verify",
        "Check a list (ITL, CTL) or a signed file by itself, or as a phone that holds "
        "the list HELD would. A directory stands for its *.tlv and *.itl files, and a "
        "pattern may be quoted; several files or held lists give a table.",
        "Exit status: 0 good, and accepted by all; 1 not, or unreadable; 2 wrong use.",
    )
    parser.add_argument("files", metavar="FILE", type=file_name, nargs="+")
    parser.several(
        "--against",
        metavar="HELD",
        type=file_name,
        help="a list that phones hold; may be given several times",
    )
    parser.option(
        "--as",
        dest="asked",
        metavar="NAME",
        type=file_name,
        help="the name by which the phone asked for it, if that is another one",
    )
    parser.flag("--json", help="one document instead")
    return parser


def run(argv: Sequence[str]) -> int:
    """Print the verdicts; returns the exit status.

    Raises:
        StoreError: a file that was named alone cannot be read, or is neither a list
            nor a signed file; ``--json`` shows that, too.
        UsageError: ``--as`` with several files.
    """
    given = verify_parser().read(argv)
    if given.json:
        return report(Screen(1), lambda to: _as_document(given, to))
    if all(len(places) <= 1 for places in (given.files, given.against)) and all(
        map(is_one, (*given.files, *given.against))
    ):
        return _one(given)
    table = _table(given)
    return show("\n".join(table_lines(table)), 0 if table.is_good else 1)


def _one(given: argparse.Namespace) -> int:
    backends = LateBackends()
    inspection = inspect(
        given.files[0],
        next(iter(given.against), ""),
        backends.verifier(),
        backends.keys().read_certificate,
        given.asked or "",
    )
    return show("\n".join(inspection_lines(inspection)), 0 if inspection.is_good else 1)


def _table(given: argparse.Namespace) -> Table:
    if given.asked and (len(given.files) > 1 or not is_one(given.files[0])):
        raise UsageError(
            "verify: --as names what one file was asked for, and here are several",
            "Verify that file alone.",
        )
    backends = LateBackends()
    return inspect_all(
        given.files,
        given.against,
        backends.verifier(),
        backends.keys().read_certificate,
        given.asked or "",
    )


def _as_document(given: argparse.Namespace, to: JsonResult) -> int:
    to.name("verify")
    table = _table(given)
    to.take(verify_document(table))
    status = 0 if table.is_good else 1
    to.send(status)
    return status
