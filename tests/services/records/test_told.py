"""Where things happen, their alarms are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cucmsh.errors import ServiceError
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.nodes import own_services
from cucmsh.services.nodes.service_control import restart_service, stop_service
from cucmsh.services.phones.trust_list_alarms import tell_trust_lists
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
    tell_trust_lists(cluster.site, [*alarms, other], 0)
    assert told(cluster.site)[before:] == []
    tell_trust_lists(cluster.site, [*alarms, other], 1)
    (one,) = told(cluster.site)[before:]
    assert one == (
        "UC_PHONE-6-DeviceTLInfo [DeviceName=SEP001122334452][IPv4Address=10.0.0.7]"
        "[IPv6Address=][CTL_Signature=Not Installed][CTL_TFTP_Server=N/A]"
        f"[ITL_Signature={'AB ' * 20}][ITL_TFTP_Server=N/A][StatusCode=3]"
    )
    tell_trust_lists(cluster.site, alarms[:1], 5)
    assert "[IPv4Address=][IPv6Address=2001:db8::7]" in told(cluster.site)[-1]
    assert "StatusCode" not in told(cluster.site)[-1]
