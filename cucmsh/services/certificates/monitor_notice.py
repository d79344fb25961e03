"""What a login is told of the last round: a key file nobody saved, and what expires.

A login hashes no file and reads no certificate, so each line has the file's stamp of
the round: one that was replaced or saved since is not spoken of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from cucmsh.errors import CucmshError
from cucmsh.layout import BACKUP, MONITOR_NOTICE, RECOVERY_FILE, facts_file
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site

MOST_LINES = 5  # of certificates
SAVE = "file get tftp ITLRecovery.p12"


class Expiring(NamedTuple):
    """A certificate that expires soon, or has; ``file`` as in ``Monitored``."""

    unit: str
    name: str
    file: str
    end: datetime


def write_notice(
    site: Site, is_saved: bool | None, expiring: Sequence[Expiring]
) -> None:
    """Keep what a login is to be told; after a round. Raises nothing: it is a help."""
    soonest = sorted(expiring, key=lambda one: one.end)[:MOST_LINES]
    facts: dict[str, object] = {
        "unsaved": _stamps(site, RECOVERY_FILE, facts_file(BACKUP))
        if is_saved is False
        else "",
        "units": [one.unit for one in soonest],
        "names": [one.name for one in soonest],
        "files": [one.file for one in soonest],
        "stamps": [_stamps(site, one.file) for one in soonest],
        "ends": [int(one.end.timestamp()) for one in soonest],
        "others": len(expiring) - len(soonest),
    }
    with suppress(CucmshError):  # a login is told what it was told before
        if facts != recall(site.home, MONITOR_NOTICE):
            remember(site.home, MONITOR_NOTICE, facts)


def monitor_notice(site: Site) -> str:
    """A line for each thing; empty if all is well, and before the first round."""
    try:
        return "\n".join(_lines(site, recall(site.home, MONITOR_NOTICE)))
    except (CucmshError, ValueError, TypeError, OverflowError):
        return ""


def _lines(site: Site, kept: dict[str, object]) -> Iterator[str]:
    unsaved = kept.get("unsaved")
    if unsaved and unsaved == _stamps(site, RECOVERY_FILE, facts_file(BACKUP)):
        yield f"The recovery key has not been backed up: run `{SAVE}`."
    columns = [kept.get(key) for key in ("units", "names", "files", "stamps", "ends")]
    lists = [column for column in columns if isinstance(column, list)]
    if len(lists) != len(columns):
        return
    now = site.clock.now().timestamp()
    for unit, name, file, stamp, end in zip(*lists, strict=False):
        if stamp == _stamps(site, file):
            called = unit if unit == name else f"{unit} of {name}"
            verb = "has expired on" if end < now else "expires on"
            day = datetime.fromtimestamp(end).astimezone().strftime("%Y-%m-%d")
            yield f"The certificate {called} {verb} {day}."
    if kept.get("others"):
        yield f"{kept['others']} other certificates expire soon, too."


def _stamps(site: Site, *files: str) -> str:
    """Which files these are, and which state of each."""
    return ";".join(
        ",".join(map(str, site.home.stamp(file) or ())) for file in files if file
    )
