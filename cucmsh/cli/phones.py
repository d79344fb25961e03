"""``cucmsh phones``: what logs, SIP and pages say of phones, into the inventory."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pwd import getpwuid
from threading import Event

from cucmsh.app import admit, open_own_site
from cucmsh.cli.options import Parser, file_name, text
from cucmsh.cli.terminal import show, warn
from cucmsh.errors import UsageError
from cucmsh.hosts import host_port, split_host
from cucmsh.layout import DEFAULT_CONFIGURATION
from cucmsh.services.caller import WayIn
from cucmsh.services.nodes.account import owner_of
from cucmsh.services.phones.follow import follow_logs
from cucmsh.services.phones.imports import Imported, import_logs
from cucmsh.services.phones.listen import Heard, Listening, listen
from cucmsh.services.phones.page_client import PageHost
from cucmsh.services.phones.poll import Polled, Target, poll
from cucmsh.services.site import Site
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.screen import Screen
from cucmsh.shell.signals import hang_ups
from cucmsh.views.documents import Document
from cucmsh.views.phone_sources import (
    heard_document,
    heard_lines,
    import_document,
    import_lines,
    phone_units,
    poll_document,
    poll_lines,
    polled_line,
    recorded_lines,
)

PAGE_PORT = 80
DEFAULT_LOG = "/var/log/syslog"


def phones_parser() -> Parser:
    """What ``phones`` takes; each verb has a parser of its own, see ``PARSERS``."""
    parser = Parser(
        "[--config FILE] phones",
        "What is said of phones, into the inventory: `phones import FILE`, `phones "
        "listen`, `phones poll`, and `phones units` for systemd. Each has a --help. "
        "`show itl phones` at the prompt shows what is known.",
    )
    parser.add_argument("verb", metavar="import|listen|poll|units", choices=PARSERS)
    return parser


def import_parser() -> Parser:
    """What ``phones import`` takes."""
    parser = Parser(
        "[--config FILE] phones import",
        "Read logs of TFTP servers (tftpd-hpa, dnsmasq, atftpd), of web servers that "
        "give lists, and SIP messages in Asterisk's log. Read twice, a log says "
        "nothing new.",
        "Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 partly done: the "
        "same command again does the rest.",
    )
    parser.add_argument(
        "logs", metavar="FILE", nargs="+", type=file_name, help="or - for a pipe"
    )
    parser.option(
        "--node", metavar="NAME", type=text, help="whose logs they are (default: this)"
    )
    parser.flag("--follow", help="go on as they are written, until a signal ends it")
    parser.flag("--json", help="one document instead, at the end")
    return parser


def listen_parser() -> Parser:
    """What ``phones listen`` takes."""
    parser = Parser(
        "[--config FILE] phones listen",
        "Take alarms and REGISTERs of phones that Asterisk (res_hep) or Kamailio "
        "(siptrace) mirrors by HEP version 3, until a signal ends it.",
        "Exit status: 0 done, 1 refused or failed, 2 wrong use, 3 claims were lost.",
    )
    parser.option(
        "--listen",
        metavar="ADDRESS:PORT",
        type=text,
        help="UDP (default: hep of [inventory], else 127.0.0.1:9060)",
    )
    parser.several(
        "--from",
        dest="senders",
        metavar="ADDRESS",
        type=text,
        help="take packets of this SIP server only; may be given several times",
    )
    parser.flag("--json", help="one document instead, at the end")
    return parser


def poll_parser() -> Parser:
    """What ``phones poll`` takes."""
    parser = Parser(
        "[--config FILE] phones poll",
        "Ask phones for their web pages, once: those whose address the inventory "
        "knows, or those that are named.",
        "Exit status: 0 all were read, 1 none was, 2 wrong use, 3 some could not be.",
    )
    parser.several(
        "--address",
        metavar="HOST[:PORT][/FOLDER]",
        type=text,
        help="may be given several times",
    )
    parser.flag("--json", help="one document instead")
    return parser


def units_parser() -> Parser:
    """What ``phones units`` takes."""
    parser = Parser(
        "[--config FILE] phones units",
        "Print what makes systemd run these: lines for root to read and run.",
    )
    parser.add_argument(
        "logs", metavar="FILE", nargs="*", help=f"logs to follow ({DEFAULT_LOG})"
    )
    return parser


PARSERS: dict[str, Callable[[], Parser]] = {
    "import": import_parser,
    "listen": listen_parser,
    "poll": poll_parser,
    "units": units_parser,
}


def run(configuration: str, argv: Sequence[str]) -> int:
    """Do it; returns the exit status.

    Raises:
        UsageError: wrong options or values.
        CucmshError: nothing was done; with ``--json`` it is in the document.
    """
    make_parser = PARSERS.get(argv[0]) if argv else None
    if make_parser is None:
        phones_parser().read(argv)  # which refuses
        raise UsageError("phones: which one?", "See `cucmsh phones --help`.")
    given = make_parser().read(argv[1:])
    if argv[0] == "units":
        return _units(configuration, given.logs)
    verbs = {"import": _import, "listen": _listen, "poll": _poll}
    with ExitStack() as noting:

        def open_noting() -> Site:
            site = open_own_site(configuration)
            site, audit = admit(site, WayIn.NODE, os.environ, Screen(2))
            noting.enter_context(audit.noting(["phones", *argv], is_change=False))
            return site

        work = verbs[argv[0]]
        if given.json:
            return report(
                Screen(1), lambda to: _document(to, argv[0], work(given, open_noting()))
            )
        status, _, lines = work(given, open_noting())
        return show("\n".join(lines), status)


Done = tuple[int, Document, list[str]]


def _document(to: JsonResult, verb: str, done: Done) -> int:
    status, document, _ = done
    to.name(f"phones {verb}")
    to.take(document)
    to.send(status)
    return status


class _Long:
    """See ``LongDialog``: says on standard error, ends by a signal."""

    def __init__(self) -> None:
        self._ended = Event()

    def end(self) -> None:
        self._ended.set()

    def say(self, line: str) -> None:
        warn(line)

    def listening(self, host: str, port: int) -> None:
        Screen(2).say(f"Listening on {host_port(host, port)} (UDP).")

    def is_over(self, seconds: float) -> bool:
        return self._ended.wait(seconds)


@contextmanager
def _until_a_signal() -> Iterator[_Long]:
    """Its dialog ends at SIGTERM, SIGHUP and Ctrl-C, and what is known is written."""
    dialog = _Long()
    with hang_ups(dialog.end):
        before = signal.signal(signal.SIGINT, lambda *_: dialog.end())
        try:
            yield dialog
        finally:
            signal.signal(signal.SIGINT, before)


def _import(given: argparse.Namespace, site: Site) -> Done:
    node = given.node or ""
    if given.follow:
        with _until_a_signal() as dialog:
            imported = follow_logs(site, given.logs, dialog, node)
    else:
        imported = import_logs(site, given.logs, node)
    if imported.problem is not None and not imported.recorded.claims:
        raise imported.problem
    status = 0 if imported.problem is None else 3
    return status, import_document(imported), _lines(imported)


def _lines(imported: Imported) -> list[str]:
    lines = list(import_lines(imported))
    if imported.problem is not None:
        lines += [f"It broke off: {imported.problem.message}", imported.problem.advice]
    return [line for line in lines if line]


def _listen(given: argparse.Namespace, site: Site) -> Done:
    said = site.settings.inventory
    host, port = said.hep
    if given.listen:
        host, port = split_host(given.listen, port)
    senders = frozenset(given.senders or said.hep_senders)
    with _until_a_signal() as dialog:
        heard: Heard = listen(site, Listening(host, port, senders), dialog)
    return 3 if heard.lost else 0, heard_document(heard), list(heard_lines(heard))


class _Asking:
    """See ``PollDialog``."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self.phones: list[Polled] = []

    def polled(self, phone: Polled) -> None:
        self.phones.append(phone)
        if not self._is_quiet and (line := polled_line(phone)):
            Screen(1).say(line)


def _poll(given: argparse.Namespace, site: Site) -> Done:
    named = [Target("", _place(address)) for address in given.address]
    dialog = _Asking(is_quiet=given.json)
    done = poll(site, named, dialog)
    lines = [*poll_lines(done), *recorded_lines(done.recorded)]
    return done.exit_status, poll_document(done, dialog.phones), lines


def _place(address: str) -> PageHost:
    host, slash, folder = address.removeprefix("http://").partition("/")
    folder = f"/{folder.strip('/')}" if slash and folder.strip("/") else ""
    if not all("!" <= each <= "~" for each in folder):
        raise UsageError("--address: the folder holds characters that no URL has")
    return PageHost(*split_host(host, PAGE_PORT), folder)


def _written(site: Site) -> list[str]:
    """The folders that the units write to; all else is read-only for them."""
    metrics = site.settings.alarms.metrics
    counted = os.path.dirname(metrics.file) if metrics else ""
    folders = [site.settings.home, site.settings.inventory.folder, counted]
    return [folder for folder in dict.fromkeys(folders) if folder]


def _units(configuration: str, logs: Sequence[str]) -> int:
    where = os.path.abspath(configuration)
    site = open_own_site(configuration)
    program = [sys.executable, "-I", "-m", "cucmsh"]
    if where != DEFAULT_CONFIGURATION:
        program += ["--config", where]
    home = site.settings.home
    lines = ["# As root. The account needs to read the logs: usermod -aG adm ACCOUNT"]
    named = [os.path.abspath(log) for log in logs] or [DEFAULT_LOG]
    account = getpwuid(owner_of(home)).pw_name
    for path, unit in phone_units(program, account, _written(site), named):
        lines += [f"cat > {path} <<'END'", *unit.splitlines(), "END"]
    lines.append("systemctl daemon-reload")
    return show("\n".join(lines))
