"""Resets of phones: in batches, at a rate, waited for, stopped and gone on with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from cucmsh.config.phones import AmiAddress, PhonesSettings
from cucmsh.errors import (
    BusyError,
    CancelledError,
    ConnectionFailedError,
    MissingFileError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.layout import PHONE_RESETS, facts_file
from cucmsh.phones.claims import Source
from cucmsh.phones.service_control import PhoneAction
from cucmsh.remote.runner import Completed
from cucmsh.services.phones import resets
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.phones.reset_journal import OpenResets, read_open
from cucmsh.services.phones.resets import PhoneResets, reset_phones
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.views.phone_resets import phone_reset_progress
from tests.inventory.claims import NOON, name_of, said
from tests.rigs.ami import SECRET, USER, Contact, StandInAmi
from tests.rigs.loopback import LOOPBACK, free_port
from tests.rigs.waiting import until
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough
RESTART, RESET = PhoneAction.RESTART, PhoneAction.RESET
TOLD = ("tell", "{name}", "at={address}", "restart")


class Person:
    """A ``PhoneResetDialog`` who agrees, and presses Ctrl-C where a test wants it."""

    def __init__(self, *, stops_after: int = -1, goes_on: bool = True) -> None:
        self.agreed: list[tuple[PhoneAction, int, int]] = []
        self.unproven = -1
        self.begun: list[OpenResets] = []
        self.shown: list[PhoneResets] = []
        self._left = stops_after
        self._goes_on = goes_on

    def goes_on(self, begun: OpenResets) -> bool:
        self.begun.append(begun)
        return self._goes_on

    def agree(
        self, action: PhoneAction, phones: int, seconds: int, unproven: int
    ) -> None:
        self.agreed.append((action, phones, seconds))
        self.unproven = unproven

    @contextmanager
    def telling(self) -> Iterator[Callable[[], None]]:
        def safe_point() -> None:
            if self._left == 0:
                raise CancelledError("Control-C pressed")
            self._left -= 1

        yield safe_point

    def progress(self, done: PhoneResets) -> None:
        self.shown.append(done)


class Clock:
    """``monotonic`` and ``sleep``; who sleeps is told how long it was."""

    def __init__(self) -> None:
        self.now = 0.0
        self.on_sleep: Callable[[], object] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


class Programs:
    """A ``Runner`` that notes what it ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.failing: set[str] = set()
        self.at: Callable[[Sequence[str]], object] = lambda _: None

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        assert timeout_seconds <= 60
        self.ran.append(tuple(words))
        self.at(words)
        status = int(bool(self.failing & set(words)))
        return Completed(status, "", "no such peer\nmore" if status else "")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(resets, "monotonic", lambda: made.now)
    monkeypatch.setattr(resets, "sleep", made.sleep)
    return made


@pytest.fixture
def programs(cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = Programs()
    monkeypatch.setattr(type(cluster.site.backends), "runner", lambda _: made)
    return made


def with_phones(site: Site, **said_of: object) -> Site:
    phones = PhonesSettings()._replace(**said_of)  # type: ignore[arg-type]
    return site.with_settings(site.settings._replace(own_phones=phones))


def know(site: Site, *numbers: int, days: int = 0) -> None:
    now = int(site.clock.now().timestamp())
    with open_inventory(site) as store:
        store.record(
            [
                said(number, now - NOON - days * 86_400, address=f"192.0.2.{number}")
                for number in numbers
            ],
            now,
        )


@pytest.fixture
def site(cluster: MadeCluster, programs: Programs, clock: Clock) -> Site:
    """Five phones are known, of which 5 is stale; nobody is waited for."""
    know(cluster.site, 1, 2, 3, 4)
    know(cluster.site, 5, days=60)
    return with_phones(
        cluster.site, reset=TOLD, restart=TOLD, batch=2, per_second=4, wait_seconds=0
    )


def test_phones_are_told_at_a_rate_with_whole_arguments(
    site: Site, programs: Programs, clock: Clock
) -> None:
    person = Person()
    done = reset_phones(site, RESTART, "all", person)
    assert done == PhoneResets(RESTART, 5, told=5)
    assert done.exit_status == 0
    assert person.agreed == [(RESTART, 5, 1)]
    assert programs.ran == [
        ("tell", name_of(number), f"at=192.0.2.{number}", "restart")
        for number in range(1, 6)
    ]
    assert clock.now == pytest.approx(2 * 0.25)  # a quarter of a second in each batch
    assert [shown.told for shown in person.shown] == [2, 4, 5]
    assert read_open(site) is None
    assert login_notice(site) == ""


def test_stale_ones_and_one_by_name_are_told(site: Site, programs: Programs) -> None:
    assert reset_phones(site, RESET, "stale", Person()).phones == 1
    assert reset_phones(site, RESET, "sep0000000000ff", Person()).told == 1
    assert [words[1] for words in programs.ran] == [name_of(5), name_of(255)]


@pytest.mark.parametrize("word", ["SEP1", "mismatch", "SEP00000000000G", "*"])
def test_other_words_name_no_phone(site: Site, word: str) -> None:
    with pytest.raises(UsageError, match="all, stale or a phone's name"):
        reset_phones(site, RESET, word, Person())


def test_none_that_is_stale_is_said(cluster: MadeCluster) -> None:
    know(cluster.site, 1)
    site = with_phones(cluster.site, reset=TOLD, restart=TOLD)
    with pytest.raises(RefusedError, match="no phone is stale"):
        reset_phones(site, RESTART, "stale", Person())


def test_what_cannot_be_told_is_named_and_the_others_are(
    site: Site, programs: Programs
) -> None:
    programs.failing = {name_of(2)}
    words = ("/opt/pbx/bin/tell", *TOLD[1:])
    site = with_phones(site, restart=words, wait_seconds=0)
    done = reset_phones(site, RESTART, "all", Person())
    assert done.failed == ((name_of(2), "tell ended with 1: no such peer"),)
    assert phone_reset_progress(done) == "4 of 5 phones told; 1 could not be told"
    assert (done.told, done.exit_status, done.left) == (4, 3, ())


def test_who_presses_control_c_may_go_on_later(site: Site, programs: Programs) -> None:
    done = reset_phones(site, RESTART, "all", Person(stops_after=3))
    left = (name_of(4), name_of(5))
    assert (done.told, done.left, done.stopped) == (3, left, "Control-C pressed")
    assert done.exit_status == 3
    assert "2 of 5 phones were not told to restart" in login_notice(site)
    assert "Run `utils phone restart all`." in login_notice(site)
    person = Person()
    done = reset_phones(site, RESTART, "all", person)
    assert [begun.left for begun in person.begun] == [left]
    assert (done.told, done.left) == (2, ())
    assert [words[1] for words in programs.ran[3:]] == list(left)
    assert login_notice(site) == ""


def test_who_does_not_go_on_begins_anew(site: Site, programs: Programs) -> None:
    reset_phones(site, RESTART, "all", Person(stops_after=3))
    reset_phones(site, RESET, name_of(9), Person(goes_on=False))
    assert programs.ran[-1][1] == name_of(9)
    assert read_open(site) is None


def test_a_crash_forgets_nobody(site: Site, programs: Programs) -> None:
    def dying(words: Sequence[str]) -> None:
        if words[1] == name_of(4):
            raise MemoryError

    programs.at = dying
    with pytest.raises(MemoryError):
        reset_phones(site, RESTART, "all", Person())
    begun = read_open(site)
    assert begun
    assert {name_of(4), name_of(5)} <= set(begun.left)


def test_a_note_that_is_damaged_keeps_nobody_from_it(site: Site) -> None:
    site.home.write(facts_file(PHONE_RESETS), b'left = "x"\n')
    person = Person()
    assert reset_phones(site, RESTART, name_of(1), person).told == 1
    assert not person.begun


def test_two_at_once_are_refused(site: Site, programs: Programs) -> None:
    def second(_: Sequence[str]) -> None:
        with pytest.raises(BusyError, match="utils phone restart"):
            reset_phones(site, RESET, name_of(9), Person())

    programs.at = second
    assert reset_phones(site, RESTART, name_of(1), Person()).told == 1


def test_without_a_way_or_phones_it_is_refused(
    cluster: MadeCluster, programs: Programs
) -> None:
    with pytest.raises(RefusedError, match="nothing says how phones are told to reset"):
        reset_phones(cluster.site, RESET, name_of(1), Person())
    site = with_phones(cluster.site, reset=TOLD)
    with pytest.raises(MissingFileError, match="nothing is known of phones"):
        reset_phones(site, RESET, "all", Person())
    know(site, 1)
    with pytest.raises(RefusedError, match="no phone is stale"):
        reset_phones(site, RESET, "stale", Person())
    assert not programs.ran


def test_a_batch_is_waited_for_by_what_the_inventory_sees(
    site: Site, cluster: MadeCluster, clock: Clock
) -> None:
    site = with_phones(site, restart=TOLD, batch=2, wait_seconds=60)
    waited = 0

    def come_back() -> None:
        nonlocal waited
        waited += 1
        if waited % 3 == 0:  # each batch after some looks
            cluster.clock.pass_seconds(5)
            know(cluster.site, 1, 2, 3, 4, 5)

    clock.on_sleep = come_back
    person = Person()
    done = reset_phones(site, RESTART, "all", person)
    assert (done.told, done.returned, done.silent) == (5, 5, ())
    assert done.exit_status == 0
    assert [shown.returned for shown in person.shown] == [0, 2, 2, 4, 4, 5]


def test_a_sign_that_was_there_before_is_no_return(
    site: Site, cluster: MadeCluster, clock: Clock
) -> None:
    """A claim may be dated some minutes ahead."""
    with open_inventory(site) as store:
        now = int(site.clock.now().timestamp())
        store.record([said(1, now + 250 - NOON)], now)
    site = with_phones(site, restart=TOLD, wait_seconds=6)
    done = reset_phones(site, RESTART, name_of(1), Person())
    assert (done.returned, done.silent) == (0, (name_of(1),))

    def come_back() -> None:
        cluster.clock.pass_seconds(300)
        know(cluster.site, 1)

    clock.on_sleep = come_back
    assert reset_phones(site, RESTART, name_of(1), Person()).returned == 1


def test_who_is_only_named_by_strangers_is_counted(site: Site) -> None:
    with open_inventory(site) as store:
        now = int(site.clock.now().timestamp())
        strangers = [
            said(7, now - NOON, Source.REGISTER),
            said(8, now - NOON, Source.ALARM, itl="ab" * 20, status=1),
            said(1, now - NOON, Source.ALARM, itl="ab" * 20, status=1),
        ]
        asked = said(1, now - NOON - 9, Source.TFTP_LOG, node="pub")
        store.record([asked, *strangers], now)
    person = Person()
    reset_phones(site, RESTART, "all", person)
    assert person.agreed == [(RESTART, 7, 1)]
    assert person.unproven == 2


def test_it_stops_where_nobody_comes_back(site: Site, clock: Clock) -> None:
    site = with_phones(site, restart=TOLD, batch=2, wait_seconds=6)
    done = reset_phones(site, RESTART, "all", Person())
    assert done.stopped == "none of the last 2 phones came back within 6 seconds"
    assert (done.told, done.silent) == (2, (name_of(1), name_of(2)))
    assert len(done.left) == 3
    assert 6 <= clock.now < 11


def test_a_program_may_say_who_came_back(
    site: Site, programs: Programs, clock: Clock
) -> None:
    back = ("back", "{name}", "{since}")
    site = with_phones(site, restart=TOLD, returned=back, batch=5, wait_seconds=9)
    programs.failing = {"back"}
    clock.on_sleep = lambda: programs.failing.clear() if clock.now > 4 else None
    done = reset_phones(site, RESTART, name_of(1), Person())
    assert done.returned == 1
    since = int(site.clock.now().timestamp())
    assert ("back", name_of(1), str(since)) in programs.ran


def test_a_value_is_never_looked_into_for_another(
    site: Site, programs: Programs
) -> None:
    with open_inventory(site) as store:
        now = int(site.clock.now().timestamp())
        store.record([said(1, now - NOON, address="{name} {since}; `x`")], now)
    reset_phones(site, RESTART, name_of(1), Person())
    assert programs.ran[-1][2] == "at={name} {since}; `x`"


@pytest.fixture
def asterisk() -> Iterator[StandInAmi]:
    server = StandInAmi()
    yield server
    server.close()


@pytest.fixture
def by_ami(site: Site, asterisk: StandInAmi, tmp_path: Path) -> Site:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    address = AmiAddress(LOOPBACK, asterisk.port, USER, str(secret), "phone-{name}")
    return with_phones(site, ami=address, wait_seconds=60)


@pytest.mark.loopback
def test_asterisk_tells_the_phone_its_own_call_id(
    by_ami: Site, asterisk: StandInAmi, tmp_path: Path
) -> None:
    """The phone is sipp, which takes the NOTIFY if it is as it should be."""
    sipp = shutil.which("sipp")
    assert sipp, "this test needs Debian's sip-tester"
    port, endpoint = free_port(), f"phone-{name_of(1)}"
    contact = Contact(f"sip:phone@{LOOPBACK}:{port}", "f00-ba4@192.0.2.1")
    asterisk.contacts[endpoint] = [contact]
    scenario = tmp_path / "phone.xml"
    scenario.write_text(PHONE)
    words = [sipp, "-sf", str(scenario), "-i", LOOPBACK, "-p", str(port), "-m", "1"]
    words += ["-timeout", "20s", "-nostdin", "-trace_msg", "-message_file"]
    messages = tmp_path / "messages"
    with subprocess.Popen(
        [*words, str(messages)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    ) as phone:
        wait_for_udp(port)
        done = reset_phones(by_ami, RESTART, name_of(1), Person())
        assert phone.wait() == 0, messages.read_text() if messages.exists() else ""
    assert (done.told, done.returned, done.exit_status) == (1, 1, 0)
    assert asterisk.told[0][0] == ("Endpoint", endpoint)
    body = messages.read_text().replace("\r", "")
    assert (
        "action=restart\nRegisterCallId={f00-ba4@192.0.2.1}\n"
        "ConfigVersionStamp={00000000-0000-0000-0000-000000000000}\n"
        "DialplanVersionStamp={00000000-0000-0000-0000-000000000000}\n"
        "SoftkeyVersionStamp={00000000-0000-0000-0000-000000000000}"
    ) in body


PHONE = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="a phone that is told to restart">
  <recv request="NOTIFY">
    <action>
      <ereg regexp="service-control" search_in="hdr" header="Event:"
        check_it="true" assign_to="event"/>
      <ereg regexp="text/plain" search_in="hdr" header="Content-type:"
        check_it="true" assign_to="type"/>
      <ereg regexp="RegisterCallId=.f00-ba4@192.0.2.1." search_in="body"
        check_it="true" assign_to="id"/>
    </action>
  </recv>
  <send>
    <![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=phone
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]>
  </send>
  <Reference variables="event,type,id"/>
</scenario>
"""


def wait_for_udp(port: int) -> None:
    """Until somebody has that port; /proc says it without sending anything."""
    until(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text(), "no sipp")


@pytest.mark.loopback
def test_a_shared_line_is_told_contact_by_contact(
    by_ami: Site, asterisk: StandInAmi
) -> None:
    where = f"{LOOPBACK}:{free_port()}"
    contacts = [Contact(f"sip:{name}@{where}", f"id-{name}") for name in "ab"]
    asterisk.contacts[f"phone-{name_of(1)}"] = contacts
    assert reset_phones(by_ami, RESET, name_of(1), Person()).returned == 1
    said_to = [(told[0], told[4][1]) for told in asterisk.told]
    assert said_to == [
        (("URI", f"sip:{name}@{where}"), f"Content=RegisterCallId={{id-{name}}}")
        for name in "ab"
    ]


@pytest.mark.loopback
def test_a_program_is_given_the_call_id(
    by_ami: Site, asterisk: StandInAmi, programs: Programs
) -> None:
    asterisk.contacts[f"phone-{name_of(1)}"] = [Contact("sip:a@x", "the-id")]
    site = with_phones(
        by_ami, ami=by_ami.settings.phones.ami, reset=("tell", "{call_id}")
    )
    assert reset_phones(
        with_phones(site, **(site.settings.phones._asdict() | {"wait_seconds": 0})),
        *(RESET, name_of(1), Person()),
    ).told
    assert programs.ran == [("tell", "the-id")]
    assert not asterisk.told


@pytest.mark.loopback
def test_phones_that_asterisk_does_not_know_are_named(
    by_ami: Site, asterisk: StandInAmi
) -> None:
    asterisk.contacts[f"phone-{name_of(1)}"] = []
    done = reset_phones(by_ami, RESTART, "all", Person())
    assert (done.told, len(done.failed), done.exit_status) == (0, 5, 1)
    assert done.failed[0][1] == f"{name_of(1)} is not registered"
    assert "Unable to retrieve endpoint" in done.failed[1][1]


@pytest.mark.loopback
def test_asterisk_that_hangs_or_goes_leaves_the_rest_for_later(
    by_ami: Site, asterisk: StandInAmi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.remote.ami.ANSWER_SECONDS", 0.2)
    asterisk.silent_at = "PJSIPShowEndpoint"
    done = reset_phones(by_ami, RESTART, "all", Person())
    assert "did not answer within" in done.stopped
    assert (done.told, len(done.left), done.exit_status) == (0, 5, 1)
    asterisk.silent_at = "Login"
    with pytest.raises(ConnectionFailedError, match="did not answer within"):
        reset_phones(by_ami, RESTART, "all", Person())
    begun = read_open(by_ami)
    assert begun
    assert len(begun.left) == 5


def test_a_secret_that_others_may_read_is_refused(by_ami: Site) -> None:
    ami = by_ami.settings.phones.ami
    assert ami
    Path(ami.secret_file).chmod(0o644)
    with pytest.raises(StoreError, match="others may read"):
        reset_phones(by_ami, RESTART, name_of(1), Person())
