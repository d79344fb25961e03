"""What another node's key may do on this one: run the hooks that nodes need, no more.

sshd runs ``cucmsh hook serve-node`` as the forced command of that key's line in
``authorized_keys`` (``services.nodes.identity`` writes it), whatever was asked for;
the client's command is in ``SSH_ORIGINAL_COMMAND``. A shell, any other command, SFTP
and scp are refused: the account owns this node's private keys and secrets. ``restrict``
on the same line refuses forwarding, agents and terminals.

That command is ``PROGRAM... hook NAME PARAMETER...``. PROGRAM is where the client
believes cucmsh to be; it is not run, since this process is cucmsh. ``cli.hook.HOOKS``
says which hooks may be run.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection, Sequence

from cucmsh.app import admit, find_configuration, open_own_site
from cucmsh.cli.login.environment import clean
from cucmsh.cli.login.request import ASKED
from cucmsh.errors import RefusedError
from cucmsh.services.caller import WayIn
from cucmsh.shell.screen import Screen

ADVICE = "This key runs the hooks of cucmsh that other nodes need, and nothing else."


def serve_node(
    configuration: str,
    hooks: Collection[str],
    run_at: Callable[[str, Sequence[str], str], tuple[str, int]],
) -> tuple[str, int]:
    """Run the one hook that was asked for; what it says, and the exit status.

    Args:
        configuration: path of this node's; the default one if empty.
        hooks: the names of those that another node's key may run.
        run_at: runs a hook of the node with that configuration, for the account with
            that home.

    Raises:
        RefusedError: anything but such a hook was asked for.
    """
    before = clean(os.environ)
    os.chdir("/")
    path = find_configuration(configuration, {})
    line = before.get(ASKED, "")
    try:
        argv = hook_argv(line, hooks)
    except RefusedError:
        site = open_own_site(path)
        _, audit = admit(site, WayIn.HOOK, os.environ, Screen(2))
        with audit.noting([line]):
            raise
    return run_at(path, argv, before.get("HOME", "/"))


def hook_argv(line: str, hooks: Collection[str]) -> list[str]:
    """The hook and its parameters in what a client asked for.

    Raises:
        RefusedError: it is no hook that another node needs.
    """
    try:
        argv = shlex.split(line)
    except ValueError:
        argv = []
    hook = argv[argv.index("hook") + 1 :] if "hook" in argv else []
    if not hook or hook[0] not in hooks:
        asked = "a shell" if not line else "that command"
        raise RefusedError(f"{asked} is not for this key", ADVICE)
    return hook
