"""Whether the TFTP service of another node runs, asked over SSH.

A member answers by its hook; on a replica the configured status command is run, and its
exit status answers. A reset asks before it changes a list, ``node list`` and ``doctor``
ask how a node is, ``node add`` whether it can be used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cucmsh.config.entries import how_to_name_commands
from cucmsh.config.model import Node
from cucmsh.errors import ServiceError
from cucmsh.services.backends import Link
from cucmsh.services.lists.member_hooks import hook_on

CANNOT_RUN = (126, 127)  # a shell's exit status for words that are no program


class ServiceStatus(NamedTuple):
    """What was answered.

    Attributes:
        is_running: whether the service runs.
        said: the answer as it came: ``active``, ``inactive``, or the exit status of the
            command as ``status 3``.
        served: SHA-256 (hexadecimal) of the list in a member's TFTP directory, or ``-``
            if there is none. Empty for a replica, whose status command knows no lists.
        why_not_run: what the shell of a replica says if it cannot run the command at
            all; empty otherwise.
    """

    is_running: bool
    said: str
    served: str = ""
    why_not_run: str = ""


def status_on(link: Link, node: Node, seconds: float) -> ServiceStatus:
    """Ask, and wait for the answer; see ``begin_status``."""
    return begin_status(link, node, seconds)()


def begin_status(link: Link, node: Node, seconds: float) -> Callable[[], ServiceStatus]:
    """Ask. The call that is returned waits; on a replica other work may come between.

    Args:
        link: the way onto the node.
        node: one with a TFTP service.
        seconds: until an unanswered question fails.

    Raises:
        ServiceError: no commands for the service of a replica are configured, or a
            member answers something else.
        RefusedError: the hook of a member refused.
        NoAnswerError: there was no answer in time.
    """
    if node.is_member:
        status = _member_status(link, node, seconds)
        return lambda: status
    if node.service_commands is None:
        raise ServiceError(
            f"no commands for the TFTP service of {node.name} are configured",
            how_to_name_commands(node.name),
        )
    command = node.service_commands.status
    ended = link.start(command, seconds)

    def answer() -> ServiceStatus:
        done = ended()
        problem = ""
        if done.status in CANNOT_RUN:
            problem = f"{command[0]} cannot be run on {node.name}: {done.stderr}"
        said = f"status {done.status}"
        return ServiceStatus(done.status == 0, said, why_not_run=problem)

    return answer


def _member_status(link: Link, node: Node, seconds: float) -> ServiceStatus:
    said = hook_on(link, node, "service-status", seconds=seconds)
    match said.split():
        case ["active" | "inactive" as state, served]:
            return ServiceStatus(state == "active", state, served)
    raise ServiceError(f"{node.name} tells no status of its TFTP service: {said!r}")
