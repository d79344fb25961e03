import threading

import pytest

from cucmsh.shell.terminal_dialog import progress


def test_what_takes_long_is_told_again_and_again() -> None:
    told: list[str] = []
    enough = threading.Event()
    before = set(threading.enumerate())  # some are of other tests, and end when they do

    def tell() -> None:
        told.append("busy")
        if len(told) == 3:
            enough.set()

    with progress(tell, 0.001, 0.001):
        assert enough.wait(10)
    assert set(threading.enumerate()) <= before  # nobody is left to tell more


def test_what_is_quick_is_not_told() -> None:
    told: list[str] = []
    with progress(lambda: told.append("busy"), 60):
        pass
    assert told == []


def test_an_error_ends_the_telling_and_passes() -> None:
    with pytest.raises(KeyboardInterrupt), progress(lambda: None, 60):
        raise KeyboardInterrupt
