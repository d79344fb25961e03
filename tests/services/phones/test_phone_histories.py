"""1,000 phones through random histories of a cluster: who is lost, and who is back?

The lists, keys and TVS stores are real, and what a phone does is the product's. Beside
each phone a second one is kept by rules written from docs/formats.md#phones, which
import nothing of cucmsh; after every step both hold the same list. So nobody is lost
whom the rules save, and everybody is lost whom they do not save.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import timedelta
from hashlib import sha1
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cucmsh.errors import RefusedError, StoreError
from cucmsh.phones.decide import (
    NO_ANSWER,
    Held,
    Query,
    TvsSays,
    consider_list,
    trusts_server,
)
from cucmsh.phones.families import Family, ListKind, family_of
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.nodes.rename import set_host_name
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.tvs.answering import answer_to
from cucmsh.tvs.codec import QueryAnswer, QueryRequest, decode, encode
from tests.faults.second_verifier import read
from tests.services import holder
from tests.services.made_cluster import (
    PUBLISHER,
    SUBSCRIBER,
    MadeCluster,
    Member,
    cheap_questions,
    started_cluster,
)
from tests.services.nodes.test_rename import Told

pytestmark = pytest.mark.thorough

PHONES = 1000
MODELS = ("7965", "7821", "8845", "9971")
GROUPS = 8  # of phones that sleep and wake together
EVERYBODY = 2**GROUPS - 1
TVS = 21
DAY = 86_400  # seconds for which an answer of TVS counts
NODES = (PUBLISHER, SUBSCRIBER)
VERIFIER = SignatureVerifier()


class Rules:
    """What a phone holds by the rules; the reader of bytes shares nothing with ours.

    Attributes:
        held: the bytes of its list.
        until: signers (DER) that TVS vouched for, and when that ends.
    """

    def __init__(self, *, flushes: bool) -> None:
        self.held = b""
        self.until: dict[bytes, float] = {}
        self._flushes = flushes

    def meet(self, offered: bytes, nodes: list[Member], now: float) -> None:
        """Fetch a list; the first TVS of these nodes that it believes may be asked."""
        if offered == self.held:
            return
        if not self.held or holder.takes(self.held, offered):
            self._take(offered)
            return
        signer = read(offered).signed_by
        if self.until.get(signer.certificate, 0) > now:
            self._take(offered)
            return
        for node in nodes:
            if not self._believes(node):
                continue
            if signer.certificate in vouched_by(node):
                self.until[signer.certificate] = now + DAY
                self._take(offered)
            return

    def _believes(self, node: Member) -> bool:
        if node.is_dead or node.tvs_is_stopped:
            return False
        shown = sha1(node.keys.certificate(Unit.TVS).der).digest()
        return any(
            record.role == TVS and record.certificate_hash == shown
            for record in read(self.held).records
        )

    def _take(self, offered: bytes) -> None:
        self.held = offered
        if self._flushes:
            self.until = {}


def vouched_by(node: Member) -> set[bytes]:
    """Who signs lists now, as far as this node was told: what lies on its disk."""
    keys = node.keys
    told = {keys.certificate(Unit.CALL_MANAGER).der}
    if node.node.is_publisher:
        told.add(keys.certificate(Unit.ITL_RECOVERY).der)
    for other in node.site.settings.cluster.members:
        if other.name != node.site.node.name:
            units = [Unit.CALL_MANAGER]
            units += [Unit.ITL_RECOVERY] if other.is_publisher else []
            found = [keys.trusted(other, unit) for unit in units]
            told |= {certificate.der for certificate in found if certificate}
    return told


class Phone:
    """A phone as the product has it, and beside it by the rules."""

    def __init__(self, number: int) -> None:
        family = family_of(MODELS[number % len(MODELS)])
        assert family is not None
        self.family: Family = family
        self.home = NODES[number // len(MODELS) % len(NODES)]
        self.group = 1 << number % GROUPS
        self.held = Held(family)
        self.raw = b""  # of the list it holds; empty for none
        self.until: dict[bytes, float] = {}
        self.rules = Rules(flushes=family.flushes_answers)

    @property
    def state(self) -> tuple[object, ...]:
        """All that decides what it does; phones of equal state do the same."""
        until = tuple(sorted(self.until.items()))
        return self.family.name, self.home, self.raw, until, self.rules.held

    def become(self, other: Phone) -> None:
        """Do as one of equal state did."""
        self.held, self.raw, self.until = other.held, other.raw, other.until
        self.rules.held, self.rules.until = other.rules.held, other.rules.until


class Stores(NamedTuple):
    """The nodes that a phone asks, its own first, and what their TVS answer from."""

    members: list[Member]
    lookups: dict[str, TrustedCertificates]

    def answer(self, phone: Phone, query: Query, now: float) -> TvsSays:
        """What comes of asking each in turn until one answers; by the real codec."""
        for member in self.members:
            server = member.keys.certificate(Unit.TVS).der
            if (
                member.is_dead
                or member.tvs_is_stopped
                or not trusts_server(phone.held, server)
            ):
                continue
            request = decode(encode(QueryRequest(1001, "CP-8845-SEP0", *query)))
            assert isinstance(request, QueryRequest)
            try:
                said = answer_to(request, self.lookups[member.node.name])
            except StoreError:
                continue
            answer = decode(encode(said))
            assert isinstance(answer, QueryAnswer)
            if answer.is_known:
                phone.until[answer.certificate] = now + answer.ttl
            return TvsSays(True, server, *answer[1:4])
        return NO_ANSWER


class Histories(RuleBasedStateMachine):
    """A publisher, a subscriber, and phones that sleep and wake."""

    keep_trust = False

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        cheap_questions(self._patch)
        self._folder = tempfile.TemporaryDirectory()
        self.cluster: MadeCluster = started_cluster(
            Path(self._folder.name), keep_trust=self.keep_trust
        )
        self.cluster.write_configurations()
        self.phones = [Phone(number) for number in range(PHONES)]
        self._lookups: dict[str, TrustedCertificates] = {}
        self._next_processes()

    def _next_processes(self) -> None:
        for name, member in self.cluster.members.items():
            member.read_configuration()
            self._lookups[name] = TrustedCertificates(member.site)

    def teardown(self) -> None:
        self._patch.undo()
        self._folder.cleanup()

    @property
    def now(self) -> float:
        return self.cluster.clock.now().timestamp()

    @initialize()
    def everybody_boots(self) -> None:
        self._wake(EVERYBODY)

    @rule(groups=st.integers(1, EVERYBODY))
    def phones_restart(self, groups: int) -> None:
        self._wake(groups)

    @rule(
        name=st.sampled_from(NODES),
        unit=st.sampled_from((Unit.CALL_MANAGER, Unit.TVS)),
        restarts=st.booleans(),
    )
    def regenerates(self, name: str, unit: Unit, *, restarts: bool) -> None:
        self.cluster.clock.pass_seconds(301)
        member = self.cluster.members[name]
        if not member.is_dead:
            regenerate(member.site, unit)
        if restarts:
            self.tftp_restarts(name)

    @rule()
    def recovery_key_is_made_anew(self) -> None:
        self.regenerates(PUBLISHER, Unit.ITL_RECOVERY, restarts=True)

    @rule(name=st.sampled_from(NODES))
    def tftp_restarts(self, name: str) -> None:
        self.cluster.clock.pass_seconds(1)
        self.cluster.members[name].start()

    @rule(name=st.sampled_from(NODES))
    def node_reboots(self, name: str) -> None:
        self.cluster.clock.reboot()
        self.tftp_restarts(name)

    @rule(name=st.sampled_from(NODES))
    def tvs_stops_or_starts(self, name: str) -> None:
        member = self.cluster.members[name]
        member.tvs_is_stopped = not member.tvs_is_stopped

    @rule()
    def subscriber_goes_or_comes(self) -> None:
        self.cluster.subscriber.is_dead = not self.cluster.subscriber.is_dead

    @rule(days=st.sampled_from((-400, -1, 1, 2, 4000)))
    def clock_is_wrong(self, days: int) -> None:
        self.cluster.clock.moment += timedelta(days=days)

    @precondition(lambda self: not self.cluster.subscriber.is_dead)
    @rule(name=st.sampled_from(NODES))
    def node_is_renamed(self, name: str) -> None:
        """To another name, and at the next time back to its first one."""
        self.cluster.clock.pass_seconds(301)
        member = self.cluster.members[name]
        others = {name, f"new-{name}"} - {member.site.node.name}
        set_host_name(member.site, others.pop(), Told())
        self._next_processes()

    @precondition(lambda self: not self.cluster.subscriber.is_dead)
    @rule()
    def reset(self) -> None:
        """Who holds the record of the present recovery key is back."""
        self.cluster.clock.pass_seconds(1)
        with suppress(RefusedError):
            plan = plan_local_reset(self.cluster.site)
            if self.keep_trust and plan.questions:
                return  # it would lose phones, so a person is asked, and says no
            self.cluster.apply(plan)
        served = {name: self.cluster.members[name].raw for name in NODES}
        recovery = self.cluster.publisher.keys.certificate(Unit.ITL_RECOVERY).der
        holding = [
            phone
            for phone in self.phones
            if any(
                token.certificate == recovery
                for token in holder.tokens(read(phone.rules.held))
            )
            and read(served[phone.home]).signed_by.certificate == recovery
        ]
        self._wake(EVERYBODY)
        assert all(phone.raw == served[phone.home] for phone in holding)

    def _wake(self, groups: int) -> None:
        did: dict[tuple[object, ...], Phone] = {}
        for phone in self.phones:
            home = self.cluster.members[phone.home]
            if not phone.group & groups or home.is_dead:
                continue
            state = phone.state
            if state in did:
                phone.become(did[state])
            else:
                did[state] = phone
                self._boot(phone, home)

    def _boot(self, phone: Phone, home: Member) -> None:
        others = [each for each in self.cluster.members.values() if each is not home]
        stores, offered = Stores([home, *others], self._lookups), home.raw
        phone.rules.meet(offered, stores.members, self.now)
        phone.until = {der: at for der, at in phone.until.items() if at > self.now}
        vouched = {d: r for d, r in phone.held.vouched.items() if d in phone.until}
        phone.held = phone.held._replace(vouched=MappingProxyType(vouched))
        decision = consider_list(phone.held, ListKind.ITL, offered, VERIFIER)
        if decision.ask is not None:
            tvs = stores.answer(phone, decision.ask, self.now)
            decision = consider_list(
                phone.held, ListKind.ITL, offered, VERIFIER, tvs=tvs
            )
        if decision.accepted and not decision.held.vouched:
            phone.until = {}
        phone.held = decision.held
        if decision.held.itl is not None:
            phone.raw = decision.held.itl.raw

    @invariant()
    def both_hold_the_same(self) -> None:
        different = [
            number
            for number, phone in enumerate(self.phones)
            if phone.raw != phone.rules.held
        ]
        assert different == []


class TrustIsKept(Histories):
    """With ``keep_trust``, phones that stay with their node are never lost."""

    keep_trust = True

    @invariant()
    def nobody_is_lost(self) -> None:
        held = {(phone.home, phone.raw) for phone in self.phones if phone.raw}
        for home, raw in held:
            member = self.cluster.members[home]
            assert holder.takes(raw, member.raw), f"lost on {home}"


MACHINES = pytest.mark.parametrize("machine", [Histories, TrustIsKept])


def run(machine: type[Histories], histories: int) -> None:
    steps = settings(max_examples=histories, stateful_step_count=12, deadline=None)
    run_state_machine_as_test(machine, settings=steps)


@MACHINES
def test_who_is_lost_and_who_is_back(machine: type[Histories]) -> None:
    run(machine, 10)


@pytest.mark.longer
@MACHINES
def test_who_is_lost_and_who_is_back_in_300_histories(machine: type[Histories]) -> None:
    run(machine, 300)


def test_without_any_tvs_a_new_signer_loses_all_that_hold_a_list() -> None:
    machine = Histories()
    try:
        machine.everybody_boots()
        before = {phone.raw for phone in machine.phones}
        for name in NODES:
            machine.tvs_stops_or_starts(name)
            machine.regenerates(name, Unit.CALL_MANAGER, restarts=True)
        machine.phones_restart(EVERYBODY)
        assert {phone.raw for phone in machine.phones} == before
        machine.reset()
        assert not {phone.raw for phone in machine.phones} & before
        machine.both_hold_the_same()
    finally:
        machine.teardown()
