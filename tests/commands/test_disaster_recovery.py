"""``utils disaster_recovery``, on a cluster on this disk and a directory beside it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from cucmsh.errors import (
    CancelledError,
    CucmshError,
    RefusedError,
    UsageError,
    WrongPasswordError,
)
from cucmsh.layout import (
    BACKUP_DEVICES,
    CANCELLED,
    CISCO_SYSLOG,
    HISTORY,
    RECOVERY_FILE,
    pair_file,
    request_file,
)
from cucmsh.phones.claims import Claim, Source
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.accounts.security_password import set_security_password
from cucmsh.services.backends import RemoteFolder
from cucmsh.services.certificates.imports import import_trusted
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import make_node
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.records.history import History
from cucmsh.services.records.state import read_published, recall, remember
from cucmsh.services.recovery.backup import back_up
from cucmsh.services.recovery.devices import Device, folder_of
from cucmsh.services.recovery.jobs import Job, Kind, read_jobs
from cucmsh.services.recovery.manifest import SIGNED_BY, read_manifest
from cucmsh.services.recovery.schedule import run_due
from cucmsh.services.site import Site
from cucmsh.trustlist.trust import judge
from tests.commands.calls import call
from tests.rigs.authority import Authority, authority_usages
from tests.services.made_cluster import (
    CCM,
    MD5_FINGERPRINT,
    SECURITY,
    SFTP_PASSWORD,
    START,
    MadeCluster,
)

pytestmark = pytest.mark.thorough

UTILS = "utils disaster_recovery"
ADD = f"{UTILS} device add network weekly /home/joe 192.0.2.9 joe"
BACKUP = f"{UTILS} backup network UCM weekly"
PASSWORD = ("Please enter SFTP password: ", SFTP_PASSWORD)
CONNECT = ("Are you sure you want to continue connecting (yes/no)? ", "yes")
FEATURES = (
    (
        "Enter the comma separated features you wish to restore. Valid features for "
        "server test10pub are UCM:UCM."
    ),
    "UCM",
)
ALL_THE_SAME = ("Do you want to restore it all the same (yes/no)? ", "yes")
AGREE = ("Do you want to restore this (yes/no)? ", "yes")


@pytest.fixture
def made(keeping: MadeCluster) -> MadeCluster:
    keeping.write_configurations()
    own_id(keeping.site)
    site = keeping.site
    Path(site.tftp.root, "SEP1.cnf.xml").write_text("<phone/>")
    Path(site.tftp.root, "large.bin").write_bytes(bytes(range(256)) * 9000)
    call(site, ADD, [PASSWORD, CONNECT])
    return keeping


def folder(made: MadeCluster) -> Path:
    return made.backups / "home/joe"


def label_of(made: MadeCluster) -> str:
    return read_jobs(made.site, Kind.BACKUP)[-1].label


def restore_line(made: MadeCluster) -> str:
    label = max(folder(made).glob("*.xml")).name[:19]
    return f"{UTILS} restore network test10pub {label}.tar weekly"


def made_anew(made: MadeCluster) -> Site:
    """Another machine with the publisher's name; its device is added again."""
    site = made.site
    shutil.rmtree(site.settings.home)
    for each in Path(site.tftp.root).iterdir():
        each.unlink()
    make_node(site, Secret(SECURITY), Secret(CCM))
    own_id(site)
    call(site, ADD, [PASSWORD, CONNECT])
    return site


def test_a_device_is_tried_and_kept_with_its_password(made: MadeCluster) -> None:
    assert call(made.site, f"{UTILS} device list").text.splitlines() == [
        "weekly                     NETWORK               192.0.2.9 : /home/joe"
    ]
    assert not list(folder(made).iterdir())  # the probe is gone
    file = Path(made.site.settings.home, BACKUP_DEVICES)
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="there is a backup device weekly already"):
        call(made.site, ADD, [PASSWORD])
    assert call(made.site, f"{UTILS} device delete *").text.endswith(
        "Backup device weekly has been deleted successfully.\n"
    )
    assert call(made.site, f"{UTILS} device list").text.splitlines() == []
    assert MD5_FINGERPRINT


@pytest.mark.parametrize("line", [ADD, f"{ADD} 0", ADD.replace("weekly", '" weekly"')])
def test_no_password_is_asked_for_where_it_would_be_of_no_use(
    made: MadeCluster, line: str
) -> None:
    with pytest.raises(UsageError):
        call(made.site, line)


def test_a_device_that_cannot_be_written_to_is_refused(keeping: MadeCluster) -> None:
    folder(keeping).rmdir()
    with pytest.raises(CucmshError):
        call(keeping.site, ADD, [PASSWORD, CONNECT])
    assert call(keeping.site, f"{UTILS} device list").text.splitlines() == []


def test_nothing_yet(made: MadeCluster) -> None:
    said = call(made.site, f"{UTILS} status backup")
    assert said.text.splitlines() == ["drfCliMsg: No backup status available"]
    said = call(made.site, f"{UTILS} history backup")
    assert said.text.splitlines() == ["drfCliMsg:  No history data is available"]
    with pytest.raises(RefusedError, match="no backup is running"):
        call(made.site, f"{UTILS} cancel_backup confirm")
    with pytest.raises(UsageError, match="no feature CDR_CAR"):
        call(made.site, f"{UTILS} backup network CDR_CAR weekly")
    with pytest.raises(UsageError, match="no backup device monthly"):
        call(made.site, f"{UTILS} backup network UCM monthly")


def test_a_set_is_named_as_the_original_names_it(made: MadeCluster) -> None:
    done = call(made.site, BACKUP)
    label = label_of(made)
    assert done.status == 0
    assert done.text.splitlines()[-1] == (
        f"{label}.tar on weekly, read back and compared: SUCCESS"
    )
    assert sorted(path.name for path in folder(made).iterdir()) == [
        f"{label}_test10pub_UCM_CCMDB.tar",
        f"{label}_test10pub_UCM_PLATFORM.tar",
        f"{label}_test10pub_UCM_TFTP.tar",
        f"{label}_test10pub_drfComponent.xml",
        f"{label}_test10sub_UCM_CCMDB.tar",
    ]
    shown = call(made.site, f"{UTILS} show_backupfiles weekly").text.splitlines()
    assert shown == [f"{label}.tar  test10pub"]
    status = call(made.site, f"{UTILS} status backup").text.splitlines()
    assert status[:5] == [
        "Status: SUCCESS",
        f"Tar Filename: {label}.tar",
        "Storage Location: 192.0.2.9 : /home/joe",
        "Operation: BACKUP (MANUAL)",
        "Percentage Complete: 100%",
    ]
    assert len(status) == 9
    (_, row) = call(made.site, f"{UTILS} history backup").text.splitlines()
    assert row.startswith(f"{label}.tar NETWORK  ")
    assert row.endswith("SUCCESS  MANUAL          UCM")


def test_no_secret_lies_readable_in_a_set(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    whole = b"".join(path.read_bytes() for path in folder(made).iterdir())
    for word in (SECURITY, CCM, SFTP_PASSWORD, "<phone/>"):
        assert word.encode() not in whole


def test_the_oldest_goes_when_a_new_one_is_proven(made: MadeCluster) -> None:
    labels = []
    for _ in range(3):
        made.clock.pass_seconds(60)
        done = call(made.site, BACKUP)
        labels.append(label_of(made))
    there = {path.name[:19] for path in folder(made).iterdir()}
    assert there == set(labels[1:])
    assert (
        done.text.splitlines()[-1]
        == f"Removed there, since it is older: {labels[0]}.tar"
    )


@pytest.mark.parametrize("number", [1, 2])
def test_a_clock_that_was_set_back_does_not_cost_the_new_set(
    made: MadeCluster, number: int
) -> None:
    call(made.site, f"{UTILS} device delete weekly")
    call(made.site, f"{ADD} {number}", [PASSWORD])
    labels = []
    for _ in range(2):
        made.clock.pass_seconds(60)
        call(made.site, BACKUP)
        labels.append(label_of(made))
    made.clock.moment -= timedelta(days=30)
    call(made.site, BACKUP)
    new = label_of(made)
    assert new < labels[0]
    there = {path.name[:19] for path in folder(made).iterdir()}
    assert there == ({new} if number == 1 else {new, labels[1]})
    line = f"{UTILS} restore network test10pub {new}.tar weekly"
    assert call(made.site, line, [FEATURES, AGREE]).status == 0


def test_a_password_that_changes_meanwhile_is_not_that_of_the_set(
    made: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The set opens with the password that its key file was read with."""
    new = Secret("violet otter lamp 77 bridge")

    def changed(site: Site, device: Device) -> AbstractContextManager[RemoteFolder]:
        set_security_password(site, Secret(SECURITY), new)
        return folder_of(site, device)

    with monkeypatch.context() as patch:
        patch.setattr("cucmsh.services.recovery.backup.folder_of", changed)
        assert call(made.site, BACKUP).status == 0
    old = ("Enter security password of the time of the backup :", SECURITY)
    line = restore_line(made)
    assert call(made.site, line, [old, FEATURES, AGREE]).status == 0


def test_a_document_type_is_refused_in_every_encoding(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    (path,) = folder(made).glob("*.xml")
    body, mark, end = path.read_bytes().rpartition(SIGNED_BY)
    text = body.decode().partition("?>")[2]
    for encoding in ("utf-8", "utf-16"):
        kind = f"<?xml version='1.0' encoding='{encoding}'?><!DOCTYPE list>"
        raw = f"{kind}{text}".encode(encoding) + mark + end
        with pytest.raises(RefusedError, match="no manifest of a backup set"):
            read_manifest(raw, path.name)


def test_sets_of_another_cluster_are_left_alone(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    others = {path.name for path in folder(made).iterdir()}
    site = made_anew(made)
    for _ in range(3):
        made.clock.pass_seconds(60)
        call(site, BACKUP)
    assert others < {path.name for path in folder(made).iterdir()}


def test_a_member_that_is_away_makes_it_partial_and_no_old_set_goes(
    made: MadeCluster,
) -> None:
    for _ in range(2):
        made.clock.pass_seconds(60)
        call(made.site, BACKUP)
    made.subscriber.is_dead = True
    made.clock.pass_seconds(60)
    done = call(made.site, BACKUP)
    assert done.status == 3
    assert done.text.splitlines()[-2].startswith("test10sub, CCMDB: ERROR: ")
    assert len(list(folder(made).glob("*.xml"))) == 3
    made.subscriber.is_dead = False
    made.clock.pass_seconds(60)
    assert call(made.site, BACKUP).status == 0
    # The last two whole ones stay, and what lies between.
    assert len(list(folder(made).glob("*.xml"))) == 3


def test_a_backup_that_breaks_off_leaves_no_set_and_the_next_one_cleans_up(
    made: MadeCluster,
) -> None:
    call(made.site, BACKUP)
    before = sorted(folder(made).iterdir())
    made.clock.pass_seconds(60)

    class KilledError(BaseException):
        pass

    def told(job: Job) -> None:
        if any(part.component == "TFTP" for part in job.parts):
            raise KilledError

    with pytest.raises(KilledError):
        back_up(made.site, "UCM", "weekly", told)
    assert len(list(folder(made).glob("*.xml"))) == 1
    assert len(list(folder(made).iterdir())) > len(before)
    shown = call(made.site, f"{UTILS} show_backupfiles weekly").text.splitlines()
    assert len(shown) == 1
    made.clock.pass_seconds(60)
    call(made.site, BACKUP)
    assert len(list(folder(made).glob("*.xml"))) == 2
    assert len(list(folder(made).iterdir())) == 2 * len(before)


def test_a_cancelled_backup_is_none(made: MadeCluster) -> None:
    def told(job: Job) -> None:
        remember(made.site.home, CANCELLED, {"begun": job.begun})

    with pytest.raises(CancelledError, match="there is no new set"):
        back_up(made.site, "UCM", "weekly", told)
    assert not list(folder(made).glob("*.xml"))
    status = call(made.site, f"{UTILS} status backup").text.splitlines()
    assert status[0].startswith("Status: CANCELED: ")


# --- Restores


def test_a_publisher_that_was_made_anew_is_the_old_one_again(
    made: MadeCluster,
) -> None:
    held, node_id = made.publisher.served, own_id(made.site)
    key = made.site.home.read(RECOVERY_FILE)
    pair = made.site.home.read(pair_file(Unit.CALL_MANAGER))
    published = read_published(made.site.home)
    assert published is not None
    call(made.site, BACKUP)
    site = made_anew(made)
    new = site.home.read(pair_file(Unit.TVS))

    done = call(site, restore_line(made), [FEATURES, AGREE])

    assert "Nobody is locked out." in done.text.splitlines()
    assert "2 files of phones were written." in done.text.splitlines()
    assert own_id(site) == node_id
    assert site.home.read(pair_file(Unit.CALL_MANAGER)) == pair
    assert Keystore(site).recovery().certificate.der
    assert site.home.read(RECOVERY_FILE) == key
    assert site.home.read(f"{RECOVERY_FILE}.1") != key
    assert site.home.read("earlier/restore-1/" + pair_file(Unit.TVS)) == new
    assert Path(site.tftp.root, "SEP1.cnf.xml").read_text() == "<phone/>"
    assert Path(site.tftp.root, "large.bin").stat().st_size == 256 * 9000
    assert History(site).find(held.raw)
    made.publisher.start()
    served = made.publisher.served
    assert judge(held, served, site.backends.verifier()).accepted
    assert served.header.timestamp > published.timestamp
    assert not recall(site.home, "restoring")
    status = call(site, f"{UTILS} status restore").text.splitlines()
    assert status[0] == "Status: SUCCESS"
    # Once more: nothing is left to be done.
    again = call(site, restore_line(made), [FEATURES, AGREE])
    assert "0 files of phones were written." in again.text.splitlines()
    assert not site.home.names("earlier/restore-2")


def test_a_living_publisher_keeps_its_newer_keys(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    site = made.site
    old = site.home.read(pair_file(Unit.CALL_MANAGER))
    made.clock.pass_seconds(600)
    call(
        site,
        "set cert regen CallManager",
        [("Proceed with regeneration (yes|no)? ", "yes")],
    )
    new = site.home.read(pair_file(Unit.CALL_MANAGER))
    made.publisher.start()
    held = made.publisher.served
    Path(site.tftp.root, "SEP1.cnf.xml").write_text("<newer/>")
    for name in site.home.names(HISTORY):
        site.home.remove(f"{HISTORY}/{name}")

    call(site, restore_line(made), [FEATURES, AGREE])

    assert site.home.read(pair_file(Unit.CALL_MANAGER)) == new
    kept = [f"{pair_file(Unit.CALL_MANAGER)}.{number}" for number in (1, 2)]
    assert site.home.read(kept[0]) == old
    assert kept[1].rpartition("/")[2] not in site.home.names("security/CallManager")
    assert Path(site.tftp.root, "SEP1.cnf.xml").read_text() == "<phone/>"
    earlier = Path(site.settings.home, "earlier/restore-1/tftp/SEP1.cnf.xml")
    assert earlier.read_text() == "<newer/>"
    made.clock.pass_seconds(10)
    made.publisher.start()
    assert judge(held, made.publisher.served, site.backends.verifier()).accepted


def test_phones_that_are_known_are_in_what_is_shown_before(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    held = hashlib.sha1(made.publisher.raw, usedforsecurity=False).hexdigest()
    name, pub = "SEP000000000001", "test10pub"
    claim = Claim(name, Source.PAGE, 1000, node=pub, itl=held, model="8845")
    with open_inventory(made.site) as store:
        store.record([claim], 2000)
    shown = call(made.site, restore_line(made), [FEATURES, AGREE]).text
    assert "    1 phone of model 8845\n" in shown
    assert "Nobody is locked out.\n" in shown


@pytest.mark.parametrize("release", ["10.0", "12.5", "15"])
def test_on_a_host_of_another_name_the_keys_come_back_and_the_name_stays(
    made: MadeCluster, release: str
) -> None:
    made.set_release(release)
    made.write_configurations()
    made.clock.pass_seconds(5)
    made.publisher.start()
    held, node_id = made.publisher.served, own_id(made.site)
    pair = made.site.home.read(pair_file(Unit.CALL_MANAGER))
    call(made.site, BACKUP)
    file = Path(made.site.settings.path)
    file.write_text(file.read_text().replace('name = "test10pub"', 'name = "newpub"'))
    made.publisher.read_configuration()
    site = made_anew(made)

    done = call(site, restore_line(made), [FEATURES, ALL_THE_SAME, AGREE])

    assert "The host name of the backup is test10pub, here it is newpub" in done.text
    assert "Nobody is locked out." in done.text
    assert own_id(site) == node_id
    assert site.home.read(pair_file(Unit.CALL_MANAGER)) == pair
    made.publisher.read_configuration()
    names = [node.name for node in made.site.settings.cluster.nodes]
    assert names == ["newpub", "test10sub"]
    made.clock.pass_seconds(5)
    made.publisher.start()
    served = made.publisher.served
    assert judge(held, served, site.backends.verifier()).accepted
    # The certificates name the earlier host until they are made anew.
    assert "CN=test10pub" in call(site, "show cert own CallManager").text


def test_requests_and_chains_come_back(made: MadeCluster) -> None:
    site = made.site
    call(site, "set csr gen CallManager")
    root = Authority("Root CA", authority_usages(START))
    import_trusted(site, "CallManager", root.pem.encode())
    names = [name for name in site.home.tree() if "imported/" in name]
    names.append(request_file(Unit.CALL_MANAGER))
    before = {name: site.home.read(name) for name in names}
    assert len(before) > 1
    call(site, BACKUP)
    site = made_anew(made)
    call(site, restore_line(made), [FEATURES, AGREE])
    assert {name: site.home.read(name) for name in names} == before
    shown = call(site, "show csr list").text
    assert "CallManager" in shown


def test_a_slip_of_who_types_is_no_failed_restore(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    line = f"{UTILS} restore network test10pub 2001-01-01-00-00-00 weekly"
    with pytest.raises(CucmshError, match="no backup 2001"):
        call(made.site, line)
    with pytest.raises(UsageError, match="no feature BAT"):
        call(made.site, restore_line(made), [(FEATURES[0], "BAT")])
    assert read_jobs(made.site, Kind.RESTORE) == []
    assert b"DRFRestoreFailure" not in made.site.home.read(CISCO_SYSLOG)


def test_nothing_is_called_restored_of_a_restore_that_failed(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    with pytest.raises(CancelledError):
        call(made.site, restore_line(made), [FEATURES, (AGREE[0], "no")])
    (job,) = read_jobs(made.site, Kind.RESTORE)
    assert {part.status for part in job.parts} == {"NOT RESTORED"}


def test_a_labs_set_comes_back_too(made: MadeCluster) -> None:
    with Path(made.site.settings.path).open("a") as configuration:
        configuration.write('[lab]\ndirectory = "/where/the/lab/was"\n')
    call(made.site, BACKUP)
    assert call(made.site, restore_line(made), [FEATURES, AGREE]).status == 0


def test_without_a_yes_nothing_changes(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    site = made_anew(made)
    pair = site.home.read(pair_file(Unit.CALL_MANAGER))
    with pytest.raises(CancelledError):
        call(site, restore_line(made), [FEATURES, (AGREE[0], "no")])
    assert site.home.read(pair_file(Unit.CALL_MANAGER)) == pair
    assert not list(Path(site.tftp.root).iterdir())


Damage = Callable[[Path, Path], object]


def flip(path: Path, _: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def cut(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def of_another_set(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def gone(path: Path, _: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [flip, cut, of_another_set, gone])
@pytest.mark.parametrize(
    "part", ["UCM_PLATFORM.tar", "UCM_CCMDB.tar", "UCM_TFTP.tar", "drfComponent.xml"]
)
def test_a_damaged_set_is_refused_and_changes_nothing(
    made: MadeCluster, part: str, damage: Damage
) -> None:
    call(made.site, BACKUP)
    made.clock.pass_seconds(60)
    call(made.site, BACKUP)
    line = restore_line(made)
    older, newer = sorted(folder(made).glob(f"*_test10pub_{part}"))
    damage(newer, older)
    before = made.tree()
    answers = [] if part.endswith("xml") else [FEATURES]
    with pytest.raises(CucmshError) as refused:
        call(made.site, line, answers)
    assert refused.value.advice
    after = made.tree()
    for name in list(after):
        if name.endswith(("state/backup-jobs", "log/audit")) or "/syslog/" in name:
            del after[name]
            before.pop(name, None)
    assert after == before


def test_a_file_that_somebody_added_is_not_looked_at(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    label = label_of(made)
    (folder(made) / f"{label}_test10pub_UCM_BAT.tar").write_bytes(b"added")
    done = call(made.site, restore_line(made), [FEATURES, AGREE])
    assert "Restore completed successfully." in done.text.splitlines()


def test_a_set_opens_with_the_password_of_its_time(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    site = made.site
    home = Path(site.settings.home)
    shutil.rmtree(home)
    make_node(site, Secret("a later security password"), Secret(CCM))
    call(site, ADD, [PASSWORD, CONNECT])
    question = "Enter security password of the time of the backup :"
    wrong = [(question, f"wrong {number}") for number in range(3)]
    with pytest.raises(WrongPasswordError, match="does not open"):
        call(site, restore_line(made), wrong)
    done = call(site, restore_line(made), [(question, SECURITY), FEATURES, AGREE])
    assert "Restore completed successfully." in done.text.splitlines()
    assert Keystore(site).recovery().certificate.der  # under the present password


def test_a_set_of_another_host_is_asked_about(made: MadeCluster) -> None:
    call(made.site, BACKUP)
    settings = made.site.settings
    site = made.site.with_settings(settings._replace(cluster=settings.cluster))
    question = "Do you want to restore it all the same (yes/no)? "
    cluster = settings.cluster._replace(domain="elsewhere.example")
    other = site.with_settings(settings._replace(cluster=cluster))
    with pytest.raises(CancelledError):
        call(other, restore_line(made), [FEATURES, (question, "no")])


def test_what_became_of_it_is_told_as_alarms(made: MadeCluster) -> None:
    site = made.site
    call(site, BACKUP)
    call(site, restore_line(made), [FEATURES, AGREE])
    (folder(made) / f"{label_of(made)}_test10pub_UCM_TFTP.tar").unlink()
    with pytest.raises(RefusedError):
        call(site, restore_line(made), [FEATURES])
    told = site.home.read(CISCO_SYSLOG).decode()
    names = re.findall(r"%UC_DRF-(\d-\w+)", told)
    assert names == [
        *("6-DRFBackupCompleted", "6-DRFRestoreCompleted", "2-DRFRestoreFailure")
    ]
    assert "is not the file" in told or "no such file" in told


# --- Schedules


def test_a_clock_that_was_ahead_once_stops_no_schedule(made: MadeCluster) -> None:
    site, ahead = made.site, timedelta(days=400)
    call(site, f"{UTILS} schedule add nightly weekly UCM 2014/02/27-03:00 daily")
    call(site, f"{UTILS} schedule enable nightly")
    made.clock.moment += ahead
    assert [each.result for each in run_due(site)] == ["SUCCESS"]
    made.clock.moment -= ahead - timedelta(days=1)
    assert [each.result for each in run_due(site)] == ["SUCCESS"]
    assert run_due(site) == []
    made.clock.moment += timedelta(days=1)
    assert [each.result for each in run_due(site)] == ["SUCCESS"]


def test_what_was_due_while_it_was_disabled_is_not_made_up_for(
    made: MadeCluster,
) -> None:
    site, ahead = made.site, timedelta(days=400)
    call(site, f"{UTILS} schedule add nightly weekly UCM 2014/02/27-03:00 daily")
    call(site, f"{UTILS} schedule enable nightly")
    made.clock.moment += ahead
    run_due(site)
    call(site, f"{UTILS} schedule disable nightly")
    made.clock.moment -= ahead - timedelta(days=3)
    call(site, f"{UTILS} schedule enable nightly")
    assert run_due(site) == []


def test_schedules_run_when_they_are_due_and_once(made: MadeCluster) -> None:
    site = made.site
    first = "2014/02/27-03:00"  # the clock stands at 2014-02-26 18:24
    said = call(site, f"{UTILS} schedule add nightly weekly UCM {first} daily")
    assert said.text.splitlines() == ["Schedule has been saved successfully."]
    made.clock.pass_seconds(24 * 3600)
    assert run_due(site) == []  # it is disabled
    said = call(site, f"{UTILS} schedule enable nightly")
    assert said.text.splitlines() == ["Schedule enabled successfully."]
    assert run_due(site) == []  # what was due before is not made up for
    made.clock.pass_seconds(3 * 24 * 3600)
    assert [each.result for each in run_due(site)] == ["SUCCESS"]  # once, not thrice
    assert run_due(site) == []
    shown = call(site, f"{UTILS} schedule list").text.splitlines()
    assert shown[0] == "schedule name\tdevice name\tSchedule Status"
    assert shown[1] == "-" * 41
    assert shown[2] == "nightly\tweekly\tenabled"
    with pytest.raises(RefusedError, match="the schedule nightly uses that device"):
        call(site, f"{UTILS} device delete weekly")
    call(site, f"{UTILS} schedule disable nightly")
    said = call(site, f"{UTILS} schedule delete nightly")
    assert said.text.splitlines() == ["Schedules deleted successfully."]
    call(site, f"{UTILS} device delete weekly")
    row = call(site, f"{UTILS} history backup").text.splitlines()[-1]
    assert row.endswith("SUCCESS  SCHEDULED       UCM")
