"""Waits for a condition, with a deadline. The one place of the rig that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.005


def until(holds: Callable[[], object], complaint: str, seconds: float = 30) -> None:
    """Return when ``holds()`` is true.

    Raises:
        AssertionError: it is not within ``seconds``; ``complaint`` is the message.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, complaint
        time.sleep(PAUSE_SECONDS)
