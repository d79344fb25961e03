"""Whether the last TFTP start went well, and whether systemd composes before each."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.errors import CucmshError
from cucmsh.layout import LIST_UNIT
from cucmsh.services.deadlines import UNIT_SECONDS
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.own_services import unit_of
from cucmsh.services.records.start_notes import open_starts
from cucmsh.services.site import Site

SHOWN = "--property=Wants,ExecStartPre"
UNITS = "Write the units of step 3 of docs/production.md."


def examine_start(site: Site) -> Iterator[Finding]:
    """What the last start left, and what is wrong with the next."""
    problems = [work.line for work in open_starts(site)]
    for problem in problems:
        yield Finding(Level.FAIL, problem)
    if site.node.has_tftp and not problems:
        yield Finding(Level.OK, "nothing is left of the last TFTP start")
    yield from _examine_units(site)


def _examine_units(site: Site) -> Iterator[Finding]:
    commands = site.node.service_commands
    unit = unit_of(commands.restart) if commands else ""
    if not unit:
        return
    try:
        done = site.backends.runner().run(
            ["systemctl", "show", SHOWN, unit], UNIT_SECONDS
        )
    except CucmshError:  # no systemctl: then somebody else starts the service
        return
    if done.status != 0 or not done.output.strip():
        return
    told = done.output.splitlines()
    wanted = next((line for line in told if line.startswith("Wants=")), "")
    if LIST_UNIT not in wanted.removeprefix("Wants=").split():
        what = f"systemd composes no list before {unit} starts"
        yield Finding(Level.WARN, what, UNITS)
    elif any("tftp-start" in line for line in told if not line.startswith("Wants=")):
        what = f"{unit} still has an ExecStartPre that keeps it from starting"
        yield Finding(Level.WARN, what, UNITS)
    else:
        yield Finding(Level.OK, f"systemd composes a list before {unit} starts")
