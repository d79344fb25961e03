"""Rounds of the Certificate Monitor: what is told, when, and when it is not."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from cucmsh.config.alarms import AlarmsSettings
from cucmsh.config.monitor import Frequency, MonitorSettings
from cucmsh.errors import BusyError, MissingFileError
from cucmsh.events import Event, Sinks
from cucmsh.layout import BACKUP, IMPORTED_FOLDER, MONITOR, RECOVERY_FILE, pair_file
from cucmsh.pki.model import Unit
from cucmsh.services import site as sites
from cucmsh.services.certificates.monitor import monitor_round
from cucmsh.services.certificates.monitor_ladder import shown_end, step_of
from cucmsh.services.certificates.monitor_notice import monitor_notice
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster

HOUR, DAY = 3600, 86400
BACKUP_ALARM = "ITLRecoveryCertBackup"


class Collector:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def takes(self, event: Event) -> bool:
        return event.facility == "UC_CERT"

    def take(self, event: Event) -> None:
        self.events.append(event)


class Rounds:
    """Runs rounds on one node; gives the names, or the events, of what each told."""

    def __init__(self, cluster: MadeCluster, site: Site | None = None) -> None:
        self.clock = cluster.clock
        self.site = site or cluster.publisher.again()
        self.home = self.site.home
        self.set()

    def set(self, start_days: int = 60, frequency: str = "1d") -> None:
        every = Frequency(int(frequency[:-1]), frequency.endswith("d"))
        alarms = AlarmsSettings(monitor=MonitorSettings(start_days, every))
        settings = self.site.settings._replace(own_alarms=alarms)
        self.site = called(self.site.with_settings(settings))

    def events(self) -> list[Event]:
        sink = Collector()
        self.site.sinks = Sinks([sink])
        monitor_round(self.site)
        return sink.events

    def told(self) -> list[str]:
        return [event.name for event in self.events()]

    def save_key(self) -> None:
        digest = sha256(self.home.read(RECOVERY_FILE))
        remember(self.home, BACKUP, {"sha256": digest.hexdigest()})


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def rounds(cluster: MadeCluster) -> Rounds:
    return Rounds(cluster)


def imported(home: Path, days: int, folder: str = "CallManager-trust") -> Path:
    """A certificate that openssl makes, valid from now for so many days."""
    place = home / IMPORTED_FOLDER / folder
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{len(list(place.iterdir()))}.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-nodes",
        "-keyout",
        "/dev/null",
    ]
    words += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=else.example"]
    words += ["-days", str(days), "-out", str(file)]
    subprocess.run(words, check=True, capture_output=True)
    return file


@pytest.mark.parametrize(
    ("left", "name"),
    [
        (timedelta(days=60, seconds=1), ""),
        (timedelta(days=60), "CertValidityOver30Days"),
        (timedelta(days=30, seconds=1), "CertValidityOver30Days"),
        (timedelta(days=30), "CertValidLessThanMonth"),
        (timedelta(days=7), "CertValidLessThanMonth"),
        (timedelta(days=7, seconds=-1), "CertValidfor7days"),
        (timedelta(days=1), "CertValidfor7days"),
        (timedelta(hours=23), "CertValidLessthanADay"),
        (timedelta(), "CertValidLessthanADay"),
        (timedelta(seconds=-1), "CertExpired"),
        (timedelta(days=-400), "CertExpired"),
    ],
)
def test_ladder(left: timedelta, name: str) -> None:
    now = datetime(2017, 1, 1, tzinfo=UTC)
    step = step_of(now + left, now, 60)
    assert (step.name if step else "") == name


@pytest.mark.parametrize(
    ("zone", "end", "shown"),
    [
        # The example that was seen.
        ("Europe/Berlin", "2017-03-26T10:30:59", "Sun Mar 26 12:30:59:000 CES"),
        ("UTC", "2026-12-01T00:00:00", "Tue Dec 01 00:00:00:000 UTC"),
        ("Asia/Dhaka", "2026-12-01T00:00:00", "Tue Dec 01 06:00:00:000 +06"),
        ("America/Los_Angeles", "2026-07-01T00:00:00", "Tue Jun 30 17:00:00:000 PDT"),
    ],
)
def test_end_is_shown_as_the_original_does(
    zone: str, end: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert shown_end(datetime.fromisoformat(f"{end}+00:00")) == shown


def test_unsaved_key_is_told_once_a_day_until_it_is_saved(rounds: Rounds) -> None:
    (event,) = rounds.events()
    assert event.name == BACKUP_ALARM
    assert event.severity == 4
    assert list(event.parameters) == ["Message", "AppID", "ClusterID", "NodeID"]
    assert len(str(event.parameters["Message"])) == 262
    for hours in (0, 1, 3):
        rounds.clock.pass_seconds(hours * HOUR)
        assert rounds.told() == []
    rounds.clock.pass_seconds(DAY)
    assert rounds.told() == [BACKUP_ALARM]
    rounds.save_key()
    rounds.clock.pass_seconds(DAY)
    assert rounds.told() == []
    # Another key file, or the same key under another password: other bytes.
    rounds.home.write(RECOVERY_FILE, rounds.home.read(RECOVERY_FILE) + b"\0")
    assert rounds.told() == [BACKUP_ALARM]
    assert rounds.told() == []


def test_subscriber_has_no_key_file_to_be_saved(cluster: MadeCluster) -> None:
    rounds = Rounds(cluster, cluster.subscriber.site)
    assert rounds.told() == []
    assert monitor_notice(rounds.site) == ""


def test_certificates_are_told_as_they_grow_old(rounds: Rounds) -> None:
    rounds.save_key()
    rounds.set(frequency="7d")
    left = 1825 * DAY - 1
    rounds.clock.pass_seconds(left - 40 * DAY)
    assert set(rounds.told()) == {"CertExpiryApproaching", "CertValidityOver30Days"}
    rounds.clock.pass_seconds(6 * DAY)
    assert rounds.told() == []
    rounds.clock.pass_seconds(DAY)
    told = rounds.told()
    own, brought = 6, 2
    assert told == ["CertValidityOver30Days"] * (own + brought)
    for days, name in ((3, "CertValidLessThanMonth"), (24, "CertValidfor7days")):
        rounds.clock.pass_seconds(days * DAY)
        assert set(rounds.told()) == {name}
        assert rounds.told() == []
    rounds.clock.pass_seconds(5 * DAY + HOUR)
    assert set(rounds.told()) == {"CertValidLessthanADay"}
    for seconds in (HOUR / 2, HOUR / 2):  # hourly from here on
        rounds.clock.pass_seconds(seconds)
        last = rounds.told()
    assert set(last) == {"CertValidLessthanADay"}
    rounds.clock.pass_seconds(DAY)
    events = rounds.events()
    assert {event.name for event in events} == {"CertExpired"}
    assert {event.severity for event in events} == {0}
    rounds.clock.pass_seconds(HOUR)
    assert set(rounds.told()) == {"CertExpired"}


def test_message_is_the_originals(rounds: Rounds) -> None:
    rounds.save_key()
    rounds.clock.pass_seconds(1820 * DAY)
    said = {str(event.parameters["Message"]) for event in rounds.events()}
    lead = "Certificate expiration Notification. Certificate name:"
    end = "Expiration:Mon Feb 25 19:24:26:000 CET"
    assert f"{lead}tomcat.der Unit:tomcat Type:own-cert {end}" in said
    assert (
        f"{lead}test10sub.joemar2.lab.der Unit:CallManager-trust Type:trust-certs {end}"
    ) in said


@pytest.mark.parametrize("jump", [-400 * DAY, -DAY, -3 * HOUR])
def test_clock_set_back_does_not_silence(rounds: Rounds, jump: int) -> None:
    assert rounds.told() == [BACKUP_ALARM]
    rounds.clock.moment += timedelta(seconds=jump)
    told = rounds.told()  # perhaps once for the other date
    for _ in range(25):
        rounds.clock.pass_seconds(HOUR)
        told += rounds.told()
    assert 1 <= len(told) <= 3


@pytest.mark.parametrize("jump", [400 * DAY, 2 * DAY, 3 * HOUR])
def test_clock_set_ahead_does_not_flood(rounds: Rounds, jump: int) -> None:
    assert rounds.told() == [BACKUP_ALARM]
    rounds.clock.moment += timedelta(seconds=jump)
    told = []
    for _ in range(24):
        told += rounds.told()
        rounds.clock.pass_seconds(HOUR)
    assert 1 <= len(told) <= 2


def test_clock_that_is_wrong_for_a_while_has_each_thing_told_once(
    rounds: Rounds,
) -> None:
    rounds.save_key()
    rounds.set(frequency="7d")
    for _ in range(3):
        rounds.clock.moment += timedelta(days=1830)
        assert len(rounds.told()) <= 11
        assert rounds.told() == []
        rounds.clock.moment -= timedelta(days=1830)
        assert rounds.told() == []


def test_each_start_of_a_machine_without_a_clock_shortens_the_wait(
    rounds: Rounds,
) -> None:
    """Its wall clock begins anew each time, and it is up for some hours."""
    assert rounds.told() == [BACKUP_ALARM]
    first = rounds.clock.moment
    told = []
    for _ in range(6):
        rounds.clock.moment = first
        rounds.clock.reboot()
        rounds.clock.pass_seconds(4 * HOUR)
        told += rounds.told()
    assert told == [BACKUP_ALARM]


@pytest.mark.parametrize("jump", [1.8e9, -900])
def test_a_boot_clock_that_jumps_is_not_believed(rounds: Rounds, jump: float) -> None:
    """As libfaketime lets it: it takes CLOCK_BOOTTIME for the wall clock."""
    assert rounds.told() == [BACKUP_ALARM]
    rounds.clock.uptime += jump
    assert rounds.told() == []
    rounds.clock.pass_seconds(DAY)
    assert rounds.told() == [BACKUP_ALARM]


@pytest.mark.parametrize("month", [3, 10])
def test_summer_time_changes_no_day(rounds: Rounds, month: int) -> None:
    day = {3: 29, 10: 25}[month]
    rounds.clock.moment = datetime(2015, month, day - 1, 22, 17, tzinfo=UTC)
    per_day: dict[str, int] = {}
    for _ in range(72):
        rounds.clock.pass_seconds(HOUR)
        here = rounds.clock.moment.astimezone().strftime("%d")
        per_day[here] = per_day.get(here, 0) + rounds.told().count(BACKUP_ALARM)
    assert set(per_day.values()) == {1}


def test_one_round_at_a_time(rounds: Rounds, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others wait for half a minute; here for no time."""
    monkeypatch.setattr(sites, "NODE_LOCK_SECONDS", 0)
    sink = Collector()
    rounds.site.sinks = Sinks([sink])
    with (
        rounds.site.monitor_lock("a round"),
        pytest.raises(BusyError, match="a round"),
    ):
        monitor_round(rounds.site)
    assert not sink.events
    assert rounds.told() == [BACKUP_ALARM]


@pytest.mark.thorough
def test_two_rounds_at_once_tell_it_once(rounds: Rounds) -> None:
    sink = Collector()
    sites_of_it = [called(rounds.site) for _ in range(4)]
    for site in sites_of_it:
        site.sinks = Sinks([sink])
    threads = [threading.Thread(target=monitor_round, args=[at]) for at in sites_of_it]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.name for event in sink.events] == [BACKUP_ALARM]


def test_unreadable_certificates_hide_no_other(rounds: Rounds, tmp_path: Path) -> None:
    home = Path(rounds.home.root)
    rounds.save_key()
    rounds.clock.moment = datetime.now(UTC)
    good = imported(home, 20)
    (good.parent / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nMII")
    (home / pair_file(Unit.TVS)).write_bytes(b"nothing")
    (home / pair_file(Unit.CAPF)).unlink()
    events = rounds.events()
    told = [event.name for event in events]
    assert told.count("CertificateUnreadable") == 3
    said = [str(event.parameters["Message"]) for event in events]
    assert any("Certificate name:else.example.der" in each for each in said)
    assert any("broken.pem" in each for each in said)
    assert any("security/CAPF/private.pem is not there" in each for each in said)
    assert "CertificateUnreadable" not in rounds.told()


def test_certificate_in_two_folders_is_told_as_each(rounds: Rounds) -> None:
    home = Path(rounds.home.root)
    rounds.save_key()
    now = datetime.now(UTC)
    raw = imported(home, 20).read_bytes()
    for folder in ("Phone-SAST-trust", "CallManager-trust"):
        place = home / IMPORTED_FOLDER / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / "again.pem").write_bytes(raw)
    rounds.clock.moment = now
    events = [e for e in rounds.events() if e.name == "CertValidLessThanMonth"]
    units = sorted(str(e.parameters["Message"]).split(" Unit:")[1] for e in events)
    assert [unit.split(" ")[0] for unit in units] == [
        *("CallManager-trust", "Phone-SAST-trust")
    ]


def test_state_that_is_broken_or_gone_is_no_state(rounds: Rounds) -> None:
    assert rounds.told() == [BACKUP_ALARM]
    for broken in (b"\xff", b'told = ["x", "a b c d"]\nwall = "z"\n', b""):
        rounds.home.write(f"state/{MONITOR}.toml", broken)
        assert rounds.told() == [BACKUP_ALARM]
    assert rounds.told() == []


def test_login_is_told_of_what_is_so_still(rounds: Rounds) -> None:
    site, home = rounds.site, Path(rounds.home.root)
    assert monitor_notice(site) == ""
    rounds.told()
    unsaved = "The recovery key has not been backed up: run `file get tftp ITLRe"
    assert monitor_notice(site).startswith(unsaved)
    rounds.save_key()
    assert monitor_notice(site) == ""
    file = imported(home, 20)
    rounds.clock.moment = datetime.now(UTC) - timedelta(days=1)
    # Everything else of this cluster expired years ago.
    for unit in Unit:
        (home / pair_file(unit)).unlink(missing_ok=True)
    rounds.told()
    lines = monitor_notice(site).splitlines()
    assert len(lines) <= 6
    assert any("has expired on 2019-02-25" in line for line in lines)
    file.write_bytes(imported(home, 900).read_bytes())
    assert not any("else.example" in line for line in monitor_notice(site).splitlines())


def test_state_says_what_was_told(rounds: Rounds) -> None:
    with pytest.raises(MissingFileError):
        rounds.home.read(f"state/{MONITOR}.toml")
    rounds.told()
    told = recall(rounds.home, MONITOR)["told"]
    assert isinstance(told, list)
    assert [str(each).partition(":")[0] for each in told] == ["backup"]
