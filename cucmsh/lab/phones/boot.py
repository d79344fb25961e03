"""How a lab phone starts: its lists, then its configuration, over the real wire.

For each list the names of its family in order, for each name HTTP and then TFTP, at its
first node; only where nobody answers at all, at the next node. What comes is judged by
``cucmsh.phones.decide``, which may want TVS to be asked first. A restart reads the same
files without forgetting what TVS said (docs/formats.md#phones).
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from cucmsh.errors import PhoneFileError
from cucmsh.lab.phones import wire
from cucmsh.lab.phones.asking import ask_about_signer
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.plan import Host
from cucmsh.lab.phones.provisioning import DEFAULT_FILE
from cucmsh.lab.phones.wire import Fetched
from cucmsh.phones.configuration import read_configuration
from cucmsh.phones.decide import Decision, Outcome, consider_file, consider_list
from cucmsh.phones.families import EIGHTY_EIGHT, AskedList, ListKind, Transport
from cucmsh.phones.texts import (
    RESTART_REQUESTED,
    configuration_refused,
    file_not_found,
    told,
)
from cucmsh.pki.certificates import read_certificate
from cucmsh.trustlist.check import Verifier
from cucmsh.trustlist.signed import SUFFIX

# Seconds that an 8861 takes: to turn from HTTP to TFTP, and for a list that it checks.
TO_TFTP, TO_CHECK = 0.6, 1.0
TIMED_OUT = "TFTP timeout"
POWER, RESET, RESTART, ERASED = "power on", "reset", "restart", "lists erased"
NO_LIST = "no list"  # it started by itself
NOBODY = Fetched(wire.Outcome.SILENT)


class Pace(NamedTuple):
    """How long phones take: ``factor`` times as long as real ones, 0 for no longer."""

    factor: float = 0.0

    async def take(self, seconds: float) -> None:
        """Let that time go by."""
        if self.factor:
            await asyncio.sleep(seconds * self.factor)


async def start(phone: LabPhone, why: str, verifier: Verifier, pace: Pace) -> None:
    """Go through lists and configuration once.

    Args:
        phone: has power; nobody else starts it now.
        why: for its history; ``RESTART`` keeps what TVS said.
        verifier: does the operation with a key.
        pace: how long it may take.

    Raises:
        StoreError: its flash cannot be written.
    """
    phone.begin(why)
    if why == RESTART:
        phone.say(RESTART_REQUESTED)
    else:
        phone.forget_answers()
    await _Start(phone, verifier, pace).run()
    phone.remember()


class _Start:
    """One start of one phone."""

    def __init__(self, phone: LabPhone, verifier: Verifier, pace: Pace) -> None:
        self._phone = phone
        self._verifier = verifier
        self._pace = pace
        self._hosts = list(phone.plan.hosts)  # that answer, or were not asked

    async def run(self) -> None:
        phone = self._phone
        before = phone.held
        decisions: dict[ListKind, Decision] = {}
        for asked in phone.family.asked_lists(phone.plan.mac):
            fetched, host = await self._first(asked)
            if fetched.outcome is wire.Outcome.SILENT:
                phone.say(TIMED_OUT)
                return
            decisions[asked.kind] = await self._consider_list(asked.kind, fetched, host)
        result = told(before, *(decisions.get(kind) for kind in ListKind))
        phone.say(result.text)
        phone.tell(result.code)
        await self._configure()

    async def _first(self, asked: AskedList) -> tuple[Fetched, str]:
        """The first of the names that is there, and who gave it."""
        for name in asked.names:
            fetched, host = await self._fetch(name)
            if fetched.outcome is not wire.Outcome.MISSING:
                return fetched, host
        if self._phone.family is EIGHTY_EIGHT:
            self._phone.say(file_not_found(asked.kind))
        return fetched, host

    async def _consider_list(
        self, kind: ListKind, fetched: Fetched, host: str
    ) -> Decision:
        phone = self._phone
        raw = fetched.content if fetched.is_here else None
        phone.drop_old_answers()
        if fetched.is_here:
            await self._pace.take(TO_CHECK)
        decision = consider_list(phone.held, kind, raw, self._verifier)
        if decision.ask is not None:
            answer = await ask_about_signer(phone, decision.ask)
            decision = consider_list(phone.held, kind, raw, self._verifier, tvs=answer)
        phone.note(f"{kind}: {decision.reason}")
        if decision.outcome is Outcome.TAKEN:
            phone.take_list(kind, decision.held, host)
        else:
            phone.held = decision.held
        return decision

    async def _configure(self) -> None:
        """Fetch the configuration, and run it if it may be."""
        phone = self._phone
        holds_list = phone.held.can_check
        own = phone.family.asked_configuration(phone.plan.mac, holds_list=holds_list)
        for name in (own, DEFAULT_FILE + (SUFFIX if holds_list else "")):
            fetched, _ = await self._fetch(name)
            if fetched.outcome is wire.Outcome.SILENT:
                phone.say(TIMED_OUT)
                return
            if fetched.outcome is not wire.Outcome.MISSING:
                break
        decision = await self._consider_file(name, fetched)
        phone.note(f"{name}: {decision.reason}")
        if decision.outcome is Outcome.REFUSED:
            phone.say(configuration_refused(phone.family, name))
        elif decision.accepted:
            self._run(name, decision.payload)

    async def _consider_file(self, name: str, fetched: Fetched) -> Decision:
        phone = self._phone
        raw = fetched.content if fetched.is_here else None
        phone.drop_old_answers()
        file = (name, raw, self._verifier, read_certificate)
        decision = consider_file(phone.held, *file)
        if decision.ask is not None:
            answer = await ask_about_signer(phone, decision.ask)
            decision = consider_file(phone.held, *file, tvs=answer)
        phone.held = decision.held
        return decision

    def _run(self, name: str, raw: bytes) -> None:
        try:
            configuration = read_configuration(raw)
        except PhoneFileError as problem:
            self._phone.note(f"{name}: {problem.message}")
            return
        if name.startswith(DEFAULT_FILE):
            configuration = configuration._replace(tvs=())  # phones take none from it
        self._phone.take_configuration(raw, configuration)

    async def _fetch(self, name: str) -> tuple[Fetched, str]:
        """A file from the first host that answers, whatever it answers."""
        while self._hosts:
            host = self._hosts[0]
            fetched = await self._fetch_at(host, name)
            if fetched.outcome is not wire.Outcome.SILENT:
                return fetched, host.name
            self._phone.note(f"{host.name} does not answer: {fetched.problem}")
            del self._hosts[0]
        return NOBODY, ""

    async def _fetch_at(self, host: Host, name: str) -> Fetched:
        source = self._phone.plan.address
        best = NOBODY
        for transport in self._phone.family.transports:
            if transport is Transport.HTTP:
                fetched = await wire.fetch_http(host.http, name, source)
            else:
                await self._pace.take(TO_TFTP)
                fetched = await wire.fetch_tftp(host.tftp, name, source)
            if fetched.is_here:
                return fetched
            if fetched.outcome is not wire.Outcome.SILENT or best is NOBODY:
                best = fetched
        return best
