"""`show status`: the node and the machine that it runs on, measured now."""

from __future__ import annotations

import os
from datetime import datetime
from typing import NamedTuple

from cucmsh.services.nodes.machine import Disk, Machine, Memory, Processor
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

_ACTIVE = "/"  # where the program and the system lie


class SystemStatus(NamedTuple):
    """What is known; None or empty where the machine does not tell.

    Attributes:
        now: by the node's clock, UTC.
        zone: the time zone's name; empty if it has none.
        locale: what the session runs in.
        product: the release that is cloned.
        system: the operating system, with its version.
        uptime_seconds: since the machine was started.
        users: how many are logged in.
        load: averages of 1, 5 and 15 minutes.
        processor: in this moment.
        memory: the machine's.
        disks: the original's name for each, its path, and what is in use. It has a
            second partition to boot from, ``inactive``; this machine has none.
    """

    now: datetime
    zone: str
    locale: str
    product: str
    system: str
    uptime_seconds: float
    users: int | None
    load: tuple[float, float, float] | None
    processor: Processor | None
    memory: Memory | None
    disks: tuple[tuple[str, str, Disk], ...]


@use_case("show status")
def system_status(site: Site) -> SystemStatus:
    """Measure; takes a quarter of a second, in which the processors are watched."""
    machine = Machine()
    places = {"active": _ACTIVE, "logging": site.settings.home}
    seen = [(name, path, machine.disk(path)) for name, path in places.items()]
    environment = os.environ
    return SystemStatus(
        now=site.clock.now(),
        zone=machine.zone(),
        locale=environment.get("LC_ALL") or environment.get("LANG") or "C",
        product=site.settings.profile.version,
        system=machine.operating_system(),
        uptime_seconds=site.clock.boot()[1],
        users=machine.users(),
        load=machine.load(),
        processor=machine.processor(),
        memory=machine.memory(),
        disks=tuple((name, path, disk) for name, path, disk in seen if disk),
    )
