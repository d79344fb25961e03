"""The services of this node: asked, started, stopped by their configured commands.

A restart is one request that the service manager owns: killing us between two steps
cannot leave TFTP down (docs/decisions/021).
"""

from __future__ import annotations

from enum import Enum

from cucmsh.config.entries import how_to_name_commands
from cucmsh.config.model import TFTP, ServiceCommands
from cucmsh.errors import ServiceError
from cucmsh.services.deadlines import OWN_STATUS_SECONDS, RESTART_SECONDS
from cucmsh.services.site import Site


class ServiceState(Enum):
    """Whether a service runs; the values are what the original says of why not."""

    STARTED = ""
    STOPPED = "Commanded Out of Service"
    NOT_ACTIVATED = "Service Not Activated"

    @property
    def is_running(self) -> bool:
        """Whether it runs."""
        return self is ServiceState.STARTED

    @property
    def reason(self) -> str:
        """Why it does not run, as the original says it; empty if it does."""
        return self.value


def state_of(site: Site, name: str = TFTP) -> ServiceState:
    """Whether a service of this node runs; without its commands it is not activated.

    Raises:
        ServiceError: this node has Cisco Tftp, and no commands for it.
    """
    if not (site.node.has_tftp if name == TFTP else site.node.commands_of(name)):
        return ServiceState.NOT_ACTIVATED
    return ServiceState.STARTED if is_running(site, name) else ServiceState.STOPPED


def commands_of(site: Site, name: str = TFTP) -> ServiceCommands:
    """The configured argv lists of a service.

    Raises:
        ServiceError: this node has no such service, or no commands for it.
    """
    commands = site.node.commands_of(name)
    if name == TFTP and not site.node.has_tftp:
        raise ServiceError(
            f"{site.node.name} does not run Cisco Tftp",
            "Use a node whose services contain tftp; see `show network cluster`.",
        )
    if commands is None:
        raise ServiceError(
            f"no commands for {name} are configured",
            how_to_name_commands(site.node.name, site.settings.path),
        )
    return commands


def unit_of(restart: tuple[str, ...]) -> str:
    """UNIT of ``[sudo -n] systemctl restart UNIT``; empty for any other argv."""
    argv = restart[2:] if restart[:2] == ("sudo", "-n") else restart
    is_known = len(argv) == 3 and argv[0].rsplit("/", 1)[-1] == "systemctl"
    if not is_known or argv[2].startswith("-"):  # an option of systemctl's
        return ""
    return argv[2].removesuffix(".service")


def is_running(site: Site, name: str = TFTP) -> bool:
    """Whether its status command ends with 0.

    Raises:
        ServiceError: see ``commands_of``; or the command cannot be run.
    """
    argv = commands_of(site, name).status
    return site.backends.runner().run(argv, OWN_STATUS_SECONDS).status == 0


def start(site: Site, name: str = TFTP) -> None:
    """Ask the service manager to start it, and wait.

    Raises:
        ServiceError: there is no such command, or it did not end with 0.
    """
    _request(site, name, commands_of(site, name).start, "start")


def stop(site: Site, name: str = TFTP) -> None:
    """Ask the service manager to stop it; raises as ``start``."""
    _request(site, name, commands_of(site, name).stop, "stop")


def restart(site: Site, name: str = TFTP) -> None:
    """Ask the service manager to restart it; raises as ``start``."""
    _request(site, name, commands_of(site, name).restart, "restart")


def _request(site: Site, name: str, argv: tuple[str, ...], verb: str) -> None:
    if not argv:
        raise ServiceError(
            f"no command to {verb} {name} is configured",
            f"Add it to the entry of {site.node.name} in {site.settings.path}.",
        )
    done = site.backends.runner().run(argv, RESTART_SECONDS)
    if done.status != 0:
        detail = done.stderr or done.output or f"exit status {done.status}"
        raise ServiceError(
            f"{name} did not {verb}: {detail}", "See the log of the service."
        )
