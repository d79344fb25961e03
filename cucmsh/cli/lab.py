"""``cucmsh lab``: a whole cluster on 127.0.0.1, and its publisher's shell."""

from __future__ import annotations

import argparse
import socket
import threading
from collections.abc import Sequence
from functools import partial

from cucmsh.app import admit_to_page, open_own_site, open_site
from cucmsh.cli.options import Parser, text
from cucmsh.cli.prompt import run_shell
from cucmsh.lab.command import LabOptions, lab
from cucmsh.lab.wanted import MOST_SUBSCRIBERS
from cucmsh.shell.screen import Screen


def lab_parser() -> Parser:
    """What ``lab`` takes."""
    parser = Parser(
        "lab",
        "Build a cluster on 127.0.0.1 and open the admin: prompt of its publisher. "
        "Everything stops with the shell.",
    )
    parser.option(
        "--subscribers",
        metavar="N",
        type=_subscribers,
        help=f"how many, 1 to {MOST_SUBSCRIBERS} (default: 1)",
    )
    parser.option(
        "--phones",
        metavar="N|MODEL:N,...",
        type=text,
        help="how many phones boot in it, such as 3 or 7965:2,8845:3 (default: none)",
    )
    parser.option(
        "--sip",
        metavar="HOST:PORT",
        type=text,
        help="the SIP server on 127.0.0.1 that its phones tell of their lists "
        "(default: none)",
    )
    parser.option(
        "--dir",
        dest="directory",
        metavar="DIR",
        type=text,
        help="kept after the end (default: a temporary one)",
    )
    parser.option(
        "--from",
        dest="file",
        metavar="FILE",
        type=text,
        help="names, ports, passwords and keys from a TOML file (docs/lab.md)",
    )
    parser.flag(
        "--no-hold",
        help="certificates can be regenerated one after the other at once",
    )
    parser.flag(
        "--serve",
        help="no shell: print one line of JSON (addresses, passwords), and run until "
        "SIGTERM or SIGINT",
    )
    parser.option("--lifeline", type=int, default=-1, help=argparse.SUPPRESS)
    parser.option("--prompt", type=int, default=0, help=argparse.SUPPRESS)
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the lab until its shell, or its signal, ends it; returns the exit status."""
    open_shell = partial(run_shell, may_end=False)
    return lab(read(argv), open_shell, open_site, _serve_page, Screen(1).say)


def _serve_page(
    configuration: str, listener: socket.socket, ended: threading.Event
) -> None:
    from cucmsh.web.server import Held, serve  # noqa: PLC0415 - a web server

    serve(partial(open_own_site, configuration), admit_to_page, Held(listener, ended))


def read(argv: Sequence[str]) -> LabOptions:
    """The options in ``argv``.

    Raises:
        HelpAskedError: the help was asked for.
        UsageError: unknown options, or a number of subscribers that is not allowed.
    """
    given = lab_parser().read(argv)
    return LabOptions(
        given.subscribers,
        given.directory or "",
        given.serve,
        given.lifeline,
        file=given.file or "",
        has_hold=not given.no_hold,
        prompt=given.prompt,
        phones=given.phones or "",
        sip=given.sip or "",
    )


def _subscribers(value: str) -> int:
    number = int(value) if value.isascii() and value.isdecimal() else -1
    if not 1 <= number <= MOST_SUBSCRIBERS:
        raise argparse.ArgumentTypeError(f"{value!r} is no number of subscribers")
    return number
