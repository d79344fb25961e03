"""Who would take the next trust list, before it is there."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


def units(site: Site) -> list[str]:
    """The units of this node, for completion."""
    return services.own_units(site)


@command("utils itl preview localkey|restart", has_json=True)
def utils_itl_preview(dialog: Dialog, site: Site, change: str) -> int:
    """Show which phones would take the ITL that is served after a change.

    It is composed or signed in memory and served to nobody. Asked are holders of every
    ITL that this node served, and phones by what they are said to hold.

    localkey: `utils itl reset localkey`
    restart: `utils service restart Cisco Tftp` on this node

    Example:
    utils itl preview restart
    """
    return _show(dialog, site, change)


@command(
    "utils itl preview regen <unit>",
    candidates={"unit": units},
    kinds={"unit": NAME},
    has_json=True,
)
def utils_itl_preview_regen(dialog: Dialog, site: Site, unit: str) -> int:
    """Show which phones would take the ITL after a regeneration and a restart.

    unit: CallManager, TVS or another one that `show cert list own` names

    Example:
    utils itl preview regen CallManager
    """
    return _show(dialog, site, "regen", unit)


def _show(dialog: Dialog, site: Site, change: str, unit: str = "") -> int:
    with dialog.working(lambda: "Still at it: TVS of the nodes are asked..."):
        found = services.preview(site, change, unit)
    dialog.result(
        lambda: views.preview_lines(found),
        lambda: views.preview_document(site.node.name, found),
    )
    return 1 if found.is_locking_out else 0
