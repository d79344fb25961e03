"""How much work something is, counted in calls: the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType


def calls_of(work: Callable[[], object], refusal: type[Exception]) -> int:
    """How many functions are called by it, of Python and of C; it may refuse."""
    count = 0

    def note(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        with suppress(refusal):
            work()
    finally:
        sys.setprofile(before)
    return count


def assert_linear(
    work: Callable[[bytes], object], raw: bytes, refusal: type[Exception]
) -> None:
    """Twice the bytes are about twice the work, however they lie: not four times."""
    half = calls_of(lambda: work(raw[: len(raw) // 2]), refusal)
    whole = calls_of(lambda: work(raw), refusal)
    assert half > 1
    assert whole <= 2.5 * half + 1000, (half, whole)
