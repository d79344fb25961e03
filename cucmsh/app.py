"""Joins the rooms: settings, site and packs become a session, a hook or a verdict.

Imports late what only some ways in need. Runs no command itself.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cucmsh.backends import LateDoors
from cucmsh.cli.hook import run
from cucmsh.config.settings import Settings, read_settings
from cucmsh.errors import (
    CucmshError,
    PackError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.layout import DEFAULT_CONFIGURATION
from cucmsh.services.idle import idle_minutes
from cucmsh.services.lists.inspection import inspect
from cucmsh.services.lists.phone_files import named
from cucmsh.services.lists.publish import bring_signed, exit_status, sign_chosen
from cucmsh.services.lists.replicas import update_replicas
from cucmsh.services.lists.start import keep, start
from cucmsh.services.nodes.account import become_owner
from cucmsh.services.records.audit import AuditLog
from cucmsh.services.records.crash_log import breakdown_recorder
from cucmsh.services.records.journal import login_notice
from cucmsh.services.site import Site
from cucmsh.shell.command import Command
from cucmsh.shell.editor_import import import_editor
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.limits import PROMPT
from cucmsh.shell.line_editor import LineEditor
from cucmsh.shell.origin import origin
from cucmsh.shell.packs import load_packs
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.session import Session
from cucmsh.shell.terminal import Terminal
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.views.banner import banner
from cucmsh.views.inspection import inspection_lines
from cucmsh.views.signing import replica_lines, signing_lines

BUILT_IN_PACK = "commands"
LOOKS = ("service-status", "clock", "describe")  # the hooks that change nothing
HOME_OF_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class SystemClock:
    """The real time; see ``Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def stamp(self) -> str:
        """The same as ISO 8601 with milliseconds."""
        return self.now().isoformat(timespec="milliseconds")

    def boot(self) -> tuple[str, float]:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


def find_configuration(named: str, environment: Mapping[str, str]) -> str:
    """``--config``, ``$CUCMSH_CONFIG`` or the default, in that order."""
    return named or environment.get("CUCMSH_CONFIG", "") or DEFAULT_CONFIGURATION


def open_site(settings: Settings) -> Site:
    return Site(settings, SystemClock(), LateDoors())


def open_own_site(configuration: str) -> Site:
    """The node of that configuration, as the owner of its home.

    Raises:
        RefusedError: root may not act there; see ``services.account``.
    """
    settings = read_settings(configuration)
    if os.geteuid() == 0:
        become_owner(settings)
    return open_site(settings)


def run_shell(configuration: str, greeting: str = "") -> int:
    """The interactive prompt; returns the exit status.

    Args:
        configuration: path of the node's configuration.
        greeting: printed before the banner; empty for a plain login.
    """
    return serve_prompt(open_own_site(configuration), greeting)


def serve_prompt(site: Site, greeting: str = "") -> int:
    """See ``run_shell``."""
    screen = Screen(1)
    with Terminal(0).held():
        for text in (greeting, "\n".join(banner()), login_notice(site)):
            if text:
                screen.say(text)
        # The rest of the shell is imported while a person or program reads this.
        screen.prompt_ahead(PROMPT)
        audit = open_audit(site, "prompt", os.environ, screen)
        audit.note("login", {})
        try:
            session = _session(site, screen, audit, has_prompt=True)
            # The shell of a lab stays: the whole cluster would stop with it.
            session.switches.may_end = not greeting
            return session.run()
        finally:
            audit.note("logout", {})


def run_command(
    configuration: str,
    line: str,
    environment: Mapping[str, str],
    result: JsonResult | None = None,
) -> int:
    """One command; returns its exit status.

    An exec request runs changing commands only where the configuration says so (design
    docs/decisions/004). Text goes to standard error when a ``result`` is wanted.
    """
    site = open_own_site(configuration)
    is_exec_request = "SSH_CONNECTION" in environment
    return serve_line(site, line, result, is_exec_request=is_exec_request)


def serve_line(
    site: Site,
    line: str,
    result: JsonResult | None = None,
    *,
    is_exec_request: bool,
) -> int:
    """See ``run_command``."""
    entry = "exec" if is_exec_request else "command"
    audit = open_audit(site, entry, os.environ, Screen(2))
    screen = Screen(1 if result is None else 2)
    session = _session(site, screen, audit, is_exec_request=is_exec_request)
    return session.run_line(line, result)


def run_json(config: str, line: str, environment: Mapping[str, str]) -> int:
    """The same, with one JSON document on standard output, whatever happens."""
    return report(Screen(1), lambda to: run_command(config, line, environment, to))


def run_hook(configuration: str, words: list[str]) -> tuple[str, int]:
    """One of the hooks that services and other nodes run: what it says, its status."""
    site = open_own_site(configuration)
    if words and words[0] in LOOKS:
        return run(site, words), 0
    if words == ["tftp-start"]:
        return _tftp_start(site)
    with open_audit(site, "hook", os.environ, Screen(2)).noting(words):
        match words:
            case ["sign", *files]:
                return _sign(site, files)
            case ["update-replicas"]:
                return _update_replicas(site)
        return run(site, words, _read_input), 0


def _read_input() -> bytes:
    """Standard input to its end; no more of it than a file may have, and a byte.

    Raises:
        StoreError: it cannot be read.
    """
    raw = b""
    try:
        while len(raw) <= MAX_FILE_SIZE and (block := os.read(0, MAX_FILE_SIZE)):
            raw += block
    except OSError as problem:
        raise StoreError(f"standard input: {problem.strerror}") from problem
    return raw


def _tftp_start(site: Site) -> tuple[str, int]:
    """``hook tftp-start``: what went wrong is said on standard error as well."""
    try:
        with open_audit(site, "hook", os.environ, Screen(2)).noting(["tftp-start"]):
            started = start(site)
    except CucmshError as problem:
        started = keep(site, problem)
    for line in started.problems:
        _complain(line)
    return "\n".join(started.done), started.status


def _update_replicas(site: Site) -> tuple[str, int]:
    """``hook update-replicas``: after the start of a publisher's TFTP service."""
    replicas = update_replicas(site)
    if replicas.problems:
        for name, problem in replicas.problems.items():
            _complain(f"{name}: pending: {problem}")
        replicas = replicas._replace(problems={})
        return "\n".join(replica_lines(replicas)), 3
    return "\n".join(replica_lines(replicas)), 0


def _complain(line: str) -> None:
    """On standard error, and as an error where that is systemd's journal."""
    error = "<3>" if _is_journal(2) else ""  # see SyslogLevelPrefix= in systemd.exec(5)
    Screen(2).say(f"{error}{line}")


def _is_journal(fd: int) -> bool:
    """Whether systemd made it: a child of a service has the variable too."""
    stream = os.fstat(fd)
    return os.environ.get("JOURNAL_STREAM") == f"{stream.st_dev}:{stream.st_ino}"


def _sign(site: Site, files: list[str]) -> tuple[str, int]:
    """``hook sign FILE...``: for scripts that write the phones' files."""
    if not files:
        raise UsageError("hook sign takes one FILE or more")
    report = sign_chosen(site, named(site, files))
    replicas = bring_signed(site, report)
    lines = [*signing_lines(report), *replica_lines(replicas)]
    return "\n".join(lines), exit_status(report, replicas)


def verify(file: str, held: str, asked: str = "") -> tuple[list[str], int]:
    """What a list or signed file is worth, to a holder of ``held``; and the status.

    ``asked`` is the name by which a phone asked for the file, if that is another one.
    """
    from cucmsh.pki.certificates import read_certificate
    from cucmsh.pki.verify import SignatureVerifier

    inspection = inspect(file, held, SignatureVerifier(), read_certificate, asked)
    return inspection_lines(inspection), 0 if inspection.is_good else 1


def open_audit(
    site: Site, entry: str, environment: Mapping[str, str], screen: Screen
) -> AuditLog:
    """The record of what comes in by ``entry``; see ``services.audit``."""

    def who() -> Mapping[str, str]:
        return origin(environment, entry)

    stamp = SystemClock().stamp
    return AuditLog(site.home, stamp, time.monotonic, who, screen.say)


def _session(
    site: Site,
    screen: Screen,
    audit: AuditLog,
    *,
    is_exec_request: bool = False,
    has_prompt: bool = False,
) -> Session:

    remarks: list[str] = []
    remark = remarks.append if has_prompt else Screen(2).say
    return Session(
        lambda: _load_packs(site, remark),
        site,
        screen,
        Reader(0, screen, time.monotonic),
        banner="",
        notice="",
        guard=_guard(site, is_exec_request=is_exec_request),
        helpful=not site.settings.is_strict,
        open_editor=_open_editor,
        on_internal_error=breakdown_recorder(site),
        audit=audit,
        remarks=remarks,
        idle_seconds=lambda: _idle_seconds(site),
    )


def _idle_seconds(site: Site) -> float:

    return idle_minutes(site) * 60.0


def _load_packs(site: Site, remark: Callable[[str], None]) -> Grammar:

    def on_broken(error: PackError) -> None:
        remark(f"Warning: {error.message}")
        if error.__cause__ is not None:
            breakdown_recorder(site)(error.__cause__)

    packs = load_packs(BUILT_IN_PACK, HOME_OF_OURS, site.settings.packs, on_broken)
    gc.freeze()  # all of this stays: no collection needs to look at it
    gc.enable()  # the front door turned it off; the prompt is there by now
    return Grammar((each for pack in packs for each in pack.commands), packs)


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
    gc.disable()  # as on the way to the prompt: what is imported stays
    try:
        import_editor()
        from cucmsh.shell.editor import PersonEditor

        return PersonEditor(grammar, context, screen, reader, lines)
    finally:
        gc.freeze()
        gc.enable()
