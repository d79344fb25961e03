"""One thread keeps everybody's time, and nobody's time depends on another's."""

import threading

import pytest

from cucmsh.errors import NoAnswerError
from cucmsh.remote.deadline import within

pytestmark = pytest.mark.thorough

SOON, LONG = 0.05, 60.0
LATE = NoAnswerError("too late")


def test_what_ends_in_time_is_left_alone() -> None:
    with within(LONG, lambda: pytest.fail("hung up"), LATE):
        pass


@pytest.mark.parametrize("problem", [None, OSError("hung up")])
def test_who_is_late_is_hung_up_on_whatever_came_of_it(
    problem: OSError | None,
) -> None:
    ended = threading.Event()

    def work() -> None:
        assert ended.wait(LONG)
        if problem:
            raise problem

    with pytest.raises(NoAnswerError), within(SOON, ended.set, LATE):
        work()


def test_a_shorter_limit_inside_a_longer_one_comes_first() -> None:
    ended = threading.Event()
    with (
        within(LONG, lambda: pytest.fail("hung up"), LATE),
        pytest.raises(NoAnswerError),
        within(SOON, ended.set, LATE),
    ):
        assert ended.wait(LONG)


def test_a_hang_up_that_hangs_keeps_nobody_else_waiting() -> None:
    stuck, freed, second = (threading.Event() for _ in range(3))

    def hang() -> None:
        stuck.set()
        freed.wait(LONG)

    def first() -> None:
        with pytest.raises(NoAnswerError), within(SOON, hang, LATE):
            stuck.wait(LONG)

    thread = threading.Thread(target=first)
    thread.start()
    assert stuck.wait(LONG)
    with pytest.raises(NoAnswerError), within(SOON, second.set, LATE):
        assert second.wait(LONG)
    freed.set()
    thread.join()


def test_a_hundred_limits_cost_one_thread() -> None:
    before = threading.active_count()
    most = 0

    def nested(depth: int) -> None:
        nonlocal most
        with within(LONG, lambda: pytest.fail("hung up"), LATE):
            most = max(most, threading.active_count())
            if depth:
                nested(depth - 1)

    nested(100)
    assert most <= before + 1
