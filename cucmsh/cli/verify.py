"""``cucmsh verify``: checks a list or a signed file. Needs no node."""

from __future__ import annotations

from collections.abc import Sequence

from cucmsh.backends import LateBackends
from cucmsh.cli.options import Parser, file_name
from cucmsh.cli.terminal import show
from cucmsh.services.lists.verify_file import inspect
from cucmsh.views.inspection import inspection_lines


def verify_parser() -> Parser:
    """What ``verify`` takes."""
    parser = Parser(
        "verify",
        "Check a list (ITL, CTL) or a signed file by itself, or as a phone that holds "
        "the list HELD would.",
        "Exit status: 0 good, 1 not good or unreadable, 2 wrong use.",
    )
    parser.add_argument("file", metavar="FILE", type=file_name)
    parser.option("--against", metavar="HELD", type=file_name)
    parser.option(
        "--as",
        dest="asked",
        metavar="NAME",
        type=file_name,
        help="the name by which the phone asked for it, if that is another one",
    )
    return parser


def run(argv: Sequence[str]) -> int:
    """Print the verdict; returns the exit status.

    Raises:
        StoreError: a file cannot be read, or is neither a list nor a signed file.
    """
    given = verify_parser().read(argv)
    backends = LateBackends()
    inspection = inspect(
        given.file,
        given.against or "",
        backends.verifier(),
        backends.keys().read_certificate,
        given.asked or "",
    )
    return show("\n".join(inspection_lines(inspection)), 0 if inspection.is_good else 1)
