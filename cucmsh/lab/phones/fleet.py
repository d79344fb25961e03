"""All phones of a lab in one loop: who starts when, and what is asked of them.

``answer`` takes the requests of the control socket (docs/lab.md#phones): values of JSON
in, values of JSON out. Phones start side by side, ``MOST_AT_ONCE`` of them; one phone
starts once at a time, and a request that comes meanwhile waits for its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cucmsh.errors import CucmshError, UsageError
from cucmsh.lab.phones import boot
from cucmsh.lab.phones.asking import open_directory
from cucmsh.lab.phones.boot import Pace
from cucmsh.lab.phones.calling import call
from cucmsh.lab.phones.flash import LATEST
from cucmsh.lab.phones.no_list import Restless
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.wire import Address
from cucmsh.phones.facts import PhoneFacts
from cucmsh.phones.texts import status_line
from cucmsh.trustlist.check import Verifier

MOST_AT_ONCE = 32
MOST_CALLS = 128  # to a SIP server, which may let each of them wait
MOST_NAMED = 1000  # of one request

Request = Mapping[str, Any]
Answer = dict[str, Any]


class Fleet:
    """The phones of one lab.

    Args:
        phones: all of them.
        verifier: does the operation with a key.
        sip: the server that those call which send alarms, after each start; None for
            no calls.
    """

    def __init__(
        self,
        phones: Iterable[LabPhone],
        verifier: Verifier,
        sip: Address | None = None,
    ) -> None:
        self._phones = {phone.name: phone for phone in phones}
        self._verifier = verifier
        self._pace = Pace()
        self._sip = sip
        self._at_once = asyncio.Semaphore(MOST_AT_ONCE)
        self._calls_at_once = asyncio.Semaphore(MOST_CALLS)
        self._restless = Restless(lambda phone: self._start(phone, boot.NO_LIST))
        self._turns = {name: asyncio.Lock() for name in self._phones}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._verbs: dict[str, Callable[[LabPhone, Request], Awaitable[None]]] = {
            "show": self._show,
            "reset": self._reset,
            "restart": self._restart,
            "erase": self._erase,
            "unplug": self._unplug,
            "plug": self._plug,
            "clock": self._clock,
            "wait": self._wait,
        }

    def facts(self, name: str) -> PhoneFacts | None:
        """What the phone shows; None if there is none of that name."""
        phone = self._phones.get(name)
        return None if phone is None else phone.facts

    @property
    def names(self) -> Sequence[str]:
        """Of all phones."""
        return tuple(self._phones)

    def power_on(self) -> None:
        """Start all phones that had power."""
        for phone in self._phones.values():
            if phone.is_plugged:
                self._start(phone, boot.POWER)

    async def answer(self, request: object) -> Answer:
        """What is answered to a request.

        Args:
            request: ``verb``, and ``names`` of the phones that it is for; without them
                it is for all. ``clock`` has ``at``, seconds since 1970, or null for the
                right time.

        Returns:
            ``phones``: each as it is afterwards; or ``error`` and ``advice``.
        """
        try:
            return {"phones": await self._do(request)}
        except CucmshError as problem:
            return {"error": problem.message, "advice": problem.advice}

    async def _do(self, request: object) -> list[Answer]:
        if not isinstance(request, dict):
            raise UsageError("a request is an object with a verb")
        verb, chosen = request.get("verb"), self._chosen(request.get("names"))
        if verb == "list":
            return [summary(phone) for phone in chosen]
        if verb == "pace":
            self._pace = Pace(_number(request.get("factor"), "factor", 0, 100))
            for phone in self._phones.values():
                if phone.name not in self._running:
                    self._restless.consider(phone, self._pace.factor)
            return []
        act = self._verbs.get(verb) if isinstance(verb, str) else None
        if act is None:
            verbs = ", ".join(sorted([*self._verbs, "list", "pace"]))
            raise UsageError(f"there is no such verb; verbs are {verbs}")
        await asyncio.gather(*(act(phone, request) for phone in chosen))
        return [described(phone) for phone in chosen]

    def _chosen(self, names: object) -> list[LabPhone]:
        if names is None:
            return list(self._phones.values())
        if not isinstance(names, list) or len(names) > MOST_NAMED:
            raise UsageError("names is a list of names of phones")
        chosen = []
        for name in names:
            phone = self._phones.get(name) if isinstance(name, str) else None
            if phone is None:
                known = ", ".join(list(self._phones)[:5])
                raise UsageError(
                    f"there is no phone {str(name)[:40]!r}", f"There are {known}."
                )
            chosen.append(phone)
        return chosen

    async def _show(self, phone: LabPhone, _: Request) -> None:
        """A look at it; somebody opens its directory, too."""
        await self._wait(phone, {})
        if phone.is_plugged:
            await open_directory(phone)

    async def _reset(self, phone: LabPhone, _: Request) -> None:
        await self._again(phone, boot.RESET)

    async def _restart(self, phone: LabPhone, _: Request) -> None:
        await self._again(phone, boot.RESTART)

    async def _erase(self, phone: LabPhone, _: Request) -> None:
        await self._wait(phone, {})
        phone.erase_lists()
        await self._again(phone, boot.ERASED)

    async def _unplug(self, phone: LabPhone, _: Request) -> None:
        running = self._running.get(phone.name)
        if running is not None:
            running.cancel()
            await self._wait(phone, {})
        self._restless.settle(phone)
        phone.is_plugged = False
        phone.forget_answers()
        phone.remember()

    async def _plug(self, phone: LabPhone, _: Request) -> None:
        if not phone.is_plugged:
            phone.is_plugged = True
            await self._again(phone, boot.POWER)

    async def _clock(self, phone: LabPhone, request: Request) -> None:
        at = request.get("at")
        phone.set_clock(None if at is None else int(_number(at, "at", 0, LATEST)))

    async def _wait(self, phone: LabPhone, _: Request) -> None:
        """Until it has started."""
        running = self._running.get(phone.name)
        if running is not None:
            await asyncio.wait([running])

    async def _again(self, phone: LabPhone, why: str) -> None:
        """Start a phone that has power, and wait for it."""
        if phone.is_plugged:
            await asyncio.wait([self._start(phone, why)])

    def _start(self, phone: LabPhone, why: str) -> asyncio.Task[None]:
        self._restless.settle(phone)
        task = asyncio.create_task(self._started(phone, why))
        self._running[phone.name] = task
        task.add_done_callback(lambda done: self._forget(phone.name, done))
        return task

    async def _started(self, phone: LabPhone, why: str) -> None:
        async with self._turns[phone.name]:
            try:
                async with self._at_once:
                    await boot.start(phone, why, self._verifier, self._pace)
                if self._sip is not None and phone.family.sends_alarm:
                    async with self._calls_at_once:
                        await call(phone, self._sip, why)
            except CucmshError as problem:  # its flash cannot be written
                phone.note(problem.message)
            self._restless.consider(phone, self._pace.factor)

    def _forget(self, name: str, done: asyncio.Task[None]) -> None:
        if self._running.get(name) is done:
            del self._running[name]


def summary(phone: LabPhone) -> Answer:
    """One line's worth of a phone."""
    facts = phone.facts
    return {
        "name": facts.name,
        "model": facts.model,
        "family": facts.family,
        "address": facts.address,
        "is_plugged": facts.is_plugged,
        "ctl": facts.ctl,
        "itl": facts.itl,
        "status": _lines(phone)[-1:],
    }


def described(phone: LabPhone) -> Answer:
    """All that is to be said of a phone."""
    facts = phone.facts
    return {
        **summary(phone),
        "label": facts.label,
        "load": facts.load,
        "now": facts.now,
        "ctl_server": facts.ctl_server,
        "itl_server": facts.itl_server,
        "tftp_servers": list(facts.tftp_servers),
        "tvs": list(facts.tvs),
        "settings": dict(facts.settings),
        "status": _lines(phone),
        "alarms": [alarm._asdict() for alarm in facts.alarms],
        "boots": [started._asdict() for started in phone.boots],
        "directory": facts.directory,
        "reasons": list(phone.reasons),
    }


def _lines(phone: LabPhone) -> list[str]:
    """Status messages as they stand on its screen."""
    return [
        status_line(phone.family, datetime.fromtimestamp(at, UTC), text)
        for at, text in phone.facts.status
    ]


def _number(value: object, name: str, least: float, most: float) -> float:
    number = most + 1
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    if not least <= number <= most:
        raise UsageError(f"{name} is a number from {least} to {most}")
    return number
