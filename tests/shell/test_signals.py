import os
import signal
import threading
from collections.abc import Iterator

import pytest

from cucmsh.shell.signals import deferred_interrupts, hang_ups

ENDINGS = (signal.SIGHUP, signal.SIGTERM)


@pytest.fixture
def ended() -> Iterator[list[int]]:
    """What was done about signals that would otherwise end this process."""
    seen: list[int] = []
    before = {n: signal.signal(n, lambda got, _: seen.append(got)) for n in ENDINGS}
    yield seen
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDINGS)
def test_a_signal_within_the_block_is_its_own(
    ended: list[int], number: signal.Signals
) -> None:
    calls: list[str] = []
    with hang_ups(lambda: calls.append("end")):
        os.kill(os.getpid(), number)
    assert (calls, ended) == (["end"], [])


def test_a_signal_after_the_block_is_nobodys_business_of_ours(
    ended: list[int],
) -> None:
    with hang_ups(lambda: None):
        pass
    for number in ENDINGS:
        os.kill(os.getpid(), number)
    assert ended == list(ENDINGS)


def test_a_lost_line_does_not_kill_the_way_out(ended: list[int]) -> None:
    with hang_ups(lambda: None):
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    assert ended == []


def test_a_loss_that_was_read_before_its_signal_came_does_not_kill_the_way_out(
    ended: list[int],
) -> None:
    with hang_ups(lambda: None, owns_terminal=True):
        pass  # EIO, the end of the input
    os.kill(os.getpid(), signal.SIGHUP)
    assert ended == []


def test_another_thread_may_not_and_need_not(ended: list[int]) -> None:
    done: list[bool] = []

    def run() -> None:
        with hang_ups(lambda: None):
            done.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [True]


def test_control_c_waits_for_the_end_of_the_block() -> None:
    ours: list[int] = []
    told: list[str] = []
    before = signal.signal(signal.SIGINT, lambda got, _: ours.append(got))
    try:
        with deferred_interrupts(lambda: told.append("heard")) as pressed:
            os.kill(os.getpid(), signal.SIGINT)
            assert told == ["heard"]
            os.kill(os.getpid(), signal.SIGINT)
        assert (pressed, ours, told) == ([signal.SIGINT] * 2, [], ["heard"])
        os.kill(os.getpid(), signal.SIGINT)
        assert ours == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
