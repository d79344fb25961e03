"""Phones that start anew by themselves as long as they hold no list.

A 79xx goes through all its files again after a while, a 99xx starts over
(docs/formats.md#families). Only at a pace: phones that take no time would do nothing
else, so at pace 0 they wait until somebody tells them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import SystemRandom

from cucmsh.lab.phones.phone import LabPhone
from cucmsh.phones.families import Family

START_SECONDS = (60, 60)  # of a 99xx that starts over; how long it takes is a guess
_random = SystemRandom()


def waits(family: Family) -> tuple[int, int]:
    """For how many seconds at least and at most; both 0 for phones that just wait."""
    return START_SECONDS if family.restarts_without_list else family.asks_again_seconds


def _is_content(phone: LabPhone) -> bool:
    """Whether it holds a list; for a 99xx that is one with a key in it."""
    held = phone.held
    return held.can_check if phone.family.restarts_without_list else held.has_list


class Restless:
    """Who is to start again, and when.

    Args:
        start: starts a phone.
    """

    def __init__(self, start: Callable[[LabPhone], object]) -> None:
        self._start = start
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def settle(self, phone: LabPhone) -> None:
        """It starts now, or has no power: it is not to start by itself."""
        timer = self._timers.pop(phone.name, None)
        if timer is not None:
            timer.cancel()

    def consider(self, phone: LabPhone, factor: float) -> None:
        """It has started: it may have to do so again.

        Args:
            phone: which one.
            factor: how long things take in terms of real phones; 0 for never again.
        """
        self.settle(phone)
        least, most = waits(phone.family)
        if not (factor and most and phone.is_plugged) or _is_content(phone):
            return
        loop = asyncio.get_running_loop()
        seconds = _random.uniform(least, most) * factor
        self._timers[phone.name] = loop.call_later(seconds, self._start, phone)
