"""What another node's key may do on this one: run the hooks that nodes need, no more.

sshd runs ``cucmsh hook serve-node`` as the forced command of that key's line in
``authorized_keys`` (``services.joining.identity`` writes it), whatever was asked for;
the client's words are in ``SSH_ORIGINAL_COMMAND``. A shell, any other command, SFTP and
scp are refused: the account owns this node's private keys and secrets. ``restrict`` on
the same line refuses forwarding, agents and terminals.

The words are ``PROGRAM... hook NAME WORD...``. The program is where the client believes
cucmsh to be; it is not run, since we are it. ``leave KEY`` takes the line of that key
away: it is done here, since only sshd tells whose home the line is in.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence

from cucmsh.app import admit, find_configuration, open_own_site
from cucmsh.cli.login.environment import clean
from cucmsh.cli.login.request import ASKED
from cucmsh.errors import RefusedError, UsageError
from cucmsh.services.caller import WayIn
from cucmsh.services.nodes.identity import revoke_served
from cucmsh.shell.screen import Screen
from cucmsh.storage.local import LocalStore

# `tftp-start` and `sign` are this node's own business.
HOOKS = frozenset(
    {
        "clock",
        "describe",
        "discard",
        "install-certificate",
        "install-list",
        "join",
        "leave",
        "service-status",
        "stage",
    }
)
ADVICE = "This key runs the hooks of cucmsh that other nodes need, and nothing else."


def serve_node(
    configuration: str, run_at: Callable[[str, Sequence[str]], tuple[str, int]]
) -> tuple[str, int]:
    """Run the one hook that was asked for; what it says, and the exit status.

    Args:
        configuration: path of this node's; the default one if empty.
        run_at: runs a hook of the node with that configuration.

    Raises:
        RefusedError: anything but such a hook was asked for.
    """
    before = clean(os.environ)
    os.chdir("/")
    path = find_configuration(configuration, {})
    line = before.get(ASKED, "")
    try:
        words = hook_words(line)
    except RefusedError:
        site = open_own_site(path)
        _, audit = admit(site, WayIn.HOOK, os.environ, Screen(2))
        with audit.noting([line]):
            raise
    match words:
        case ["leave", key] if key.startswith("AAAA"):
            site = open_own_site(path)
            _, audit = admit(site, WayIn.HOOK, os.environ, Screen(2))
            with audit.noting(words):
                revoke_served(LocalStore(before.get("HOME", "/")), key)
            return "left", 0
        case ["leave", *_]:
            raise UsageError("leave takes a public key (base64)")
    return run_at(path, words)


def hook_words(line: str) -> list[str]:
    """The hook and its words in what a client asked for.

    Raises:
        RefusedError: it is no hook that another node needs.
    """
    try:
        words = shlex.split(line)
    except ValueError:
        words = []
    hook = words[words.index("hook") + 1 :] if "hook" in words else []
    if not hook or hook[0] not in HOOKS:
        asked = "a shell" if not line else "that command"
        raise RefusedError(f"{asked} is not for this key", ADVICE)
    return hook
