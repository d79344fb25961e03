"""The services of this node: listed, started, stopped, restarted."""

from __future__ import annotations

from cucmsh.errors import ServiceError, UsageError
from cucmsh.services.lists.install import close_mark
from cucmsh.services.lists.replicas import replicas_of, update_replicas
from cucmsh.services.nodes import tftp_service as tftp
from cucmsh.services.nodes.tftp_service import ServiceState, state_of
from cucmsh.services.records.pending import start_problems, unsigned_files
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.limits import FAILED
from cucmsh.shell.parameter_types import TEXT
from cucmsh.views.documents import services_document
from cucmsh.views.signing import pending_lines

TFTP = "Cisco Tftp"
NOT_HERE = (  # services of the original that this node does not run
    "Cisco Certificate Authority Proxy Function",
    "Cisco Trust Verification Service",
)


def services(_: Site) -> list[str]:
    """The services that can be started and stopped, for completion."""
    return [TFTP]


@command("utils service list", has_json=True)
def utils_service_list(dialog: Dialog, site: Site) -> None:
    """List the services of this node and their states.

    Example:
    utils service list
    """
    dialog.say("Requesting service status, please wait...")
    states = [(TFTP, state_of(site))]
    states += [(name, ServiceState.NOT_ACTIVATED) for name in NOT_HERE]
    dialog.result(
        lambda: [
            f"{name}[{'STARTED' if state.is_running else 'STOPPED'}]  {state.reason}"
            for name, state in states
        ],
        lambda: services_document(site.node.name, states),
    )


@command(
    "utils service start <service...>",
    changes=True,
    candidates={"service": services},
    kinds={"service": TEXT},
)
def utils_service_start(dialog: Dialog, site: Site, name: str) -> int:
    """Start a service of this node; Cisco Tftp composes and signs its ITL first.

    service: a service's name, as `utils service list` prints it

    Example:
    utils service start Cisco Tftp
    """
    _require_service(site, name)
    dialog.say("Service Manager is running")
    dialog.say(f"{TFTP}[STARTING]  ")
    with dialog.uninterrupted():
        with dialog.working(lambda: f"{TFTP}[STARTING]  "):
            tftp.start(site)
        _require_running(site)
        dialog.say(f"{TFTP}[STARTED]  ")
        _close_mark(dialog, site)
    return _report_start(dialog, site)


@command(
    "utils service stop <service...>",
    changes=True,
    candidates={"service": services},
    kinds={"service": TEXT},
)
def utils_service_stop(dialog: Dialog, site: Site, name: str) -> None:
    """Stop a service of this node.

    service: a service's name, as `utils service list` prints it

    Example:
    utils service stop Cisco Tftp
    """
    _require_service(site, name)
    dialog.say("Service Manager is running")
    dialog.say(f"{TFTP}[STOPPING]  ")
    with dialog.uninterrupted(), dialog.working(lambda: f"{TFTP}[STOPPING]  "):
        tftp.stop(site)
    if tftp.is_running(site):
        raise ServiceError(f"{TFTP} is still running", "See the log of the service.")
    dialog.say(f"{TFTP}[STOPPED]  Commanded Out of Service")


@command(
    "utils service restart <service...>",
    changes=True,
    candidates={"service": services},
    kinds={"service": TEXT},
)
def utils_service_restart(dialog: Dialog, site: Site, name: str) -> int:
    """Restart a service of this node; Cisco Tftp composes and signs its ITL anew.

    A recovery signature ends here: the node signs with its CallManager key again.

    service: a service's name, as `utils service list` prints it

    Example:
    utils service restart Cisco Tftp
    """
    _require_service(site, name)
    dialog.say(
        " Don't press Ctrl-c while the service is getting RESTARTED.If Service has "
        "not Restarted Properly, execute the same Command Again"
    )
    dialog.say("Service Manager is running")
    dialog.say(f"{TFTP}[STOPPING]  ")
    dialog.say(f"{TFTP}[STARTING]  ")
    with dialog.uninterrupted():
        with dialog.working(lambda: f"{TFTP}[STARTING]  "):
            tftp.restart(site)
        _require_running(site)
        dialog.say(f"{TFTP}[STARTED]  ")
        _close_mark(dialog, site)
    return _report_start(dialog, site)


def _close_mark(dialog: Dialog, site: Site) -> None:
    """A reset may have been kept for this very start; tell if it still is."""
    if not close_mark(site) and dialog.helpful:
        dialog.say(
            f"The reset ITL is in place, but {TFTP} did not give it back; every start "
            "keeps it until it does."
        )


def _report_start(dialog: Dialog, site: Site) -> int:
    """What the start could not do, and what became of the replicas; the status."""
    problems = [*start_problems(site), *unsigned_files(site)]
    names = ", ".join(node.name for node in replicas_of(site))
    if names:
        with dialog.working(lambda: f"Waiting for {names}..."):
            replicas = update_replicas(site)
        problems += pending_lines(replicas)
    for line in problems:
        dialog.say(line)
    if problems:
        dialog.say(FAILED)
    return 3 if problems else 0


def _require_running(site: Site) -> None:

    if not tftp.is_running(site):
        raise ServiceError(f"{TFTP} does not run", "See the log of the service.")


def _require_service(site: Site, name: str) -> None:

    if name not in services(site):
        raise UsageError(
            f"{name!r} is no service that {site.node.name} can start or stop",
            f"Type: {TFTP}",
        )
    tftp.commands_of(site)
