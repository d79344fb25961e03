"""``cucmsh node``: adds, lists and removes nodes.

Reads options, asks the questions of ``services.nodes.add`` and ``remove``, and shows
what came of it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING

from cucmsh.app import admit, open_own_site
from cucmsh.cli.node_options import (
    default_service,
    service,
)
from cucmsh.cli.node_parsers import PARSERS, add_parser, node_parser
from cucmsh.cli.terminal import (
    Prompter,
    changing,
    read_secrets,
    require_yes,
    terminal_prompter,
)
from cucmsh.config.model import Node, NodeRole, SshAddress
from cucmsh.errors import RefusedError
from cucmsh.layout import DEFAULT_TFTP_DIRECTORY
from cucmsh.secret import Secret
from cucmsh.services.caller import WayIn
from cucmsh.services.lists.replica_records import Publisher, whose
from cucmsh.services.nodes.add import add_node
from cucmsh.services.nodes.add_plan import DEFAULT_USER, WantedNode
from cucmsh.services.nodes.health.finding import exit_status, has_failed
from cucmsh.services.nodes.health.node_status import NodeHealth, look_at_all
from cucmsh.services.nodes.remove import remove_node
from cucmsh.services.site import Site
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.screen import Screen, in_a_change
from cucmsh.storage.folders import require_own
from cucmsh.views.documents import nodes_document
from cucmsh.views.health import finding_lines, node_rows

if TYPE_CHECKING:  # paramiko stands behind it
    from cucmsh.remote.ssh.first_login import ShownKey

TAKE_OVER = (
    "{name} belongs to another publisher ({whose}): it serves what that one brought. "
    "Taken over, it gets\nthis publisher's list and files, and the other's files go; "
    "phones of {name} that hold no list of this\ncluster refuse all of it. The other "
    "publisher is refused there from then on."
)
WHY_REPLICA = (
    "{name} becomes a replica: it serves the publisher's list. A subscriber "
    "(--role subscriber) runs cucmsh\nand signs a list of its own, which phones of "
    "another node take through TVS of a list that they hold."
)


def run(configuration: str, argv: Sequence[str]) -> int:
    """Add, list or remove nodes; returns the exit status.

    Raises:
        UsageError: wrong options or values.
        CucmshError: see ``node``; with ``list --json`` it is in the document.
    """
    given = read(argv)
    is_change = given.verb != "list"
    with terminal_prompter() as prompter, ExitStack() as noting:
        if is_change:
            noting.enter_context(in_a_change())

        def open_noting() -> Site:
            site = open_own_site(configuration)
            site, audit = admit(site, WayIn.NODE, os.environ, Screen(2))
            noting.enter_context(audit.noting(list(argv), is_change=is_change))
            return site

        if given.verb == "list" and given.json:
            return report(Screen(1), lambda to: _as_document(open_noting, to))
        status = node(given, prompter, open_noting)
        unread = 3 if is_change else 1
        return status or (unread if prompter.is_unread else 0)


def read(argv: Sequence[str]) -> argparse.Namespace:
    """The values in ``argv``; ``verb`` is ``add``, ``list`` or ``remove``.

    Raises:
        HelpAskedError: the help was asked for.
        UsageError: wrong options or values.
    """
    make_parser = PARSERS.get(argv[0]) if argv else None
    if make_parser is None:
        given = node_parser().read(argv)  # which refuses
    else:
        given = make_parser().read(argv[1:])
        given.verb = argv[0]
    return given


def node(
    given: argparse.Namespace, prompter: Prompter, open_site: Callable[[], Site]
) -> int:
    """Do what ``read`` gave; returns the exit status.

    Raises:
        RefusedError: this is no publisher, or the person said no.
        HalfDoneError: a change broke off.
    """
    site = open_site()
    # This node could not read the files that another account writes.
    require_own(site.settings.home)
    if given.verb == "list":
        return _list(prompter, site)
    if given.verb == "remove":
        return _remove(prompter, site, given.name)
    return _add(given, prompter, site)


class _AddDialog:
    """See ``AddDialog``; asks on the terminal what the options did not answer."""

    def __init__(self, given: argparse.Namespace, prompter: Prompter) -> None:
        self._given = given
        self._prompter = prompter

    def becomes_replica(self, name: str) -> None:
        self._prompter.say(WHY_REPLICA.format(name=name))

    def pin(self, node: Node, shown: ShownKey) -> None:
        key, host = shown.key, node.ssh.host if node.ssh else ""
        self._prompter.say(
            f"The authenticity of host '{host} ({shown.peer})' can't be established.\n"
            f"{key.short_kind} key fingerprint is {key.sha256_fingerprint}.\n"
            f"{key.short_kind} key fingerprint is {key.md5_fingerprint}.\n"
            f"On {node.name} itself, ssh-keygen -lf /etc/ssh/ssh_host_"
            f"{key.short_kind.lower()}_key.pub shows the first one."
        )
        require_yes(
            self._prompter,
            "Are you sure you want to pin this key (yes/no)? ",
            f"The host key of {host} was not accepted; nothing was sent to it.",
        )

    def password(self, address: SshAddress) -> Secret:
        if self._given.password_fd is None:
            question = f"Password of {address.user} on {address.host} :"
            return self._prompter.ask_secret(question)
        (password,) = read_secrets(self._given.password_fd, "--password-fd", 1)
        return password

    def take_over(self, node: Node, owner: Publisher) -> None:
        self._prompter.say(TAKE_OVER.format(name=node.name, whose=whose(owner)))
        question = f"Take {node.name} over (yes/no)? "
        otherwise = f"{node.name} stays with the other publisher; nothing was changed."
        require_yes(self._prompter, question, otherwise)

    def changing(self, name: str) -> AbstractContextManager[None]:
        return changing(self._prompter, _again(f"cucmsh node add {name}"))


def _add(given: argparse.Namespace, prompter: Prompter, site: Site) -> int:
    wanted = _wanted(given, site)
    added = add_node(site, given.name, wanted, _AddDialog(given, prompter))
    prompter.say("\n".join(finding_lines(added.findings)))
    name, role = added.node.name, added.node.role.value
    if not added.is_added:
        raise RefusedError(
            f"{name} was not added: something failed",
            "Put it right, and run the same command again.",
        )
    prompter.say(f"{name} is a {role} of the cluster: {site.settings.path}")
    if added.node.is_member:
        prompter.say("The lists of the others name it after their next TFTP start.")
    if has_failed(added.findings):
        prompter.say(f"Put right what failed, then: cucmsh node add {name}")
        return 3
    return 0


def _again(words: str) -> str:
    """What to do about a change that broke off."""
    return f"See `cucmsh node list`, and run it again: {words}"


def _wanted(given: argparse.Namespace, site: Site) -> WantedNode:
    parser = add_parser()
    commands, directory = service(parser, given), given.tftp_directory or ""
    if given.role == "subscriber":
        if commands or directory:
            parser.error("a subscriber has these in its own configuration")
    elif site.settings.cluster.find(given.name) is None:
        commands = commands or default_service(given.user or DEFAULT_USER)
        directory = directory or DEFAULT_TFTP_DIRECTORY
    return WantedNode(
        role=NodeRole(given.role) if given.role else None,
        address=given.host,
        user=given.user or "",
        tftp_directory=directory,
        tftp=given.tftp,
        service_commands=commands,
        program=tuple(given.program),
        host_key=given.host_key or "",
        identity=given.identity or "",
        has_password=given.password_fd is not None,
    )


def _list(prompter: Prompter, site: Site) -> int:
    seen = look_at_all(site)
    prompter.say("\n".join(node_rows(seen)))
    return _status_of(seen)


def _as_document(open_site: Callable[[], Site], to: JsonResult) -> int:
    """``node list --json``: what `node list` finds, as one document."""
    to.name("node list")
    site = open_site()
    require_own(site.settings.home)
    seen = look_at_all(site)
    to.take(nodes_document(site.node.name, seen))
    status = _status_of(seen)
    to.send(status)
    return status


def _status_of(seen: Sequence[NodeHealth]) -> int:
    return exit_status(found for entry in seen for found in entry.findings)


class _RemoveDialog:
    """See ``RemoveDialog``; asks on the terminal."""

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter

    def agree(self, node: Node) -> None:
        name = node.name
        self._prompter.say(
            f"{name} is a {node.role}. It keeps the list that it serves, and gets no "
            "other: stop its TFTP service\nbefore phones come to depend on it."
        )
        question = f"Take {name} out of the cluster (yes/no)? "
        require_yes(self._prompter, question, "Nothing was changed.")

    def changing(self, name: str) -> AbstractContextManager[None]:
        return changing(self._prompter, _again(f"cucmsh node remove {name}"))


def _remove(prompter: Prompter, site: Site, name: str) -> int:
    removed = remove_node(site, name, _RemoveDialog(prompter))
    prompter.say("\n".join(finding_lines(removed.findings)))
    prompter.say(f"{name} is no node of the cluster any more.")
    if removed.node.is_member:
        prompter.say(
            "The lists of the others name it until their TFTP services restart."
        )
    return 3 if has_failed(removed.findings) else 0
