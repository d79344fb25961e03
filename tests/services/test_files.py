"""The files under tftp/, and the receipt that says the key was saved."""

from __future__ import annotations

import os

import pytest

from cucmsh.cluster.hostkeys import HostKey
from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostKeyError,
    MissingFileError,
    StoreError,
)
from cucmsh.pki.model import Unit
from cucmsh.services.doors import BackupServer
from cucmsh.services.files import (
    Sent,
    fetch_file,
    is_backed_up,
    list_files,
    read_file,
    send_file,
)
from cucmsh.services.regenerate import regenerate
from tests.services.made_cluster import SFTP_PASSWORD, MadeCluster

SERVER = BackupServer("backup.example", 22, "joe", SFTP_PASSWORD)
PLACE = ("/home/joe/", "ITLRecovery.p12")
NAME = "ITLRecovery.p12"


def yes(key: HostKey, address: str) -> bool:
    return bool(key.md5_fingerprint and address)


def no(_key: HostKey, _address: str) -> bool:
    return False


def send(cluster: MadeCluster) -> Sent:
    return send_file(cluster.site, SERVER, PLACE, cluster.key_file(), yes)


def test_key_file_is_on_the_publisher_only(cluster: MadeCluster) -> None:
    assert list_files(cluster.site, "*") == ["ITLFile.tlv", NAME]
    assert read_file(cluster.site, NAME) == cluster.key_file()
    assert list_files(cluster.subscriber.site, "*") == ["ITLFile.tlv"]
    with pytest.raises(MissingFileError, match=r"^File not found$"):
        read_file(cluster.subscriber.site, NAME)


def test_planted_key_file_is_never_read_from_the_tftp_directory(
    cluster: MadeCluster,
) -> None:
    for member in cluster.members.values():
        member.site.tftp.write(NAME, b"planted")
    assert read_file(cluster.site, NAME) == cluster.key_file()
    assert list_files(cluster.subscriber.site, "*") == ["ITLFile.tlv"]
    with pytest.raises(MissingFileError):
        read_file(cluster.subscriber.site, NAME)


def test_key_file_is_not_in_the_tftp_directory(cluster: MadeCluster) -> None:
    cluster.reset(cluster.key_file())
    assert cluster.site.tftp.names() == ["ITLFile.tlv"]


@pytest.mark.parametrize(
    "name", ["../home/security/secrets/security", "", ".", "nosuch", "ITLFile.*"]
)
def test_no_other_file_is_read(cluster: MadeCluster, name: str) -> None:
    with pytest.raises(MissingFileError):
        read_file(cluster.site, name)


def test_link_in_the_tftp_directory_leads_nowhere(cluster: MadeCluster) -> None:
    secret = os.path.join(cluster.site.settings.home, "security/secrets/security")
    os.symlink(secret, os.path.join(cluster.site.node.tftp_directory, "link"))
    with pytest.raises(MissingFileError):
        read_file(cluster.site, "link")


def test_receipt_comes_with_a_whole_transfer_and_goes_with_the_key(
    cluster: MadeCluster,
) -> None:
    assert not is_backed_up(cluster.site)
    assert send(cluster) == Sent("/home/joe/ITLRecovery.p12", "")
    saved = cluster.backups / "home/joe" / NAME
    assert saved.read_bytes() == cluster.key_file()
    assert is_backed_up(cluster.publisher.again())
    regenerate(cluster.site, Unit.ITL_RECOVERY)
    assert not is_backed_up(cluster.site)


def test_broken_transfer_leaves_no_receipt(cluster: MadeCluster) -> None:
    cluster.backup_breaks_off = True
    with pytest.raises(ConnectionFailedError):
        send(cluster)
    assert not is_backed_up(cluster.site)


def test_missing_directory_leaves_no_receipt(cluster: MadeCluster) -> None:
    place = ("/nowhere", NAME)
    with pytest.raises(MissingFileError):
        send_file(cluster.site, SERVER, place, cluster.key_file(), yes)
    assert not is_backed_up(cluster.site)


def test_another_file_is_no_receipt(cluster: MadeCluster) -> None:
    place = ("/home/joe", "ITLFile.tlv")
    send_file(cluster.site, SERVER, place, cluster.publisher.raw, yes)
    assert not is_backed_up(cluster.site)


def test_earlier_files_are_kept_numbered(cluster: MadeCluster) -> None:
    """One of them may be the only copy of an earlier key."""
    first = cluster.key_file()
    send(cluster)
    assert send(cluster).earlier == ""  # the same file is no second one
    kept = []
    for _ in range(2):
        cluster.clock.pass_seconds(300)
        regenerate(cluster.site, Unit.ITL_RECOVERY)
        kept.append(send(cluster).earlier)
    assert kept == [f"{NAME}.1", f"{NAME}.2"]
    folder = cluster.backups / "home/joe"
    assert (folder / f"{NAME}.1").read_bytes() == first
    assert (folder / NAME).read_bytes() == cluster.key_file()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/home/joe/saved.p12", "home/joe/saved.p12"),
        ("/saved.p12", "saved.p12"),
        ("home/joe/saved.p12", "home/joe/saved.p12"),
    ],
)
def test_file_is_fetched_from_its_path(
    cluster: MadeCluster, path: str, place: str
) -> None:
    (cluster.backups / place).write_bytes(b"the key file")
    before = cluster.tree()
    assert fetch_file(cluster.site, SERVER, path, yes) == b"the key file"
    after = cluster.tree()
    del after["test10pub/home/state/known_hosts"]
    assert after == before


@pytest.mark.parametrize("path", ["", "/", "/home/joe/", "/home/joe/nosuch", ".."])
def test_path_that_names_no_file_is_refused(cluster: MadeCluster, path: str) -> None:
    with pytest.raises(StoreError):
        fetch_file(cluster.site, SERVER, path, yes)


def test_stranger_that_was_not_accepted_gets_nothing(cluster: MadeCluster) -> None:
    before = cluster.tree()
    with pytest.raises(HostKeyError):
        send_file(cluster.site, SERVER, PLACE, cluster.key_file(), no)
    assert cluster.tree() == before


def test_password_is_in_no_repr(cluster: MadeCluster) -> None:
    assert SFTP_PASSWORD not in repr(SERVER)
    wrong = SERVER._replace(password="wrong")
    with pytest.raises(AuthenticationError):
        send_file(cluster.site, wrong, PLACE, b"", yes)
