"""The catalogue holds each alarm once, and none that would not fit a line."""

import pytest

from cucmsh import alarms
from cucmsh.alarms import NO_RECOVERY_BACKUP, Alarm
from cucmsh.events import Severity

CATALOGUE = [each for each in vars(alarms).values() if isinstance(each, Alarm)]
# As the catalogues of 12.5, 14 and 15 have them.
CERTIFICATES = {
    "CertExpiryApproaching": 6,
    "CertValidityOver30Days": 5,
    "CertValidLessThanMonth": 4,
    "CertValidfor7days": 2,
    "CertValidLessthanADay": 1,
    "CertExpired": 0,
    "ITLRecoveryCertBackup": 4,
    "CertificateRevoked": 0,
    "CertificateRevokationStatusByOCSP": 4,
    "TomcatCertRegen": 2,
}


def test_certificate_alarms_have_the_severities_of_the_original() -> None:
    found = {a.name: int(a.severity) for a in CATALOGUE if a.application == "UC_CERT"}
    assert found == CERTIFICATES


def test_each_alarm_is_there_once() -> None:
    names = [(each.application, each.severity, each.name) for each in CATALOGUE]
    assert len(names) > 30
    assert sorted(set(names)) == sorted(names)


def test_the_same_name_of_two_applications_has_two_severities() -> None:
    tftp, tvs = alarms.ITL_FILE_REGENERATED_TFTP, alarms.ITL_FILE_REGENERATED_TVS
    assert tftp.name == tvs.name
    assert (tftp.severity, tvs.severity) == (5, 6)


def test_the_text_about_the_backup_is_the_original_s() -> None:
    assert len(NO_RECOVERY_BACKUP) == 262


@pytest.mark.parametrize("alarm", CATALOGUE, ids=lambda alarm: alarm.name)
def test_an_alarm_is_ascii_and_has_what_a_line_needs(alarm: Alarm) -> None:
    assert "".join(alarm[:1] + alarm[2:4] + alarm.tags + alarm[5:]).isascii()
    assert all((alarm.application, alarm.name, alarm.app_id, alarm.text))
    assert isinstance(alarm.severity, Severity)
    assert not {"AppID", "ClusterID", "NodeID"} & set(alarm.tags)
    needs_an_action = alarm.severity <= Severity.WARNING
    assert alarm.action or not needs_an_action
