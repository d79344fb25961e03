"""Joins the rooms for `cucmsh init` and `cucmsh node`, which need no session.

Imported late, by the front door. Knows no step of the making of a node.
"""

from __future__ import annotations

import os
import pwd
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from cucmsh.app import (
    open_audit,
    open_own_site,
    open_site,
)
from cucmsh.cli.init import init
from cucmsh.cli.node import list_json, node
from cucmsh.cli.options import Surroundings, asks_for_help
from cucmsh.cli.questions import TerminalAsking
from cucmsh.layout import DEFAULT_CONFIGURATION
from cucmsh.services.site import Site
from cucmsh.shell.json_result import report
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen, in_a_change
from cucmsh.shell.signals import hang_ups


def run_init(configuration: str, words: list[str]) -> int:
    """Make a node; returns the exit status."""
    path = os.path.abspath(configuration)
    program = [sys.executable, "-I", "-m", "cucmsh"]
    is_default = path == DEFAULT_CONFIGURATION
    if not is_default:
        program += ["--config", path]
    account = pwd.getpwuid(os.geteuid()).pw_name
    around = Surroundings(path, is_default, program, account)
    is_change = not asks_for_help(words) and words[:1] != ["--sshd"]
    with in_a_change(), _asking() as asking:
        status = init(words, around, asking, open_site)
        return status or _if_unread(asking, is_change=is_change)


def run_node(configuration: str, words: list[str]) -> int:
    """Add, list or remove nodes; returns the exit status."""
    is_change = words[:1] != ["list"] and not asks_for_help(words)
    with _asking() as asking, ExitStack() as noting:
        if is_change:
            noting.enter_context(in_a_change())

        def open_noting() -> Site:
            site = open_own_site(configuration)
            audit = open_audit(site, "node", os.environ, Screen(2))
            noting.enter_context(audit.noting(words, is_change=is_change))
            return site

        if words == ["list", "--json"]:
            return report(Screen(1), lambda to: list_json(open_noting, to))
        status = node(words, asking, open_noting)
        return status or _if_unread(asking, is_change=is_change)


def _if_unread(asking: TerminalAsking, *, is_change: bool) -> int:
    """The status of what went well, by whether anybody was there to read it."""
    if not asking.is_unread:
        return 0
    return 3 if is_change else 1


@contextmanager
def _asking() -> Iterator[TerminalAsking]:
    """Questions without a session; a lost line ends the one that waits."""
    screen = Screen(1)
    reader = Reader(0, screen, time.monotonic)
    with hang_ups(reader.keyboard.end):
        yield TerminalAsking(screen, reader)
