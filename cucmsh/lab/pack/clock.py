"""The lab's clock and its hold timers."""

from __future__ import annotations

import re
from typing import Any

from cucmsh.errors import UsageError
from cucmsh.lab.pack.asking import ask
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME, ParameterType

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
_SPAN = re.compile(r"([0-9]{1,9})([smhdwy])")
SPAN = ParameterType(
    "a number and a unit: 90s, 5m, 2h, 3d, 1w, 5y",
    lambda text: _SPAN.fullmatch(text) is not None,
)


def nodes(site: Site) -> list[str]:
    """The nodes that have a clock, for completion."""
    return [node.name for node in site.settings.cluster.members]


def seconds_of(text: str) -> int:
    """How many seconds ``5m`` are.

    Raises:
        UsageError: it is no span of time.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no span of time", f"Type {SPAN.what}.")
    return int(found[1]) * _UNITS[found[2]]


@command("lab clock show", has_json=True)
def lab_clock_show(dialog: Dialog, site: Site) -> None:
    """Show the time of each node of the lab, and how far it was set.

    Example:
    lab clock show
    """
    _show(dialog, ask(site, "clock"))


@command(
    "lab clock forward <time> [node]",
    candidates={"node": nodes},
    kinds={"time": SPAN, "node": NAME},
    has_json=True,
)
def lab_clock_forward(dialog: Dialog, site: Site, time: str, node: str = "") -> None:
    """Let time pass in the lab at once: hold timers end, certificates grow old.

    time: such as 5m, 2h, 3d or 5y
    node: only there; without it everywhere

    Example:
    lab clock forward 5m
    """
    seconds = seconds_of(time)
    found = ask(site, "clock", passed=seconds, node=node)
    dialog.result(
        lambda: [
            f"{_span(seconds)} added.",
            *(_line(each, "in all ") for each in found["nodes"]),
        ],
        lambda: found,
    )


@command(
    "lab clock ahead|behind <time> [node]",
    candidates={"node": nodes},
    kinds={"time": SPAN, "node": NAME},
    has_json=True,
)
def lab_clock_wrong(
    dialog: Dialog, site: Site, way: str, time: str, node: str = ""
) -> None:
    """Set a clock of the lab wrong; no time passes, and hold timers do not notice.

    ahead: it shows a later time
    behind: it shows an earlier one
    time: such as 5m, 2h, 3d or 5y
    node: only there; without it everywhere

    Example:
    lab clock behind 3d test10sub
    """
    seconds = seconds_of(time) * (1 if way == "ahead" else -1)
    _show(dialog, ask(site, "clock", wrong=seconds, node=node))


@command("lab clock right", has_json=True)
def lab_clock_right(dialog: Dialog, site: Site) -> None:
    """Let every clock of the lab show the real time again.

    Example:
    lab clock right
    """
    _show(dialog, ask(site, "clock", is_reset=True))


@command("lab hold on|off", has_json=True)
def lab_hold(dialog: Dialog, site: Site, choice: str) -> None:
    """Let certificates of the lab's nodes be regenerated without waiting, or not.

    on: five minutes between two on one node, as in production
    off: none

    Example:
    lab hold off
    """
    found = ask(site, "hold", is_on=choice == "on")
    dialog.result(
        lambda: [
            "Five minutes between two regenerations on one node."
            if found["hold"]
            else "Nobody waits between two regenerations."
        ],
        lambda: found,
    )


def _show(dialog: Dialog, found: dict[str, Any]) -> None:
    dialog.result(lambda: [_line(each) for each in found["nodes"]], lambda: found)


def _line(node: dict[str, Any], total: str = "") -> str:
    parts = [node["now"]]
    if node["passed"]:
        parts.append(f"{total}{_span(node['passed'])} passed at once")
    if node["wrong"]:
        way = "ahead" if node["wrong"] > 0 else "behind"
        parts.append(f"{_span(abs(node['wrong']))} {way}")
    return f"{node['name']}: {', '.join(parts)}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    for letter, size in reversed(_UNITS.items()):
        if whole % size == 0:
            return f"{whole // size}{letter}"
    return f"{whole}s"
