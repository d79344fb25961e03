"""Wrong passwords lock an account for a while; one store for all ways in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from cucmsh.errors import RefusedError
from cucmsh.layout import CISCO_SYSLOG, LOGIN_FAILURES
from cucmsh.secret import Secret
from cucmsh.services.accounts.ccm_password import require_ccm_password
from cucmsh.services.accounts.lockout import (
    Who,
    attempt,
    is_locked,
    require_not_locked,
    set_policy,
)
from cucmsh.services.caller import Caller, WayIn
from cucmsh.services.site import Site
from tests.services.callers import called
from tests.services.made_cluster import CCM, MadeCluster, SettableClock

pytestmark = pytest.mark.thorough

JOE, ANN = Who("joe", "ssh", "192.0.2.7"), Who("ann", "page", "192.0.2.8")


def wrong(site: Site, who: Who = JOE, times: int = 1) -> None:
    for _ in range(times):
        assert not attempt(site, who, lambda: False)


def right(site: Site, who: Who = JOE) -> bool:
    return attempt(site, who, lambda: True)


def log(site: Site) -> str:
    return site.home.read(CISCO_SYSLOG).decode()


def test_three_wrong_ones_lock_it_and_the_right_one_does_not_help(
    cluster: MadeCluster,
) -> None:
    site = cluster.site
    wrong(site, times=3)
    assert is_locked(site, "joe")
    assert not right(site)
    assert right(site, ANN)
    with pytest.raises(RefusedError) as refused:
        require_not_locked(site, "joe")
    assert "lock" not in f"{refused.value}{refused.value.advice}"


def test_a_right_one_forgets_the_wrong_ones(cluster: MadeCluster) -> None:
    wrong(cluster.site, times=2)
    assert right(cluster.site)
    wrong(cluster.site, times=2)
    assert right(cluster.site)


def test_the_alarms_say_who_and_from_where(cluster: MadeCluster) -> None:
    site = cluster.site
    wrong(site, times=4)
    right(site, ANN)
    lines = [line for line in log(site).splitlines() if "%UC_LOGIN-" in line]
    names = [line.partition("%UC_LOGIN-")[2].partition(":")[0] for line in lines]
    assert names == [
        *["4-AuthenticationFailed"] * 3,
        *["4-PlatformAdminAccountLocked", "4-AuthenticationFailed"],
        "6-AuthenticationSucceeded",
    ]
    assert "[LoginFrom=192.0.2.7]" in lines[0]
    assert "[UserID=joe][Interface=ssh]" in lines[0]
    assert "[UserID=joe][UnlockTime=2014-02-26T18:29:27+00:00]" in lines[3]
    assert "[FailedLoginCount=3]" in lines[3]


def test_it_is_unlocked_by_time_and_not_later_by_further_guesses(
    cluster: MadeCluster,
) -> None:
    wrong(cluster.site, times=3)
    cluster.clock.pass_seconds(299)
    wrong(cluster.site, times=5)
    assert is_locked(cluster.site, "joe")
    cluster.clock.pass_seconds(1)
    assert right(cluster.publisher.again())


def set_back(clock: SettableClock) -> None:
    clock.moment -= timedelta(days=3650)


def set_forward(clock: SettableClock) -> None:
    clock.moment += timedelta(days=3650)


def reboot(clock: SettableClock) -> None:
    clock.reboot()


@pytest.mark.parametrize("change", [set_back, set_forward, reboot])
def test_no_change_of_the_clock_unlocks_or_keeps_it_locked(
    cluster: MadeCluster, change: Callable[[SettableClock], None]
) -> None:
    wrong(cluster.site, times=3)
    change(cluster.clock)
    assert is_locked(cluster.publisher.again(), "joe")
    cluster.clock.pass_seconds(300)
    assert not is_locked(cluster.publisher.again(), "joe")


def test_guesses_at_once_are_no_more_than_are_allowed(cluster: MadeCluster) -> None:
    tried, together = [], threading.Barrier(8)

    def guess() -> None:
        together.wait()
        attempt(cluster.publisher.again(), JOE, lambda: False)
        tried.append(is_locked(cluster.site, "joe"))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(tried) == 8
    assert is_locked(cluster.site, "joe")
    assert log(cluster.site).count("PlatformAdminAccountLocked") == 1


def test_who_is_killed_while_a_guess_is_judged_has_made_it(
    cluster: MadeCluster,
) -> None:
    def killed() -> bool:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            attempt(cluster.site, JOE, killed)
    assert is_locked(cluster.site, "joe")


def test_the_policy_holds(cluster: MadeCluster) -> None:
    site = cluster.site
    set_policy(site, retry_count=2, unlock_seconds=30)
    wrong(site, times=2)
    assert is_locked(site, "joe")
    cluster.clock.pass_seconds(30)
    assert not is_locked(site, "joe")
    set_policy(site, is_enabled=False)
    wrong(site, times=9)
    assert right(site)
    assert set_policy(site, is_enabled=True).retry_count == 2
    assert not is_locked(site, "joe")


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"joe": 3}', b'{"joe": {"count": "x"}}'])
def test_a_store_that_is_broken_locks_nobody_and_counts_again(
    cluster: MadeCluster, raw: bytes
) -> None:
    cluster.site.home.write(LOGIN_FAILURES, raw)
    assert not is_locked(cluster.site, "joe")
    wrong(cluster.site, times=3)
    assert is_locked(cluster.site, "joe")


def test_a_wrong_ccm_password_counts_and_a_locked_account_is_told_the_same(
    cluster: MadeCluster,
) -> None:
    said = []
    for typed in ("wrong", "wrong", "wrong", CCM):
        with pytest.raises(RefusedError) as refused:
            require_ccm_password(cluster.site, Secret(typed))
        said.append(f"{refused.value}{refused.value.advice}")
    assert len({*said}) == 1
    assert is_locked(cluster.site, "admin")
    other = called(cluster.site, Caller(WayIn.PAGE, "ann"))
    require_ccm_password(other, Secret(CCM))
    cluster.clock.pass_seconds(300)
    require_ccm_password(cluster.site, Secret(CCM))
