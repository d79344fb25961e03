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

from cucmsh.backends import LateBackends
from cucmsh.config.settings import Settings, read_settings
from cucmsh.errors import PackError
from cucmsh.layout import DEFAULT_CONFIGURATION
from cucmsh.services.caller import Caller, WayIn
from cucmsh.services.idle import idle_minutes
from cucmsh.services.nodes.account import become_owner
from cucmsh.services.records.audit import AuditLog
from cucmsh.services.records.crash_log import crash_recorder
from cucmsh.services.records.journal import login_notice
from cucmsh.services.site import Site
from cucmsh.services.usecase import Access, require_access
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
from cucmsh.views.banner import banner

BUILT_IN_PACK = "commands"
HOME_OF_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class SystemClock:
    """The real time; see ``Clock``."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def boot(self) -> tuple[str, float]:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


def find_configuration(named: str, environment: Mapping[str, str]) -> str:
    """``--config``, ``$CUCMSH_CONFIG`` or the default, in that order."""
    return named or environment.get("CUCMSH_CONFIG", "") or DEFAULT_CONFIGURATION


def open_site(settings: Settings) -> Site:
    return Site(settings, SystemClock(), LateBackends())


def open_own_site(configuration: str) -> Site:
    """The node of that configuration, as the owner of its home.

    Raises:
        RefusedError: root may not act there; see ``services.nodes.account``.
    """
    settings = read_settings(configuration)
    if os.geteuid() == 0:
        become_owner(settings)
    return open_site(settings)


def run_shell(configuration: str, greeting: str = "", *, may_end: bool = True) -> int:
    """The interactive prompt; returns the exit status.

    Args:
        configuration: path of the node's configuration.
        greeting: printed before the banner; empty for a plain login.
        may_end: when nobody types; false for a lab, all of which would stop.
    """
    return serve_prompt(open_own_site(configuration), greeting, may_end=may_end)


def serve_prompt(site: Site, greeting: str = "", *, may_end: bool = True) -> int:
    """See ``run_shell``."""
    screen = Screen(1)
    with Terminal(0).held():
        for text in (greeting, "\n".join(banner()), login_notice(site)):
            if text:
                screen.say(text)
        # The rest of the shell is imported while a person or program reads this.
        screen.prompt_ahead(PROMPT)
        site, audit = admit(site, WayIn.PROMPT, os.environ, screen)
        audit.note("login", {})
        try:
            session = _session(site, screen, audit, has_prompt=True)
            session.settings.may_end = may_end
            return session.run()
        finally:
            audit.note("logout", {})


def run_command(
    configuration: str,
    line: str,
    result: JsonResult | None = None,
) -> int:
    """One command; returns its exit status.

    An exec request runs changing commands only where the configuration says so
    (docs/decisions/004). Text goes to standard error when a ``result`` is wanted.
    """
    site = open_own_site(configuration)
    is_exec_request = "SSH_CONNECTION" in os.environ
    return serve_line(site, line, result, is_exec_request=is_exec_request)


def serve_line(
    site: Site,
    line: str,
    result: JsonResult | None = None,
    *,
    is_exec_request: bool,
) -> int:
    """See ``run_command``."""
    way_in = WayIn.EXEC if is_exec_request else WayIn.COMMAND
    site, audit = admit(site, way_in, os.environ, Screen(2))
    screen = Screen(1 if result is None else 2)
    session = _session(site, screen, audit)
    return session.run_line(line, result)


def run_json(configuration: str, line: str) -> int:
    """The same, with one JSON document on standard output, whatever happens."""
    return report(Screen(1), lambda to: run_command(configuration, line, to))


def admit(
    site: Site, way_in: WayIn, environment: Mapping[str, str], screen: Screen
) -> tuple[Site, AuditLog]:
    """The site for whoever came in this way, and the record of what they do.

    Args:
        site: this node.
        way_in: by which door.
        environment: of the process, which says who it is; see ``shell.origin``.
        screen: is told, once, that a line of the record could not be kept.
    """
    who = origin(environment, way_in)
    address = who.get("ssh", "").partition(" ")[0]
    caller = Caller(way_in, who.get("user", ""), address)
    audit = AuditLog(
        site.sinks,
        site.node.name,
        site.clock.now,
        time.monotonic,
        who=lambda: who,
        complain=screen.say,
    )
    return site.called_by(caller, audit), audit


def _session(
    site: Site,
    screen: Screen,
    audit: AuditLog,
    *,
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
        guard=lambda command: require_access(site, _access_of(command)),
        helpful=not site.settings.is_strict,
        open_editor=_open_editor,
        on_internal_error=crash_recorder(site),
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
            crash_recorder(site)(error.__cause__)

    packs = load_packs(BUILT_IN_PACK, HOME_OF_OURS, site.settings.packs, on_broken)
    gc.freeze()  # all of this stays: no collection needs to look at it
    gc.enable()  # the front door turned it off; the prompt is there by now
    return Grammar((each for pack in packs for each in pack.commands), packs)


def _access_of(command: Command) -> Access:
    """What a command declares: refused before it asks the first question."""
    return Access(
        command.phrase, command.changes, command.publisher_only, command.level
    )


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
