"""`utils service list`: what runs on this node, and what it is known not to have.

The original names some sixty services; here stand those that this node has or could
have, and of the platform's only what is seen: one that is not found stands nowhere, for
it may be hidden from this account.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.model import SERVICE_NAMES
from cucmsh.services.nodes.machine import Machine
from cucmsh.services.nodes.own_services import ServiceState, state_of
from cucmsh.services.nodes.service_control import services_of
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

# The original's names, and the daemon that each is here.
_PLATFORM = {"System SSH": "sshd", "Name Service Cache": "nscd"}
_ON_CONSOLE = "Password Reset"  # an account of the console; no node of ours has it


class ServiceList(NamedTuple):
    """The services of a node, by their names and states.

    Attributes:
        platform: those of the operating system.
        services: the others, in alphabetical order, those that are not activated last.
        is_primary: whether this node is the publisher.
    """

    platform: tuple[tuple[str, ServiceState], ...]
    services: tuple[tuple[str, ServiceState], ...]
    is_primary: bool


@use_case("utils service list")
def list_services(site: Site) -> ServiceList:
    """All of them.

    Raises:
        ServiceError: one that has commands cannot be asked.
    """
    machine = Machine()
    seen = [name for name, daemon in _PLATFORM.items() if machine.runs(daemon)]
    platform = [(name, ServiceState.STARTED) for name in seen]
    platform.append((_ON_CONSOLE, ServiceState.NOT_ACTIVATED))
    names = {*SERVICE_NAMES, *services_of(site)}
    services = [(name, state_of(site, name)) for name in names]
    services.sort(key=lambda at: (at[1] is ServiceState.NOT_ACTIVATED, at[0]))
    return ServiceList(tuple(platform), tuple(services), site.node.is_publisher)
