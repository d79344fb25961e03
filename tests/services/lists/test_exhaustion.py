"""A change that runs out of threads, memory or descriptors ends with what it did."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable

import pytest

from cucmsh.errors import CucmshError, ExhaustedError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.services.lists import apply_reset
from cucmsh.services.lists.apply_reset import apply
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.locate_nodes import locate
from cucmsh.services.lists.plan_reset import ResetPlan, plan_local_reset
from cucmsh.services.outcome import Report
from cucmsh.services.records.reset_journal import open_resets
from cucmsh.services.site import Site
from cucmsh.services.threads import as_done, meanwhile, side_by_side
from cucmsh.storage.local import LocalStore
from tests.services.made_cluster import MadeCluster, foreign_key_file, remote_plan

pytestmark = pytest.mark.thorough

NO_THREAD = RuntimeError("can't start new thread")
ENDINGS = {
    "thread": NO_THREAD,
    "memory": MemoryError(),
    "descriptor": OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
    "process": BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)),
}


def failing_after(
    count: int, real: Callable[..., object], ending: BaseException
) -> Callable[..., object]:
    """Works so often, and no more."""
    left = iter(range(count))

    def limited(*words: object, **named: object) -> object:
        if next(left, None) is None:
            raise ending
        return real(*words, **named)

    return limited


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_what_is_used_up_is_said_in_one_sentence(ending: BaseException) -> None:
    with (
        pytest.raises(ExhaustedError, match="this machine has no"),
        exhaustion_as_error(),
    ):
        raise ending


@pytest.mark.parametrize("other", [RuntimeError("x"), OSError(errno.EIO, "x")])
def test_other_errors_pass(other: Exception) -> None:
    with pytest.raises(type(other), match="x"), exhaustion_as_error():
        raise other


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_work_is_done_by_as_many_threads_as_there_are(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    limited = failing_after(count, threading.Thread.start, NO_THREAD)
    monkeypatch.setattr(threading.Thread, "start", limited)
    items = list(range(20))
    assert list(side_by_side(lambda item: item * 2, items)) == [i * 2 for i in items]
    assert sorted(as_done(lambda item: item, items)) == items
    assert meanwhile(lambda: 7)() == 7


def test_no_more_threads_than_are_asked_for() -> None:
    together = threading.Barrier(3)

    def work(_: int) -> int:
        together.wait(30)
        return threading.get_ident()

    assert len(set(side_by_side(work, range(12), 3))) == 3


def test_error_ends_nothing_that_is_begun_where_that_is_asked() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(item: int) -> None:
        if item == 0:
            assert begun.wait(30)
            threading.Timer(0.2, ended.set).start()
            raise KeyError(item)
        begun.set()
        assert ended.wait(30)

    with pytest.raises(KeyError):
        list(side_by_side(work, range(2), ends_whole=True))
    assert ended.is_set()


def test_error_of_a_thread_is_raised_where_its_answer_is_asked() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise KeyError(item)
        return item

    found = side_by_side(work, range(10))
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError):
        next(found)
    with pytest.raises(KeyError):
        meanwhile(lambda: work(3))()


def with_another_key(site: Site) -> ResetPlan:
    return remote_plan(site, foreign_key_file())


def reset(cluster: MadeCluster, make_plan: Callable[[Site], ResetPlan]) -> Report:
    site = cluster.site
    with site.cluster_lock("a reset"), Fleet(site) as fleet:
        located = locate(site, fleet)
        return apply(make_plan(site), located, site, fleet, lambda *_: None)


def held(cluster: MadeCluster) -> list[bytes]:
    """What a reset is about: the lists, and the key file."""
    key = cluster.site.home.read("security/ITLRecovery/ITLRecovery.p12")
    return [key, *(member.raw for member in cluster.members.values())]


@pytest.mark.parametrize("ending", ["memory", "descriptor"])
@pytest.mark.parametrize("make_plan", [plan_local_reset, with_another_key])
@pytest.mark.parametrize("verb", ["write", "read"])
@pytest.mark.parametrize(
    "count",
    [
        *(0, 4, 12),
        *(
            pytest.param(count, marks=pytest.mark.thorough)
            for count in (1, 2, 3, 5, 6, 8, 10, 15, 18, 22, 26, 30)
        ),
    ],
)
def test_status_is_true_wherever_it_runs_out(  # noqa: PLR0917
    cluster: MadeCluster,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    verb: str,
    make_plan: Callable[[Site], ResetPlan],
    ending: str,
) -> None:
    before = held(cluster)
    with monkeypatch.context() as patch:
        real = getattr(LocalStore, verb)
        patch.setattr(LocalStore, verb, failing_after(count, real, ENDINGS[ending]))
        try:
            status = reset(cluster, make_plan).exit_status
        except (CucmshError, MemoryError, OSError):
            status = 1  # what a session makes of it
    after = held(cluster)
    if status == 1:
        assert after == before
    if status == 0:
        assert all(
            one != other for one, other in zip(before[1:], after[1:], strict=True)
        )
    assert status != 2


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_reset_is_done_though_no_delivery_can_be_settled(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, ending: BaseException
) -> None:
    def runs_out(*_: object) -> None:
        raise ending

    monkeypatch.setattr(apply_reset, "settle_waiting", runs_out)
    assert reset(cluster, with_another_key).exit_status == 0
    assert not open_resets(cluster.site)
