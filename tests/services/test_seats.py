"""How many sessions there may be at once: a seat each, which the kernel gives back."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, UsageError
from cucmsh.services.idle import idle_minutes, set_idle_minutes
from cucmsh.services.seats import (
    most_sessions,
    read_limit,
    seated,
    set_most_sessions,
)
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

HOLD = """
import fcntl, os, sys
seat = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(seat, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_as_many_as_may_be_and_no_more(cluster: MadeCluster) -> None:
    site = cluster.site
    with ExitStack() as there:
        for _ in range(10):
            there.enter_context(seated(site))
        with pytest.raises(RefusedError, match="10 sessions, and 10 may"):
            there.enter_context(seated(site))
    with seated(site):
        pass


def test_a_lower_limit_holds_for_the_next_one(cluster: MadeCluster) -> None:
    site = cluster.site
    with ExitStack() as there:
        for _ in range(3):
            there.enter_context(seated(site))
        set_most_sessions(site, 2)
        with pytest.raises(RefusedError, match="3 sessions, and 2 may"):
            there.enter_context(seated(site))
    with seated(site), seated(site), pytest.raises(RefusedError), seated(site):
        pass


def test_who_is_killed_gives_the_seat_back(cluster: MadeCluster) -> None:
    site = cluster.site
    set_most_sessions(site, 1)
    with seated(site):
        pass
    (seat,) = Path(site.settings.home, "state/sessions").glob("1")
    words = [sys.executable, "-c", HOLD, str(seat)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(RefusedError), seated(site):
            pass
        holder.kill()
    with seated(site):
        pass


def test_where_seats_cannot_be_made_there_is_room(cluster: MadeCluster) -> None:
    Path(cluster.site.settings.home, "state/sessions").write_text("in the way")
    with seated(cluster.site):
        pass


def test_the_limit_and_the_idle_time_are_kept_side_by_side(
    cluster: MadeCluster,
) -> None:
    set_most_sessions(cluster.site, 4)
    set_idle_minutes(cluster.site, 60)
    set_most_sessions(cluster.site, 5)
    assert (most_sessions(cluster.site), idle_minutes(cluster.site)) == (5, 60)


@pytest.mark.parametrize("text", ["0", "11", "x", "", "\u0661", "999"])
def test_no_limit_outside_of_the_originals(text: str) -> None:
    with pytest.raises(UsageError):
        read_limit(text)
