"""The machine itself, which no command of ours restarts or shuts down."""

from __future__ import annotations

from cucmsh.errors import RefusedError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog

_INSTEAD = {
    "restart": (
        "`utils service restart Cisco Tftp` (and any other of `utils service list`) "
        "does what a restart is for; the machine's own administrator types `systemctl "
        "reboot`, after which Cisco Tftp composes its list anew."
    ),
    "shutdown": (
        "`utils service stop Cisco Tftp` (and any other of `utils service list`) ends "
        "what phones ask; the machine's own administrator types `systemctl poweroff`."
    ),
}


@command("utils system restart|shutdown", has_json=True)
def utils_system(_: Dialog, site: Site, verb: str) -> None:
    """Restart the machine or shut it down: refused, with what to do instead.

    The original is a machine. A node here is a program on one, which others may use.

    restart: refused
    shutdown: refused

    Example:
    utils system restart
    """
    raise RefusedError(
        f"{site.node.name} is a program here, and this machine is not its own: it was "
        "left alone",
        _INSTEAD[verb],
    )
