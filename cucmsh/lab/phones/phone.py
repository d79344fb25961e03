"""A lab phone: what it holds, remembers and shows.

What it asks for and how it starts is ``boot``'s. Times are those of the phone's own
clock, which may be wrong.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import MappingProxyType

from cucmsh.errors import ServiceError
from cucmsh.lab.phones.flash import MOST_ALARMS, MOST_BOOTS, Boot, Flash, Memory
from cucmsh.lab.phones.plan import PhonePlan
from cucmsh.phones.claims import NOT_INSTALLED
from cucmsh.phones.configuration import Configuration
from cucmsh.phones.decide import Held
from cucmsh.phones.facts import Alarm, PhoneFacts, StatusLine
from cucmsh.phones.families import OLDEST, Family, ListKind, family_of
from cucmsh.phones.texts import ERASING, StatusCode
from cucmsh.trustlist.model import TrustList

OLD_LOAD = "P0S3-8-12-00"  # of 7940 and 7960
LOADS = {
    "78": "sip78xx.12-1-1-12",
    "79": "SIP45.9-4-2SR4-3",
    "88": "sip88xx.14-3-1-0001-125",
    "89": "SIP894x.9-4-2SR3-1",
    "99": "sip9951.9-4-2SR4-1",
}
WEB_CLOSED = "1"  # of webAccess


class LabPhone:
    """One phone.

    Args:
        plan: which one, and where its flash is.
        now: the lab's clock, in seconds since 1970.

    Attributes:
        plan: as given.
        family: how it behaves.
        held: its lists, and what TVS told it of.
        configuration: what it runs.
        is_plugged: whether it has power and network.
        directory: what its corporate directory showed last; empty before.
        reasons: why the last boot ended as it did, a sentence each.
    """

    def __init__(self, plan: PhonePlan, now: Callable[[], float]) -> None:
        family = family_of(plan.model)
        if family is None:
            raise ServiceError(f"no lab phone is a {plan.model!r}")
        self.plan = plan
        self.family: Family = family
        self.flash = Flash(plan.folder)
        self._now = now
        self._until: dict[bytes, int] = {}  # when what TVS told of ends
        memory = self.flash.memory()
        self.is_plugged = memory.is_plugged
        self._clock_offset = memory.clock_offset
        self._servers = dict(memory.servers)
        self._status = deque(memory.status, family.status_lines)
        self._alarms = deque(memory.alarms, MOST_ALARMS)
        self._untold = deque(memory.untold, MOST_ALARMS)
        self._boots = deque(memory.boots, MOST_BOOTS)
        ctl, itl = (self.flash.list_of(kind) for kind in (ListKind.CTL, ListKind.ITL))
        self.held = Held(family, ctl, itl)
        self.configuration = self.flash.configuration()
        self.directory = ""
        self.reasons: list[str] = []

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def now(self) -> int:
        """Its clock, in seconds since 1970."""
        return int(self._now()) + self._clock_offset

    @property
    def boots(self) -> tuple[Boot, ...]:
        return tuple(self._boots)

    def set_clock(self, at: int | None) -> None:
        """Set its clock; None sets it right."""
        self._clock_offset = 0 if at is None else at - int(self._now())
        self.remember()

    def say(self, text: str) -> None:
        """Show a status message; nothing for an empty one."""
        if text:
            self._status.append(StatusLine(self.now, text))

    def tell(self, code: StatusCode) -> None:
        """Note the alarm that the family sends after its lists changed or did not."""
        if self.family.sends_alarm and code is not StatusCode.NONE:
            digests = self.digest_of(self.held.ctl), self.digest_of(self.held.itl)
            servers = (self._servers.get(kind, "") for kind in ListKind)
            alarm = Alarm(self.now, int(code), *digests, *servers)
            self._alarms.append(alarm)
            self._untold.append(alarm)

    @property
    def untold(self) -> tuple[Alarm, ...]:
        """Alarms that no call manager has accepted yet, the oldest first."""
        return tuple(self._untold)

    def was_told(self, alarm: Alarm) -> None:
        """Forget to tell it: a call manager has accepted it."""
        self._untold.remove(alarm)
        self.remember()

    def note(self, reason: str) -> None:
        """Note why something came out as it did, for whoever looks into it."""
        self.reasons.append(reason)

    def begin(self, why: str) -> None:
        """Start, or read all files anew."""
        self._boots.append(Boot(self.now, why))
        self.reasons = []

    def take_list(self, kind: ListKind, held: Held, server: str) -> None:
        """Hold a list that was accepted; what TVS told of may be forgotten with it."""
        found = held.of(kind)
        if found is None:
            return
        self.flash.keep_list(kind, found.raw)
        self._servers[kind] = server
        self.held = held
        if self.family.flushes_answers:
            self._until = {}

    def take_configuration(self, raw: bytes, configuration: Configuration) -> None:
        """Run a configuration that was accepted."""
        self.flash.keep_configuration(raw)
        self.configuration = configuration

    def erase_lists(self) -> None:
        """Do as somebody chose in its menu."""
        self.flash.erase_lists()
        self._servers = {}
        self._until = {}
        self.held = Held(self.family)
        self.say(ERASING)
        self.remember()

    def vouch(self, certificate: bytes, ttl: int) -> None:
        """Note for how long a TVS answer counts."""
        self._until[certificate] = self.now + ttl

    def is_vouched(self, certificate: bytes) -> bool:
        """Whether a TVS answer about it still counts."""
        return self._until.get(certificate, 0) > self.now

    def forget_answers(self) -> None:
        """What TVS told of is in no flash."""
        self._until = {}
        self.drop_old_answers()

    def drop_old_answers(self) -> None:
        """Drop from what is held the answers whose time is over."""
        now = self.now
        self._until = {each: end for each, end in self._until.items() if end > now}
        self.held = self.held._replace(
            vouched=MappingProxyType(
                {
                    certificate: roles
                    for certificate, roles in self.held.vouched.items()
                    if certificate in self._until
                }
            )
        )

    def remember(self) -> None:
        """Write what it remembers besides lists and configuration to its flash."""
        self.flash.keep_memory(
            Memory(
                self.is_plugged,
                self._clock_offset,
                self._servers,
                tuple(self._status),
                tuple(self._alarms),
                tuple(self._untold),
                tuple(self._boots),
            )
        )

    def digest_of(self, held: TrustList | None) -> str:
        """As its family shows it."""
        if held is None:
            return NOT_INSTALLED
        return self.family.digest(held.raw, self.plan.model)

    @property
    def _load(self) -> str:
        """The firmware that it came with."""
        return OLD_LOAD if self.family is OLDEST else LOADS[self.plan.model[:2]]

    @property
    def facts(self) -> PhoneFacts:
        """All that its screen, its page and its alarms show."""
        running = self.configuration
        return PhoneFacts(
            name=self.name,
            model=self.plan.model,
            family=self.family.name,
            load=running.load or self._load,
            now=self.now,
            started=self._boots[-1].at if self._boots else self.now,
            address=self.plan.address,
            ctl=self.digest_of(self.held.ctl),
            itl=self.digest_of(self.held.itl),
            ctl_server=self._servers.get(ListKind.CTL, ""),
            itl_server=self._servers.get(ListKind.ITL, ""),
            tftp_servers=tuple(host.name for host in self.plan.hosts),
            call_managers=running.call_managers,
            tvs=tuple(server.host for server in running.tvs),
            capf=running.capf,
            label=running.label,
            settings=running.settings,
            status=tuple(self._status),
            alarms=tuple(self._alarms),
            directory=self.directory,
            is_plugged=self.is_plugged,
            is_web_open=running.setting("webAccess") != WEB_CLOSED,
        )
