"""Joins the rooms: settings, site and packs become a session, a hook or a verdict.

The one place that opens heavy doors, and opens them late; the one reader of the
system clock. Runs no command itself.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cucmsh.cluster.settings import Settings, read_settings
from cucmsh.errors import CucmshError, RefusedError, UsageError
from cucmsh.services.journal import login_notice
from cucmsh.services.site import Site
from cucmsh.shapes import TYPE_CHECKING, Any
from cucmsh.shell.limits import PROMPT
from cucmsh.shell.screen import Screen
from cucmsh.shell.terminal import Terminal
from cucmsh.views.banner import banner

if TYPE_CHECKING:
    from datetime import datetime
    from typing import TextIO

    from cucmsh.cluster.first_login import ShownKey
    from cucmsh.cluster.model import SshAddress, TftpAddress
    from cucmsh.cluster.runner import Runner
    from cucmsh.cluster.store import Store
    from cucmsh.enrol.asking import TerminalAsking
    from cucmsh.pki.foreign import ForeignKey
    from cucmsh.pki.room import KeyRoom
    from cucmsh.services.doors import AcceptHostKey, BackupServer, Link
    from cucmsh.shell.command import Command
    from cucmsh.shell.grammar import Grammar
    from cucmsh.shell.reader import Reader
    from cucmsh.shell.session import LineEditor, Session
    from cucmsh.trustlist.check import Verifier

DEFAULT_CONFIGURATION = "/etc/cucmsh/cucmsh.toml"
BUILT_IN_PACK = "commands"
HOME_OF_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class SystemClock:
    """The real time; see ``Clock``."""

    def now(self) -> datetime:
        from datetime import UTC, datetime

        return datetime.now(UTC)

    def boot(self) -> tuple[str, float]:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


class LateDoors:
    """Imports a room when a service first asks for it; see ``Doors``."""

    def keys(self) -> KeyRoom:
        from cucmsh.pki.room import KeyRoom

        return KeyRoom()

    def open_foreign_key(self, raw: bytes, password: str) -> ForeignKey:
        from cucmsh.cluster.process import LocalRunner
        from cucmsh.pki.foreign import open_foreign

        return open_foreign(raw, password, LocalRunner().feed)

    def verifier(self) -> Verifier:
        from cucmsh.pki.verify import RsaVerifier

        return RsaVerifier()

    def runner(self) -> Runner:
        from cucmsh.cluster.process import LocalRunner

        return LocalRunner()

    def open_node(self, address: SshAddress) -> Link:
        from cucmsh.cluster.ssh import open_node

        return open_node(address)

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link:
        from cucmsh.cluster.hostkeys import KnownHosts
        from cucmsh.cluster.ssh import Login, open_host

        login = Login(server.user, server.password)
        known = KnownHosts(known_hosts)
        return open_host((server.host, server.port), login, known, accept)

    def look(self, host: str, port: int) -> ShownKey:
        from cucmsh.cluster.first_login import look

        return look(host, port)

    def open_with_password(self, address: SshAddress, password: str) -> Link:
        from cucmsh.cluster.first_login import open_with_password

        return open_with_password(address, password)

    def home_on(self, link: Link) -> Store:
        return self.store_on(link, ".")

    def store_on(self, link: Link, root: str) -> Store:
        from typing import cast

        from cucmsh.cluster.sftp import SftpStore
        from cucmsh.cluster.ssh import SshConnection

        return SftpStore(cast(SshConnection, link), root)

    def read_back(
        self, address: TftpAddress, name: str, patience_seconds: float = 15
    ) -> bytes:
        from cucmsh.cluster.tftp import read_back

        return read_back(address, name, patience_seconds)


def find_configuration(named: str, environment: Mapping[str, str]) -> str:
    """``--config``, ``$CUCMSH_CONFIG`` or the default, in that order."""
    return named or environment.get("CUCMSH_CONFIG", "") or DEFAULT_CONFIGURATION


def open_site(settings: Settings) -> Site:
    return Site(settings, SystemClock(), LateDoors())


def run_shell(configuration: str, greeting: str = "") -> int:
    """The interactive prompt; returns the exit status.

    Args:
        configuration: path of the node's configuration.
        greeting: printed before the banner; empty for a plain login.
    """
    site = open_site(read_settings(configuration))
    screen = Screen(1)
    with Terminal(0).held():
        for text in (greeting, "\n".join(banner()), login_notice(site)):
            if text:
                screen.say(text)
        # The rest of the shell is imported while a person or program reads this.
        screen.prompt_ahead(PROMPT)
        # The shell of a lab stays: the whole cluster would stop with it.
        return _session(site, screen, may_end=not greeting).run()


def run_command(configuration: str, line: str, environment: Mapping[str, str]) -> int:
    """One command; returns its exit status.

    An exec request through SSH runs changing commands only where the configuration
    says so (design decision 4).
    """
    site = open_site(read_settings(configuration))
    is_exec_request = not {"SSH_CONNECTION", "SSH_ORIGINAL_COMMAND"}.isdisjoint(
        environment
    )
    session = _session(site, Screen(1), is_exec_request=is_exec_request)
    return session.run_line(line)


def run_hook(configuration: str, words: list[str], out: TextIO) -> int:
    """One of the hooks that services and other nodes run; returns the exit status."""
    from cucmsh.hooks import run

    site = open_site(read_settings(configuration))
    if words[:1] == ["sign"]:
        return _sign(site, words[1:], out)
    out.write(run(site, words))
    return 0


def run_init(configuration: str, words: list[str]) -> int:
    """Make a node; returns the exit status."""
    import pwd

    from cucmsh.enrol.init import Surroundings, init

    path = os.path.abspath(configuration)
    program = [sys.executable, "-I", "-m", "cucmsh"]
    if path != DEFAULT_CONFIGURATION:
        program += ["--config", path]
    account = pwd.getpwuid(os.geteuid()).pw_name
    around = Surroundings(path, program, account)
    with _asking() as asking:
        return init(words, around, asking, open_site)


def run_node(configuration: str, words: list[str]) -> int:
    """Add, list or remove nodes; returns the exit status."""
    from cucmsh.enrol.node import node

    with _asking() as asking:
        return node(words, asking, lambda: open_site(read_settings(configuration)))


def _sign(site: Site, files: list[str], out: TextIO) -> int:
    """``hook sign FILE...``: for scripts that write the phones' files."""
    from cucmsh.services.phone_files import named
    from cucmsh.services.publish import exit_status, sign_chosen
    from cucmsh.services.replicas import push
    from cucmsh.views.signing import replica_lines, signing_lines

    if not files:
        raise UsageError("hook sign takes one FILE or more")
    report = sign_chosen(site, named(site, files))
    replicas = push(site)
    lines = [*signing_lines(report), *replica_lines(replicas)]
    out.write("".join(f"{line}\n" for line in lines))
    return exit_status(report, replicas)


def doctor(configuration: str) -> tuple[list[str], int]:
    """What a look at the set-up finds, and the status: 1 if something fails."""
    from cucmsh.services.doctor import Level, examine
    from cucmsh.views.findings import finding_lines

    findings = examine(open_site(read_settings(configuration)))
    has_failed = any(finding.level is Level.FAIL for finding in findings)
    return finding_lines(findings), int(has_failed)


def verify(file: str, held: str) -> tuple[list[str], int]:
    """What a list or signed file is worth, to a holder of ``held``; and the status."""
    from cucmsh.pki.certificates import read_certificate
    from cucmsh.pki.verify import RsaVerifier
    from cucmsh.services.inspect import inspect
    from cucmsh.views.inspection import inspection_lines

    inspection = inspect(file, held, RsaVerifier(), read_certificate)
    return inspection_lines(inspection), 0 if inspection.is_good else 1


@contextmanager
def _asking() -> Iterator[TerminalAsking]:
    """Questions without a session; a lost line ends the one that waits."""
    from cucmsh.enrol.asking import TerminalAsking
    from cucmsh.shell.reader import Reader
    from cucmsh.shell.signals import hang_ups

    screen = Screen(1)
    reader = Reader(0, screen, time.monotonic)
    with hang_ups(reader.keyboard.end):
        yield TerminalAsking(screen, reader)


def _session(
    site: Site, screen: Screen, *, is_exec_request: bool = False, may_end: bool = True
) -> Session:
    """A session; one that ``may_end`` does so when nobody types for too long."""
    from cucmsh.shell.reader import Reader
    from cucmsh.shell.session import Session

    return Session(
        lambda: _load_packs(site.settings, screen),
        site,
        screen,
        Reader(0, screen, time.monotonic),
        banner="",
        notice="",
        guard=_guard(site, is_exec_request=is_exec_request),
        helpful=not site.settings.is_strict,
        open_editor=_open_editor,
        on_internal_error=_record_internal_error(site),
        idle_seconds=lambda: _idle_seconds(site) if may_end else None,
    )


def _idle_seconds(site: Site) -> float:
    from cucmsh.services.idle import idle_minutes

    return idle_minutes(site) * 60.0


def _load_packs(settings: Settings, screen: Screen) -> Grammar:
    from cucmsh.shell.packs import load_packs

    grammar = load_packs(BUILT_IN_PACK, HOME_OF_OURS, settings.packs, screen.say)
    gc.enable()  # the front door turned it off; the prompt is there by now
    return grammar


def _guard(site: Site, *, is_exec_request: bool) -> Callable[[Command], None]:
    def guard(command: Command) -> None:
        if command.publisher_only:
            site.require_publisher()
        may_change = site.settings.may_change_by_exec or not is_exec_request
        if command.changes and not may_change:
            raise RefusedError(
                f"{command.phrase} changes the cluster and does not run by an exec "
                "request here",
                'Log in and type it, or set exec = "all" in the configuration.',
            )

    return guard


def _open_editor(
    grammar: Grammar, context: Any, screen: Screen, reader: Reader, lines: list[str]
) -> LineEditor:
    from cucmsh.shell.editor import PersonEditor

    return PersonEditor(grammar, context, screen, reader, lines)


def _record_internal_error(site: Site) -> Callable[[BaseException], None]:
    def record(error: BaseException) -> None:
        # Places only: the text of an unforeseen error may hold a secret.
        place = error.__traceback__
        places = []
        while place is not None:
            code = place.tb_frame.f_code
            places.append(f"{os.path.basename(code.co_filename)}:{place.tb_lineno}")
            place = place.tb_next
        when = site.clock.now().isoformat(timespec="seconds")
        line = f"{when} {type(error).__name__} at {' '.join(places)}"
        try:
            site.home.append("log/errors", line)
        except CucmshError:
            return  # the person was told that it broke; nobody else listens

    return record
