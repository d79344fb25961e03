"""Serves one login: checks who could change what runs, then the prompt or one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cucmsh.app import (
    admit,
    find_configuration,
    made_whole,
    open_own_site,
    open_site,
)
from cucmsh.cli.login.environment import clean
from cucmsh.cli.login.request import INSTEAD, is_transfer, requested
from cucmsh.cli.prompt import serve_prompt
from cucmsh.cli.session import serve_line
from cucmsh.config.settings import read_settings
from cucmsh.errors import RefusedError
from cucmsh.services.accounts.admission import require_may_log_in
from cucmsh.services.caller import WayIn
from cucmsh.services.nodes.health.isolation import require_isolation
from cucmsh.services.site import Site
from cucmsh.shell.origin import account_name
from cucmsh.shell.screen import Screen


def serve_login(configuration: str, argv: Sequence[str]) -> int:
    """The exit status of a login through `login`, the program of ``init --sshd``.

    Args:
        configuration: path of the node's; the default one if empty.
        argv: of this process, as sshd made it.

    Raises:
        UsageError: arguments that no sshd gives a login shell.
        RefusedError: see ``serve``.
    """
    before = clean(os.environ)
    os.chdir("/")
    line = requested(argv, before)
    return serve(configuration, os.path.abspath(argv[0]), line)


def serve_forced(configuration: str, line: str) -> int:
    """The exit status of an exec request, where `cucmsh` is the forced command.

    Root's is answered as its prompt is: by the owner of the home, or in a home of
    root's by root. There is no other account then that could change what runs.

    Args:
        configuration: path of the node's; the default one if empty.
        line: what the client asked for.

    Raises:
        RefusedError: see ``serve``.
    """
    program = os.path.abspath(sys.argv[0])
    path = os.path.abspath(configuration) if configuration else ""
    clean(os.environ)
    os.chdir("/")
    if os.geteuid() != 0:
        return serve(path, program, line)
    return _answer(open_own_site(find_configuration(path, {})), line)


def serve(configuration: str, program: str, line: str | None) -> int:
    """The exit status of a login.

    Args:
        configuration: path of the node's; the default one if empty.
        program: path of the program that sshd started.
        line: an exec request, which changes something only where the configuration
            says so (docs/decisions/004); None for the prompt.

    Raises:
        RefusedError: the account could change what runs for it, or may not log in; or
            a file transfer.
    """
    settings = read_settings(find_configuration(configuration, {}))
    require_isolation(settings, program, os.environ.get("USER", ""))
    site = made_whole(open_site(settings))
    require_may_log_in(site, account_name(os.environ))
    return serve_prompt(site) if line is None else _answer(site, line)


def _answer(site: Site, line: str) -> int:
    if is_transfer(line):
        _, audit = admit(site, WayIn.EXEC, os.environ, Screen(2))
        with audit.noting([line]):
            raise RefusedError(INSTEAD)
    return serve_line(site, line, is_exec_request=True)
