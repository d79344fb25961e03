"""One session of the shell: settings, site and packs joined, and one line run in it.

The prompt is in ``cucmsh.cli.prompt``, which alone needs what a login is told.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from typing import Any

import cucmsh
from cucmsh.app import admit, made_whole, open_own_site
from cucmsh.errors import PackError
from cucmsh.services.caller import WayIn
from cucmsh.services.idle import idle_minutes
from cucmsh.services.records.audit import AuditLog
from cucmsh.services.records.crash_log import crash_recorder
from cucmsh.services.site import Site
from cucmsh.services.usecase import Access, require_access
from cucmsh.shell.command import Command
from cucmsh.shell.editor_import import import_editor
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.packs import load_packs
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.session import LineEditor, Session

BUILT_IN_PACK = "commands"
INSTALLED_IN = os.path.dirname(os.path.abspath(cucmsh.__path__[0]))


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
    session = open_session(site, screen, audit)
    return session.run_line(line, result)


def run_json(configuration: str, line: str) -> int:
    """The same, with one JSON document on standard output, whatever happens."""
    return report(Screen(1), lambda to: run_command(configuration, line, to))


def open_session(
    site: Site,
    screen: Screen,
    audit: AuditLog,
    *,
    has_prompt: bool = False,
) -> Session:
    """A session of the node; nothing is read or run yet.

    Args:
        site: the node, which knows its caller.
        screen: where text and questions go; answers come from standard input.
        audit: the record of what is submitted.
        has_prompt: what the packs have to say waits for the first line, since the
            prompt stands by then.
    """
    remarks: list[str] = []
    remark = remarks.append if has_prompt else Screen(2).say
    return Session(
        lambda: _load_packs(site, remark),
        site,
        screen,
        Reader(0, screen, time.monotonic),
        guard=lambda command: _guard(site, command),
        helpful=not site.settings.is_strict,
        open_editor=_open_editor,
        on_internal_error=crash_recorder(site),
        audit=audit,
        remarks=remarks,
        idle_seconds=lambda: _idle_seconds(site),
    )


def _guard(site: Site, command: Command) -> None:
    """Before each command: this node is in one whole state, and the caller may."""
    if (now := made_whole(site)) is not site:
        site.follow(now.settings)
    require_access(site, _access_of(command))


def _idle_seconds(site: Site) -> float:
    return idle_minutes(site) * 60.0


def _load_packs(site: Site, remark: Callable[[str], None]) -> Grammar:
    def on_broken(error: PackError) -> None:
        remark(f"Warning: {error.message}")
        if error.__cause__ is not None:
            crash_recorder(site)(error.__cause__)

    packs = load_packs(BUILT_IN_PACK, INSTALLED_IN, site.settings.packs, on_broken)
    gc.freeze()  # all of this stays: no collection needs to look at it
    gc.enable()  # `cucmsh.__main__` turned it off; the prompt is there by now
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
