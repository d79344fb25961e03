"""The whole lab kept under a name, and put back."""

from __future__ import annotations

from cucmsh.lab.pack.asking import ask
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


def names(site: Site) -> list[str]:
    """The snapshots that there are, for completion."""
    return list(ask(site, "snapshots")["snapshots"])


@command(
    "lab snapshot <name>",
    candidates={"name": names},
    kinds={"name": NAME},
    has_json=True,
)
def lab_snapshot(dialog: Dialog, site: Site, name: str) -> None:
    """Keep the lab as it is now: keys, lists, state, clocks, phones' flash, backups.

    Refused while somebody changes something, and where there is one of that name. It
    lies in the lab's directory, and goes with a temporary one.

    name: letters, digits, dots and dashes

    Example:
    lab snapshot before-the-exercise
    """
    found = ask(site, "snapshot", name=name)
    dialog.result(lambda: [f"The lab is kept as {name}."], lambda: found)


@command(
    "lab restore <name>",
    candidates={"name": names},
    kinds={"name": NAME},
    has_json=True,
)
def lab_restore(dialog: Dialog, site: Site, name: str) -> None:
    """Put the lab back as it was: files, and what ran; delays and failures end.

    name: one that `lab snapshots` names

    Example:
    lab restore before-the-exercise
    """
    found = ask(site, "restore", name=name)
    dialog.result(lambda: [f"The lab is as it was at {name}."], lambda: found)


@command("lab snapshots", has_json=True)
def lab_snapshots(dialog: Dialog, site: Site) -> None:
    """List the snapshots of this lab.

    Example:
    lab snapshots
    """
    found = ask(site, "snapshots")
    kept = found["snapshots"]
    dialog.result(lambda: kept or ["There is none."], lambda: found)
