"""How the machine is, and how long certificates are held."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog


@command("show status", has_json=True)
def show_status(dialog: Dialog, site: Site) -> None:
    """Show this node's name, time, versions, uptime, processors, memory and disks.

    All of it is measured now, on the machine that the node runs on. What cannot be
    known is left out.

    Example:
    show status
    """
    seen = services.system_status(site)
    dialog.result(
        lambda: views.status_lines(site.node.name, seen),
        lambda: views.status_document(site.node.name, seen),
    )


@command("show cert hold", has_json=True)
def show_cert_hold(dialog: Dialog, site: Site) -> None:
    """Show for how long no certificate of this node can be regenerated, and why.

    After a regeneration every other one on the same node waits five minutes, in which
    phones can fetch the list.

    Example:
    show cert hold
    """
    hold = services.present_hold(site)
    dialog.result(
        lambda: views.hold_lines(site.node.name, hold),
        lambda: views.hold_document(site.node.name, hold),
    )
