"""Rounds of the Certificate Monitor, which no timer runs in a lab."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.lab.pack.asking import ask
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME


def nodes(site: Site) -> list[str]:
    """The nodes that have a monitor, for completion."""
    return [node.name for node in site.settings.cluster.members]


@command(
    "lab monitor [node]",
    candidates={"node": nodes},
    kinds={"node": NAME},
    has_json=True,
)
def lab_monitor(dialog: Dialog, site: Site, node: str = "") -> int:
    """Run a round of the Certificate Monitor: alarms for what expires or is unsaved.

    No timer runs in a lab. `lab clock forward 1d` first makes it the next day.

    node: only there; without it everywhere

    Example:
    lab monitor
    lab monitor test10sub
    """
    found = ask(site, "monitor", node=node)

    def lines() -> Iterator[str]:
        for each in found["nodes"]:
            yield from (f"{each['name']}: {line}" for line in each["said"])

    dialog.result(lines, lambda: found)
    return 1 if any(each["status"] != 0 for each in found["nodes"]) else 0
