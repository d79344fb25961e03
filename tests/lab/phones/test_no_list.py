"""Phones without a list start again by themselves, at a pace; without one they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cucmsh.lab.phones import boot
from cucmsh.lab.phones.fleet import Fleet
from cucmsh.lab.phones.no_list import START_SECONDS, Restless, waits
from cucmsh.lab.phones.order import phones_of
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.plan import Host, plan_phones
from cucmsh.phones.families import FAMILIES, Family, family_of
from cucmsh.pki.verify import SignatureVerifier

pytestmark = pytest.mark.loopback

NOBODY = ("127.0.0.1", 1)
HOST = Host("one.lab.example", NOBODY, NOBODY, NOBODY, Path("/none"))
QUICK = 1e-4  # 72 to 131 seconds are 7 to 13 milliseconds
RESTLESS = {"79xx", "99xx"}


def lab_phones(root: Path, words: str) -> list[Counting]:
    plans = plan_phones(root, [HOST], phones_of(words))
    return [Counting(plan, lambda: 1_700_000_000.0) for plan in plans]


class Counting(LabPhone):
    """A phone that tells of its starts."""

    def begin(self, why: str) -> None:
        super().begin(why)
        for number, event in self.awaited:
            if len(self.boots) >= number:
                event.set()

    awaited: tuple[tuple[int, asyncio.Event], ...] = ()

    async def started(self, times: int) -> None:
        event = asyncio.Event()
        self.awaited = (*self.awaited, (times, event))
        if len(self.boots) < times:
            await asyncio.wait_for(event.wait(), 20)


def whys(phone: LabPhone) -> list[str]:
    return [started.why for started in phone.boots]


def test_who_starts_again_and_when() -> None:
    found = {family.name for family in FAMILIES if waits(family)[1]}
    assert found == RESTLESS
    assert waits(named("7965")) == (72, 131)
    assert waits(named("9971")) == START_SECONDS


def named(model: str) -> Family:
    family = family_of(model)
    assert family is not None
    return family


class Timers:
    """What a loop is asked to do later."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: list[float] = []
        self.handles: list[asyncio.TimerHandle] = []
        self._loop = asyncio.get_running_loop()
        monkeypatch.setattr(self._loop, "call_later", self._call_later)

    def _call_later(self, seconds: float, *_: object) -> asyncio.TimerHandle:
        self.seconds.append(seconds)
        self.handles.append(self._loop.call_at(1e9, lambda: None))
        return self.handles[-1]


@pytest.mark.parametrize(
    ("model", "factor", "least", "most"),
    [("7965", 1.0, 72, 131), ("7965", 0.5, 36, 65.5), ("9971", 2.0, 120, 120)],
)
def test_times_are_those_of_the_family_times_the_factor(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    model: str,
    factor: float,
    least: float,
    most: float,
) -> None:
    async def run() -> list[float]:
        timers = Timers(monkeypatch)
        (phone,) = lab_phones(tmp_path, f"{model}:1")
        restless = Restless(lambda _: None)
        for _ in range(20):
            restless.consider(phone, factor)
        return timers.seconds

    seconds = asyncio.run(run())
    assert len(seconds) == 20
    assert least <= min(seconds) <= max(seconds) <= most


async def fleet_at(
    phones: Sequence[LabPhone], factor: float
) -> tuple[Fleet, list[dict[str, Any]]]:
    fleet = Fleet(phones, SignatureVerifier())
    said = [await fleet.answer({"verb": "pace", "factor": factor})]
    said.append(await fleet.answer({"verb": "reset"}))
    return fleet, said


@pytest.mark.parametrize("model", ["7965", "9971"])
def test_at_a_pace_it_starts_again_and_again(tmp_path: Path, model: str) -> None:
    (phone,) = lab_phones(tmp_path, f"{model}:1")

    async def run() -> None:
        await fleet_at([phone], QUICK)
        await phone.started(4)

    asyncio.run(run())
    assert whys(phone)[:3] == [boot.RESET, boot.NO_LIST, boot.NO_LIST]


@pytest.mark.parametrize(
    "request_", [{"verb": "unplug"}, {"verb": "pace", "factor": 0}]
)
def test_it_stops_where_power_or_pace_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request_: dict[str, Any]
) -> None:
    (phone,) = lab_phones(tmp_path, "7965:1")

    async def run() -> list[bool]:
        timers = Timers(monkeypatch)
        fleet = Fleet([phone], SignatureVerifier())
        await fleet.answer({"verb": "pace", "factor": 1})
        await fleet.answer(request_)
        return [handle.cancelled() for handle in timers.handles]

    assert asyncio.run(run()) == [True]


def test_without_a_pace_and_of_other_families_nobody_starts_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = lab_phones(tmp_path / "quiet", "7965:1,9971:1")
    others = lab_phones(tmp_path / "others", "8845:1,7940:1")

    async def run() -> list[float]:
        timers = Timers(monkeypatch)
        for phones, factor in ((quiet, 0.0), (others, 1.0)):
            restless = Restless(lambda _: None)
            for phone in phones:
                restless.consider(phone, factor)
        return timers.seconds

    assert asyncio.run(run()) == []


def test_a_pace_that_is_set_later_counts_for_phones_that_wait(tmp_path: Path) -> None:
    (phone,) = lab_phones(tmp_path, "7965:1")

    async def run() -> None:
        fleet, _ = await fleet_at([phone], 0)
        assert whys(phone) == [boot.RESET]
        await fleet.answer({"verb": "pace", "factor": QUICK})
        await phone.started(2)

    asyncio.run(run())
