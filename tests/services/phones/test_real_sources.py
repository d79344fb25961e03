"""Real servers write the logs, and a real SIP server mirrors the alarms."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha1
from pathlib import Path

import pytest

from cucmsh.errors import UsageError
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.phones.known import Known, Wanted
from cucmsh.services.phones.imports import import_logs
from cucmsh.services.phones.listen import Heard, Listening, listen
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.site import Site
from tests.phones.sip_messages import ALARM, ITL, NAME, REASON, refer, register
from tests.phones.test_sip import FROM, SIP, WHEN, chunk, packet
from tests.rigs.kamailio import kamailio
from tests.rigs.loopback import LOOPBACK
from tests.rigs.rsyslog import rsyslog
from tests.rigs.sipp import send
from tests.rigs.tftp_get import TftpError, get
from tests.rigs.tftpd import Make, Service, makes, ordinary
from tests.rigs.waiting import until
from tests.services.made_cluster import MadeCluster, made_cluster

pytestmark = pytest.mark.loopback
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="these servers need root")


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    """Whose clock shows the present, for real servers write it."""
    made = made_cluster(tmp_path)
    made.publisher.start()
    past = datetime.now(UTC) - made.clock.now()
    made.clock.pass_seconds(past.total_seconds())
    return made


def boot(make: Make) -> None:
    """What a 79xx asks for."""
    for name in (f"CTL{NAME}.tlv", f"ITL{NAME}.tlv", "ITLFile.tlv"):
        with suppress(TftpError):
            get(make.host, make.port, name)


def claims_of(site: Site, log: Path) -> list[Claim]:
    done = import_logs(site, [str(log)])
    assert done.problem is None
    assert done.logs[0].counts.unread == 0
    with open_inventory(site) as store:
        (phone,) = store.phones(Wanted(), Known(frozenset()))
        assert phone.name == NAME
        return [sighting.claim for sighting in store.sightings(NAME)]


@as_root
@pytest.mark.parametrize("form", ["syslog", "old-form"])
def test_tftpd_hpa_by_rsyslog(cluster: MadeCluster, tmp_path: Path, form: str) -> None:
    directory = Path(cluster.site.node.tftp_directory)
    with rsyslog(tmp_path / "log") as daemon:
        service = Service(directory, ordinary())
        service.more = ["-vv", "--user", "root"]  # the folder of a test is 0700
        service.inside = daemon.inside
        service.start()
        try:
            boot(service.make)
            daemon.wait_for("filename ITLFile.tlv")
            log = {"syslog": daemon.syslog, "old-form": daemon.old_form}[form]
            found = claims_of(cluster.site, log)
        finally:
            service.stop()
    assert_boot(cluster, found)


def assert_boot(cluster: MadeCluster, found: list[Claim]) -> None:
    # The CTL before says no more than this: both are one row.
    assert {claim.file: claim.itl for claim in found} == {
        f"ITL{NAME}.tlv": "",
        "ITLFile.tlv": sha1(cluster.publisher.raw).hexdigest(),
    }
    now = cluster.clock.now().timestamp()
    for claim in found:
        assert claim.source is Source.TFTP_LOG
        assert abs(claim.at - now) < 120
        assert claim.node == cluster.site.node.name


@as_root
def test_dnsmasq_in_its_own_file(cluster: MadeCluster, tmp_path: Path) -> None:
    make = makes(1)
    assert make.name == "dnsmasq"
    log = tmp_path / "dnsmasq.log"
    service = Service(Path(cluster.site.node.tftp_directory), make)
    service.more = [f"--log-facility={log}", "--user=root"]
    service.start()
    try:
        boot(make)
        until(lambda: "ITLFile.tlv to" in log.read_text(), "dnsmasq wrote no line")
        found = claims_of(cluster.site, log)
    finally:
        service.stop()
    assert_boot(cluster, found)


class Until:
    """A dialog of a listener that a test ends."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.port = 0
        self.is_listening = threading.Event()
        self.ended = threading.Event()

    def say(self, line: str) -> None:
        self.said.append(line)

    def listening(self, _host: str, port: int) -> None:
        self.port = port
        self.is_listening.set()

    def is_over(self, seconds: float) -> bool:
        return self.ended.wait(seconds)


class Listener:
    """The listener of a node in a thread."""

    def __init__(self, site: Site, senders: frozenset[str] = frozenset()) -> None:
        self.dialog = Until()
        self.heard: list[Heard] = []
        where = Listening(LOOPBACK, 0, senders)
        self._thread = threading.Thread(
            target=lambda: self.heard.append(listen(site, where, self.dialog))
        )

    def __enter__(self) -> int:
        self._thread.start()
        assert self.dialog.is_listening.wait(20)
        return self.dialog.port

    def __exit__(self, *_: object) -> None:
        self.dialog.ended.set()
        self._thread.join()


def last_of(site: Site) -> dict[Source, Claim]:
    with open_inventory(site) as store:
        return {entry.claim.source: entry.claim for entry in store.latest(NAME)}


def test_kamailio_mirrors_what_sipp_sends(cluster: MadeCluster, tmp_path: Path) -> None:
    listener = Listener(cluster.site)
    with listener as hep_port, kamailio(tmp_path, hep_port) as port:
        head = refer().partition("\r\n\r\n")[0].replace("\r", "")
        alarm = [line for line in head.split("\n") if "Content-Length" not in line]
        send(port, "\n".join(alarm), ALARM, 202, tmp_path)
        head = register(REASON).replace("\r", "").replace("Content-Length: 0\n", "")
        send(port, head, "", 200, tmp_path)
        until(lambda: len(last_of(cluster.site)) == 2, "the claims are not there")
    found = last_of(cluster.site)
    alarm_claim, register_claim = found[Source.ALARM], found[Source.REGISTER]
    assert (alarm_claim.itl, alarm_claim.ctl) == (ITL, NOT_INSTALLED)
    assert (alarm_claim.status, alarm_claim.model) == (3, "7821")
    assert alarm_claim.address == LOOPBACK
    assert (register_claim.model, register_claim.load) == ("8845", "sip8845_65.14-3-1")
    (heard,) = listener.heard
    assert heard.claims == 2
    assert heard.unread == 0
    assert heard.packets == 4  # both answers, too
    assert not listener.dialog.said


def hep(message: str) -> bytes:
    return packet(FROM, WHEN, SIP, chunk(15, message.encode()))


def test_a_listener_takes_no_more_than_it_should(cluster: MadeCluster) -> None:
    other = Listener(cluster.site, frozenset({"192.0.2.1"}))
    with other as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(hep(refer()), (LOOPBACK, port))
    (heard,) = other.heard
    assert (heard.strangers, heard.packets) == (1, 0)
    assert not last_of(cluster.site)


@pytest.mark.parametrize("written", ["127.0.0.1", "::ffff:127.0.0.1", "::FFFF:7f00:1"])
def test_a_sender_is_known_however_it_is_written(
    cluster: MadeCluster, written: str
) -> None:
    listener = Listener(cluster.site, frozenset({"192.0.2.1", written}))
    with listener as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(hep(refer()), (LOOPBACK, port))
    (heard,) = listener.heard
    assert (heard.strangers, heard.claims) == (0, 1)


def test_a_sender_that_is_no_address_is_refused(cluster: MadeCluster) -> None:
    where = Listening(LOOPBACK, 0, frozenset({"sip.example.org"}))
    with pytest.raises(UsageError, match=r"sender 'sip.example.org' is no IP address"):
        listen(cluster.site, where, Until())


def test_a_forged_alarm_marks_no_phone_safe(cluster: MadeCluster) -> None:
    """It says that it holds what is served now: that is shown as an alarm's word."""
    site = cluster.site
    ours = sha1(cluster.publisher.raw).hexdigest()
    signature = " ".join(ours.upper()[at : at + 2] for at in range(0, 40, 2))
    shown = ALARM.partition('ITL_Signature">')[2].partition("<")[0]
    listener = Listener(site)
    with listener as port, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        forged = refer(ALARM.replace(shown, signature))
        sender.sendto(hep(forged), (LOOPBACK, port))
        sender.sendto(b"garbage", (LOOPBACK, port))
        sender.sendto(hep(refer("<!DOCTYPE x>" + ALARM)), (LOOPBACK, port))
    (heard,) = listener.heard
    assert (heard.claims, heard.unread) == (1, 2)
    (claim,) = last_of(site).values()
    assert (claim.source, claim.itl) == (Source.ALARM, ours)
