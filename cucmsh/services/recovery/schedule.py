"""Backups at times: added, enabled, and run when they are due.

One timer of systemd, or a line of cron, runs ``cucmsh hook backup`` each five minutes;
which schedules are due then is decided here. So a new schedule needs no root. A backup
that fails is due again only at its next time: the alarm says that it failed.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.alarms import DRF_SCHEDULER_UPDATED
from cucmsh.errors import CucmshError, UsageError
from cucmsh.services.records.alarms import tell
from cucmsh.services.recovery.backup import back_up
from cucmsh.services.recovery.contents import require_features
from cucmsh.services.recovery.devices import NAME, find_device
from cucmsh.services.recovery.jobs import Result
from cucmsh.services.recovery.plans import (
    Schedule,
    read_schedules,
    write_schedules,
)
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

MOST = 10
SCHEDULE = "utils disaster_recovery schedule"
ADD, ENABLE, DISABLE, DELETE = "add", "enable", "disable", "delete"


class Ran(NamedTuple):
    """One schedule that was due: how its backup ended, and why if it failed."""

    name: str
    result: Result
    reason: str = ""


@use_case(f"{SCHEDULE} add", changes=True, publisher_only=True)
def add_schedule(site: Site, made: Schedule) -> None:
    """Keep a schedule; it is disabled until it is enabled, as in the original.

    Raises:
        UsageError: one of the words is none that fits; there are ten.
    """
    name = made.name
    if not NAME.fullmatch(name) or name != name.strip():
        raise UsageError(
            f"{name} is no name of a schedule", "Use letters, digits, blanks, - and _."
        )
    find_device(site, made.device)
    require_features(made.features)
    with site.node_lock("the writing of a schedule"):
        schedules = read_schedules(site)
        if any(each.name == name for each in schedules):
            raise UsageError(f"there is a schedule {name} already")
        if len(schedules) >= MOST:
            raise UsageError(f"there are {MOST} schedules; delete one first")
        # What was due before today is not made up for.
        now = site.clock.now()
        made = made._replace(done=made._replace(is_enabled=True).due(now))
        write_schedules(site, [*schedules, made])
    tell(site, DRF_SCHEDULER_UPDATED, "")


@use_case(SCHEDULE, changes=True, publisher_only=True)
def change_schedule(site: Site, verb: str, name: str) -> list[Schedule]:
    """Enable, disable or delete a schedule; gives those that there are then.

    Raises:
        UsageError: there is none of that name.
    """
    with site.node_lock("the writing of a schedule"):
        schedules = read_schedules(site)
        if all(each.name != name for each in schedules):
            raise UsageError(
                f"there is no schedule {name}",
                "See `utils disaster_recovery schedule list`.",
            )
        if verb == DELETE:
            kept = [each for each in schedules if each.name != name]
        else:
            kept = [
                _switched(site, each, is_enabled=verb == ENABLE)
                if each.name == name
                else each
                for each in schedules
            ]
        write_schedules(site, kept)
    tell(site, DRF_SCHEDULER_UPDATED, "")
    return kept


def _switched(site: Site, schedule: Schedule, *, is_enabled: bool) -> Schedule:
    """What was due while it was disabled is not made up for."""
    new = schedule._replace(is_enabled=is_enabled)
    missed = 0 if schedule.is_enabled else new.due(site.clock.now())
    return new._replace(done=missed or new.done)


def schedule_names(site: Site) -> list[str]:
    """The names, for completion."""
    return [each.name for each in read_schedules(site)]


@use_case("hook backup", changes=True, publisher_only=True)
def run_due(site: Site) -> list[Ran]:
    """Make the backups that are due, one after the other.

    Raises:
        StoreError: that it was tried cannot be noted.
    """
    ran = []
    for schedule in read_schedules(site):
        due = schedule.due(site.clock.now())
        if not due:
            continue
        with site.node_lock("the writing of a schedule"):
            write_schedules(
                site,
                [
                    each._replace(done=due) if each.name == schedule.name else each
                    for each in read_schedules(site)
                ],
            )
        try:
            done = back_up(
                site, schedule.features, schedule.device, operation="SCHEDULED"
            )
        except CucmshError as problem:
            ran.append(Ran(schedule.name, Result.ERROR, problem.message))
        else:
            ran.append(Ran(schedule.name, done.job.result))
    return ran
