"""The files under tftp/, and the receipt that says the key was saved."""

from __future__ import annotations

import os
from hashlib import sha256

import pytest

from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    HostKeyError,
    MissingFileError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.pki.model import Unit
from cucmsh.remote.file_transfer import SentFile
from cucmsh.remote.known_hosts import HostKey
from cucmsh.secret import Secret
from cucmsh.services.backends import AcceptHostKey, BackupServer
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.file_areas import Listing
from cucmsh.services.files import (
    Outgoing,
    fetch_file,
    is_backed_up,
    list_files,
    open_file,
    paths,
    read_text,
    send_file,
)
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE
from tests.services.made_cluster import SFTP_PASSWORD, MadeCluster

SERVER = BackupServer("backup.example", 22, "joe", Secret(SFTP_PASSWORD))
FOLDER = "/home/joe/"
NAME = "ITLRecovery.p12"
ONLY_LIST = Listing((), ("ITLFile.tlv",))


def yes(key: HostKey, address: str) -> bool:
    return bool(key.md5_fingerprint and address)


def no(_key: HostKey, _address: str) -> bool:
    return False


def read_file(site: Site, path: str) -> bytes:
    with open_file(site, path) as file:
        return b"".join(file.pieces())


def send(
    cluster: MadeCluster,
    folder: str = FOLDER,
    path: str = NAME,
    server: BackupServer = SERVER,
    accept: AcceptHostKey = yes,
) -> SentFile:
    with open_file(cluster.site, path) as file:
        return send_file(cluster.site, server, Outgoing(folder, path, file), accept)


def test_key_file_is_on_the_publisher_only(cluster: MadeCluster) -> None:
    assert list_files(cluster.site, "*") == Listing((), ("ITLFile.tlv", NAME))
    assert read_file(cluster.site, NAME) == cluster.key_file()
    assert list_files(cluster.subscriber.site, "*") == ONLY_LIST
    with pytest.raises(MissingFileError, match=r"^File not found$"):
        read_file(cluster.subscriber.site, NAME)


def test_planted_key_file_is_never_read_from_the_tftp_directory(
    cluster: MadeCluster,
) -> None:
    for member in cluster.members.values():
        member.site.tftp.write(NAME, b"planted")
    assert read_file(cluster.site, NAME) == cluster.key_file()
    assert list_files(cluster.subscriber.site, "*") == ONLY_LIST
    with pytest.raises(MissingFileError):
        read_file(cluster.subscriber.site, NAME)


@pytest.mark.thorough
def test_key_file_is_not_in_the_tftp_directory(cluster: MadeCluster) -> None:
    cluster.reset(cluster.key_file())
    assert cluster.site.tftp.names() == ["ITLFile.tlv"]


@pytest.mark.parametrize(
    "name", ["../home/security/secrets/security", "", ".", "nosuch", "ITLFile.*"]
)
def test_no_other_file_is_read(cluster: MadeCluster, name: str) -> None:
    with pytest.raises(MissingFileError):
        read_file(cluster.site, name)


def test_files_in_folders_are_listed_read_and_completed(cluster: MadeCluster) -> None:
    tftp = cluster.site.tftp
    for name in ("settings/SEP1.cnf.xml", "settings/a.xml", "Desktops/320x212/b.png"):
        tftp.write(name, name.encode())
    tftp.write(f"settings/{NAME}", b"planted")
    inside = Listing((), (NAME, "SEP1.cnf.xml", "a.xml"))
    everything = Listing(("Desktops", "settings"), ("ITLFile.tlv", NAME))
    assert list_files(cluster.site, "*") == everything
    assert list_files(cluster.site, "D*") == Listing(("Desktops",), ())
    assert list_files(cluster.site, "settings") == inside
    assert list_files(cluster.site, "settings/*") == inside
    assert list_files(cluster.site, "settings/*.xml") == inside._replace(
        files=inside.files[1:]
    )
    assert list_files(cluster.site, "Desktops/*") == Listing(("320x212",), ())
    assert list_files(cluster.site, "Desktops/320x212/?.png").files == ("b.png",)
    assert list_files(cluster.site, "nowhere/*") == Listing((), ())
    assert read_file(cluster.site, "settings/a.xml") == b"settings/a.xml"
    assert read_file(cluster.site, f"settings/{NAME}") == b"planted"
    assert read_file(cluster.site, NAME) == cluster.key_file()
    for name in ("settings", "settings/nosuch", "Desktops/320x212"):
        with pytest.raises(MissingFileError, match="File not found"):
            read_file(cluster.site, name)
    assert paths(cluster.site) == [
        *("Desktops/320x212/b.png", "ITLFile.tlv", NAME, f"settings/{NAME}"),
        *("settings/SEP1.cnf.xml", "settings/a.xml"),
    ]
    with pytest.raises(UsageError, match="in the last part only"):
        list_files(cluster.site, "*/a.xml")


def test_linked_folder_is_not_gone_into(cluster: MadeCluster) -> None:
    home = cluster.site.settings.home
    os.symlink(home, os.path.join(cluster.site.node.tftp_directory, "link"))
    assert list_files(cluster.site, "*").folders == ()
    for act in (list_files, read_file):
        with pytest.raises(StoreError, match="link/security"):
            act(cluster.site, "link/security/secrets/security")


def test_file_of_the_key_in_a_folder_is_no_backup(cluster: MadeCluster) -> None:
    cluster.site.tftp.write(f"settings/{NAME}", b"planted")
    assert send(cluster, path=f"settings/{NAME}").path == f"/home/joe/{NAME}"
    assert (cluster.backups / "home/joe" / NAME).read_bytes() == b"planted"
    assert not is_backed_up(cluster.site)


def test_file_that_changes_while_it_is_sent_is_read_as_it_was(
    cluster: MadeCluster,
) -> None:
    cluster.site.tftp.write("firmware.loads", b"old" * 100_000)
    with open_file(cluster.site, "firmware.loads") as file:
        pieces = file.pieces()
        first = next(pieces)
        cluster.site.tftp.write("firmware.loads", b"new" * 100_000)
        assert first + b"".join(pieces) == b"old" * 100_000
        assert b"".join(file.pieces()) == b"old" * 100_000


def test_text_that_is_too_long_is_sent_not_shown(cluster: MadeCluster) -> None:
    place = os.path.join(cluster.site.node.tftp_directory, "long.xml")
    with open(place, "wb") as file:
        file.write(b"x" * (MAX_FILE_SIZE + 1))
    with pytest.raises(RefusedError, match="1048577 bytes") as refused:
        read_text(cluster.site, "long.xml")
    assert "file get tftp long.xml" in refused.value.advice


def test_link_in_the_tftp_directory_leads_nowhere(cluster: MadeCluster) -> None:
    secret = os.path.join(cluster.site.settings.home, "security/secrets/security")
    os.symlink(secret, os.path.join(cluster.site.node.tftp_directory, "link"))
    with pytest.raises(MissingFileError):
        read_file(cluster.site, "link")


@pytest.mark.thorough
def test_receipt_comes_with_a_whole_transfer_and_goes_with_the_key(
    cluster: MadeCluster,
) -> None:
    assert not is_backed_up(cluster.site)
    digest = sha256(cluster.key_file()).hexdigest()
    assert send(cluster) == SentFile("/home/joe/ITLRecovery.p12", digest)
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


def test_copy_that_was_not_read_back_leaves_no_receipt(cluster: MadeCluster) -> None:
    cluster.backup_is_hidden = True
    sent = send(cluster)
    assert sent.why_unproven
    assert sent.path.startswith("/home/joe/ITLRecovery.2")
    assert sent.path.endswith(".p12")
    assert not is_backed_up(cluster.site)


def test_missing_directory_leaves_no_receipt(cluster: MadeCluster) -> None:
    with pytest.raises(MissingFileError):
        send(cluster, "/nowhere")
    assert not is_backed_up(cluster.site)


def test_another_file_is_no_receipt(cluster: MadeCluster) -> None:
    send(cluster, path="ITLFile.tlv")
    assert not is_backed_up(cluster.site)


@pytest.mark.thorough
def test_earlier_files_are_kept_numbered(cluster: MadeCluster) -> None:
    """One of them may be the only copy of an earlier key."""
    first = cluster.key_file()
    send(cluster)
    assert send(cluster).was_there  # the same file is no second one
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
        send(cluster, accept=no)
    assert cluster.tree() == before


def test_password_is_in_no_repr(cluster: MadeCluster) -> None:
    assert SFTP_PASSWORD not in repr(SERVER)
    wrong = SERVER._replace(password=Secret("wrong"))
    with pytest.raises(AuthenticationError):
        send(cluster, server=wrong)
