"""Where things happen, their alarms are told."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.errors import ServiceError
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.nodes import own_services
from cucmsh.services.nodes.service_control import restart_service, stop_service
from cucmsh.services.phones.trust_list_alarms import (
    INTERVAL_SECONDS,
    MOST_PHONES,
    TrustListAlarms,
)
from cucmsh.services.site import Site
from tests.services.made_cluster import MadeCluster
from tests.services.test_usecases import AGREEING

pytestmark = pytest.mark.thorough

TFTP = "Cisco Tftp"


def told(site: Site) -> list[str]:
    """Application, severity, name and own tags of each alarm so far."""
    log = Path(site.settings.home) / CISCO_SYSLOG
    lines = log.read_text().splitlines() if log.exists() else []
    return [re.sub(r".* UTC : %(.*?): %(.*?)\[AppID=.*", r"\1 \2", at) for at in lines]


def test_a_list_that_a_start_composes_is_told(cluster: MadeCluster) -> None:
    before = len(told(cluster.site))
    cluster.publisher.start()
    assert told(cluster.site)[before:] == ["UC_TFTP-5-ITLFileRegenerated "]


def test_services_are_told(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = cluster.site
    restart_service(site, TFTP, AGREEING)
    assert told(site)[-1] == f"UC_GENERIC-6-ServiceStarted [ServiceName={TFTP}]"
    monkeypatch.setattr(own_services, "is_running", lambda *_: False)
    with pytest.raises(ServiceError):
        restart_service(site, TFTP, AGREEING)
    failed = f"[ServiceName={TFTP}][Reason=it does not run]"
    assert told(site)[-1] == f"UC_SERVICEMANAGER-2-ServiceStartFailed {failed}"
    stop_service(site, TFTP, AGREEING)
    assert told(site)[-1] == f"UC_GENERIC-6-ServiceStopped [ServiceName={TFTP}]"


def test_a_new_tvs_certificate_is_told(cluster: MadeCluster) -> None:
    regenerate(cluster.site, Unit.TVS)
    assert told(cluster.site)[-1] == "UC_TVS-6-TVSCertificateRegenerated "


def test_what_a_phone_says_of_its_lists_is_told_as_far_as_it_is_new(
    cluster: MadeCluster,
) -> None:
    alarms = [
        Claim(
            f"SEP00112233445{at}",
            Source.ALARM,
            at,
            address="10.0.0.7" if at else "2001:db8::7",
            itl="ab" * 20,
            ctl=NOT_INSTALLED,
            status=3 if at else -1,
        )
        for at in range(3)
    ]
    other = Claim("SEP001122334455", Source.PAGE, 0, itl="ab" * 20)
    before = len(told(cluster.site))
    telling = TrustListAlarms(cluster.site)
    telling.tell([*alarms, other], 0)
    assert told(cluster.site)[before:] == []
    telling.tell([*alarms, other], 1)
    (one,) = told(cluster.site)[before:]
    assert one == (
        "UC_PHONE-6-DeviceTLInfo [DeviceName=SEP001122334452][IPv4Address=10.0.0.7]"
        "[IPv6Address=][CTL_Signature=Not Installed][CTL_TFTP_Server=N/A]"
        f"[ITL_Signature={'AB ' * 20}][ITL_TFTP_Server=N/A][StatusCode=3]"
    )
    telling.tell(alarms[:1], 5)
    assert "[IPv4Address=][IPv6Address=2001:db8::7]" in told(cluster.site)[-1]
    assert "StatusCode" not in told(cluster.site)[-1]


def said_by(number: int, at: int = 0) -> Claim:
    name = f"SEP{number:012X}"
    return Claim(name, Source.ALARM, at, address="10.0.0.7", itl="ab" * 20)


def told_phones(site: Site, since: int) -> list[str]:
    lines = told(site)[since:]
    names = (line.partition("[DeviceName=")[2] for line in lines)
    return [name.partition("]")[0] for name in names if name]


def test_one_phone_is_told_once_an_interval(cluster: MadeCluster) -> None:
    telling, before = TrustListAlarms(cluster.site), len(told(cluster.site))
    for at in range(50):
        telling.tell([said_by(1, at), said_by(2, at)], 2)
    assert len(told(cluster.site)) == before + 2
    cluster.clock.pass_seconds(INTERVAL_SECONDS)
    cluster.clock.moment -= timedelta(days=3)  # the clock on the wall is set back
    telling.tell([said_by(1, 99)], 1)
    assert told_phones(cluster.site, before + 2) == [said_by(1).phone]
    left = told(cluster.site)[before + 2]
    assert "UC_PHONE-4-DeviceTLInfoLeftOut" in left
    assert "Message=98 reports were left out within 600 seconds" in left


def test_a_flood_of_forged_names_does_not_turn_the_log_over(
    cluster: MadeCluster,
) -> None:
    telling, before = TrustListAlarms(cluster.site), len(told(cluster.site))
    for number in range(0, 4000, 100):
        telling.tell([said_by(number + at) for at in range(100)], 100)
    assert len(told_phones(cluster.site, before)) == MOST_PHONES
    telling.end_interval()
    assert f"={4000 - MOST_PHONES} reports were left out" in told(cluster.site)[-1]
    telling.end_interval()
    assert len(told(cluster.site)) == before + MOST_PHONES + 1
