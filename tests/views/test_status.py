"""``show status`` in the original's form, as far as transcripts show it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from cucmsh.services.certificates.hold import Hold
from cucmsh.services.nodes.machine import Disk, Memory, Processor
from cucmsh.services.nodes.system_status import SystemStatus
from cucmsh.views.status import (
    hold_document,
    hold_lines,
    status_document,
    status_lines,
)

SEEN = SystemStatus(
    now=datetime(2016, 7, 21, 20, 7, 16, tzinfo=UTC),
    zone="America/New_York",
    locale="en_US.UTF-8",
    product="10.0.1.10000-24",
    system="Debian GNU/Linux 12 (bookworm)",
    uptime_seconds=timedelta(days=45, hours=2, minutes=24).total_seconds(),
    users=1,
    load=(0.47, 0.29, 0.21),
    processor=Processor(93.06, 2.4, 4.29, 0.25, 0, 0),
    memory=Memory(8062096, 198956, 2823212, 0, 175540),
    disks=(("active", "/", Disk(19825980, 3913952, 15713908)),),
)
UNKNOWN = SystemStatus(
    SEEN.now, "", "C", "10.0.1.10000-24", "", 59, None, None, None, None, ()
)


@pytest.fixture(autouse=True)
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


def test_status_is_in_the_originals_order_and_form() -> None:
    assert list(status_lines("cucm1", SEEN)) == [
        "",
        "Host Name          : cucm1",
        "Date               : Thu Jul 21, 2016 16:07:16",
        "Time Zone          : EDT (America/New_York)",
        "Locale             : en_US.UTF-8",
        "Product Ver        : 10.0.1.10000-24",
        "Unified OS Version : Debian GNU/Linux 12 (bookworm)",
        "",
        "Uptime:",
        " 16:07:16 up 45 days,  2:24,  1 user,  load average: 0.47, 0.29, 0.21",
        "",
        "CPU Idle:   93.06%  System:   02.40%    User:   04.29%",
        "  IOWAIT:   00.25%     IRQ:   00.00%    Soft:   00.00%",
        "",
        "Memory Total:        8062096K",
        "        Free:         198956K",
        "        Used:        7863140K",
        "      Cached:        2823212K",
        "      Shared:              0K",
        "     Buffers:         175540K",
        "",
        "                        Total            Free            Used",
        "Disk/active         19825980K        3913952K       15713908K (81%)",
    ]


def test_what_is_not_known_is_left_out() -> None:
    assert list(status_lines("cucm1", UNKNOWN)) == [
        "",
        "Host Name          : cucm1",
        "Date               : Thu Jul 21, 2016 16:07:16",
        "Time Zone          : EDT",
        "Locale             : C",
        "Product Ver        : 10.0.1.10000-24",
        "",
        "Uptime:",
        " 16:07:16 up 0 min",
    ]
    document = json.loads(json.dumps(status_document("cucm1", UNKNOWN)))
    assert document["cpu"] is None
    assert document["memory"] is None
    assert document["users"] is None


def test_what_programs_look_for_is_found() -> None:
    """Patterns of programs that read the original's (docs/clients.md)."""
    text = "\n".join(status_lines("cucm1", SEEN))
    for pattern, found in (
        (r"Host Name\s+: (\S+)", "cucm1"),
        (r"up (.+?),\s+\d+ users?", "45 days,  2:24"),
        (r"CPU Idle:\s+([\d.]+)%", "93.06"),
        (r"Memory Total:\s+(\d+)K", "8062096"),
        (r"Free:\s+(\d+)K", "198956"),
        (r"Disk/active\s+\d+K\s+\d+K\s+\d+K \((\d+)%\)", "81"),
    ):
        match = re.search(pattern, text)
        assert match, pattern
        assert match[1] == found


def test_idle_machine_keeps_its_columns() -> None:
    seen = SEEN._replace(processor=Processor(100, 0, 0, 0, 0, 0))
    line = "CPU Idle:  100.00%  System:   00.00%    User:   00.00%"
    assert line in status_lines("cucm1", seen)


def test_hold_says_how_long_and_what_ends_it() -> None:
    lines = hold_lines("pub", Hold("TVS", 199.2))
    assert lines[:2] == [
        "TVS certificate was modified in the last 5 minutes.",
        "Remaining hold time: 3 min 20 s.",
    ]
    assert hold_lines("pub", None) == ["No hold time runs on pub."]
    assert hold_document("pub", Hold("TVS", 199.2)) == {
        "node": "pub",
        "unit": "TVS",
        "remaining_seconds": 200,
    }
    assert hold_document("pub", None)["remaining_seconds"] is None
