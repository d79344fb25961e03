"""The services of this node: listed, started, stopped, restarted."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from commands.phones import tell_phones_of_change
from commands.questions import (
    ask_about_locked_out,
    require_yes,
    say_cut_off,
    say_holders,
)
from commands.restart_screen import AfterStart
from cucmsh import services, views
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import FAILED, command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.grammar import PAGE
from cucmsh.shell.parameter_types import TEXT

TFTP = "Cisco Tftp"  # what phones get their lists from
TVS = "Cisco Trust Verification Service"  # whom they ask about other signers
NO_CTRL_C = (
    " Don't press Ctrl-c while the service is getting RESTARTED.If Service has "
    "not Restarted Properly, execute the same Command Again"
)


def service_names(site: Site) -> list[str]:
    """The services that can be started and stopped, for completion."""
    return list(services.services_of(site))


@command(
    "utils service list [page]",
    candidates={"page": lambda _: [PAGE]},
    kinds={"page": TEXT},
    has_json=True,
)
def utils_service_list(dialog: Dialog, site: Site, option: str = "") -> None:
    """List the services of this node and their states.

    Those of the operating system come first, those that are not activated last.

    page: stop at the end of each page

    Example:
    utils service list
    """
    if option not in ("", PAGE):
        raise UsageError(
            f"Incorrect optional parameter entered for list\n{FAILED}",
            f"It takes one: {PAGE}.",
        )
    dialog.say("Requesting service status, please wait...")
    found = services.list_services(site)
    dialog.result(
        lambda: views.service_list_lines(found),
        lambda: views.services_document(site.node.name, found),
    )


@command(
    "utils service start <service...>",
    of=lambda: services.start_service,
    candidates={"service": service_names},
    kinds={"service": TEXT},
    has_json=True,
)
def utils_service_start(dialog: Dialog, site: Site, name: str) -> int:
    """Start a service of this node; Cisco Tftp composes and signs its ITL first.

    service: a service's name, as `utils service list` prints it

    Example:
    utils service start Cisco Tftp
    """
    if name == TFTP:
        ask_about_locked_out(dialog, site)
    told = _OnScreen(dialog, name, ["[STARTING]  ", "[STARTED]  "])
    status = _reported(dialog, site, name, services.start_service(site, name, told))
    return _told(dialog, site, name, status)


@command(
    "utils service stop <service...>",
    of=lambda: services.stop_service,
    candidates={"service": service_names},
    kinds={"service": TEXT},
    has_json=True,
)
def utils_service_stop(dialog: Dialog, site: Site, name: str) -> None:
    """Stop a service of this node.

    service: a service's name, as `utils service list` prints it

    Example:
    utils service stop Cisco Tftp
    """
    _say_holders_of(dialog, site, name)
    if name == TVS and say_cut_off(dialog, site) and site.settings.keep_trust:
        require_yes(dialog, "Do you want to stop it (yes/no)? ")
    told = _OnScreen(
        dialog, name, ["[STOPPING]  ", "[STOPPED]  Commanded Out of Service"]
    )
    services.stop_service(site, name, told)
    dialog.result(tuple, lambda: views.service_document(site.node.name, name, None))


@command(
    "utils service restart <service...>",
    of=lambda: services.restart_service,
    candidates={"service": service_names},
    kinds={"service": TEXT},
    has_json=True,
)
def utils_service_restart(dialog: Dialog, site: Site, name: str) -> int:
    """Restart a service of this node; Cisco Tftp composes and signs its ITL anew.

    What a reset signed ends here: the node serves an ITL of the usual key again.

    service: a service's name, as `utils service list` prints it

    Example:
    utils service restart Cisco Tftp
    """
    _say_holders_of(dialog, site, name)
    if name == TFTP:
        ask_about_locked_out(dialog, site)
    steps = ["[STOPPING]  ", "[STARTING]  ", "[STARTED]  "]
    told = _OnScreen(dialog, name, steps, NO_CTRL_C)
    status = _reported(dialog, site, name, services.restart_service(site, name, told))
    return _told(dialog, site, name, status)


def _told(dialog: Dialog, site: Site, name: str, status: int) -> int:
    """Phones learn of a new certificate by the list that is served now; the status."""
    if name == TFTP and status == 0 and not tell_phones_of_change(dialog, site):
        return 3
    return status


def _say_holders_of(dialog: Dialog, site: Site, name: str) -> None:
    if name == TFTP:
        say_holders(dialog, site)


class _OnScreen(AfterStart):
    """A ``ServiceDialog`` in the original's layout.

    Args:
        dialog: where it is shown.
        name: of the service.
        steps: the states that it goes through, as they are shown behind its name; the
            last one is the one it ends in.
        warning: comes before all else.
    """

    def __init__(
        self,
        dialog: Dialog,
        name: str,
        steps: Sequence[str],
        warning: str = "",
    ) -> None:
        super().__init__(dialog, name)
        *self._steps, self._end = (f"{name}{step}" for step in steps)
        self._warning = warning

    def accepted(self) -> None:
        if self._warning:
            self._dialog.say(self._warning)
        self._dialog.say("Service Manager is running")
        for step in self._steps:
            self._dialog.say(step)

    def changing(self) -> AbstractContextManager[object]:
        return self._dialog.uninterrupted()

    def waiting(self) -> AbstractContextManager[None]:
        return self._dialog.working(lambda: self._steps[-1])

    def done(self) -> None:
        self._dialog.say(self._end)


def _reported(dialog: Dialog, site: Site, name: str, start: services.Start) -> int:
    """What the start could not do, and what became of the replicas; the status."""
    if start.foreign is not None and dialog.helpful:
        dialog.say(start.foreign.line)
    lines = list(start.problems)
    if start.replicas:
        lines += views.pending_lines(start.replicas)
    for line in lines:
        dialog.say(line)
    if lines:
        dialog.say(FAILED)
    dialog.result(tuple, lambda: views.service_document(site.node.name, name, start))
    return 3 if lines else 0
