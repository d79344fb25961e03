"""Who would take the next trust list, before it is there."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.answers import open_by_own_password
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


@command(
    "utils itl preview hostname|domain <name>", kinds={"name": NAME}, has_json=True
)
def utils_itl_preview_hostname(
    dialog: Dialog, site: Site, change: str, name: str
) -> int:
    """Show which phones would take the ITL after this node is renamed.

    Every certificate of it but ITLRecovery is made anew then, and Cisco Tftp restarts.

    hostname: `set network hostname` on this node
    domain: `set network domain` on this node
    name: the new host name without its domain, or the new domain

    Example:
    utils itl preview hostname newpub
    """
    return _show(dialog, site, change, name)


def key_files(site: Site) -> list[str]:
    """The recovery key files that were brought, for completion."""
    return services.saved_keys(site)


@command(
    "utils itl preview remotekey <file>",
    candidates={"file": key_files},
    kinds={"file": NAME},
    has_json=True,
)
def utils_itl_preview_remotekey(dialog: Dialog, site: Site, name: str) -> int:
    """Show which phones would take the ITL after a reset with a saved recovery key.

    The key is opened, and installed nowhere. Its security password is asked for if it
    is not this cluster's.

    file: a key file in `security/imported/ITLRecovery` of the node's home

    Example:
    utils itl preview remotekey ITLRecovery.p12
    """
    raw = services.saved_key(site, name)
    key = services.SavedKey(raw, lambda *at: open_by_own_password(dialog, *at))
    return _show(dialog, site, "remotekey", key=key)


def _show(
    dialog: Dialog,
    site: Site,
    change: str,
    value: str = "",
    key: services.SavedKey | None = None,
) -> int:
    with dialog.working(lambda: "Still at it: TVS of the nodes are asked..."):
        found = services.preview(site, change, value, key=key)
    dialog.result(
        lambda: views.preview_lines(found),
        lambda: views.preview_document(site.node.name, found),
    )
    return 1 if found.is_locking_out else 0
