"""``file get`` to real servers that refuse things: ProFTPD, and sshd in a chroot."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.faults.cluster import Cluster, Result
from tests.rigs import proftpd
from tests.rigs.proftpd import Proftpd
from tests.rigs.sshd import Sshd

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

NAME = "ITLRecovery.p12"
EARLIER = b"the only copy of an earlier key"
DONE, UNPROVEN = 0, 3


@pytest.fixture
def box() -> Iterator[Path]:
    """A directory below one that only root can change, as a chroot needs it."""
    folder = Path(tempfile.mkdtemp(prefix="cucmsh-box-", dir="/srv"))
    folder.chmod(0o755)
    (folder / "in").mkdir()
    yield folder / "in"
    shutil.rmtree(folder)


def get(cluster: Cluster, server: Proftpd | Sshd, user: str, folder: str) -> Result:
    answers = ["y", server.host, str(server.port), user, SFTP_PASSWORD, folder, "yes"]
    return cluster.call(f"file get tftp {NAME}", "\n".join(answers) + "\n")


def judge(cluster: Cluster, box: Path, result: Result, status: int) -> None:
    """What is said is so: the whole key lies there, and nothing else was lost."""
    key = (cluster.home / "security" / "ITLRecovery" / NAME).read_bytes()
    found = {path.name: path.read_bytes() for path in box.iterdir()}
    assert result.status == status, result.transcript
    assert ("Transfer completed." in result.said) == (status == DONE)
    assert ("but not proven: 127.0.0.1 refused OPEN" in result.said) == (
        status == UNPROVEN
    )
    assert EARLIER in found.values()
    assert key in found.values()
    if found.get(NAME) != key:
        (name,) = (name for name, raw in found.items() if raw == key)
        assert f"{name} there, since " in result.said
    receipt = cluster.home / "state" / "backup.toml"
    assert receipt.exists() == (status == DONE)
    assert SFTP_PASSWORD not in result.transcript


@pytest.mark.parametrize(
    ("limited", "status"),
    [
        ("", DONE),
        ("RNFR RNTO RENAME", DONE),
        ("STAT LSTAT FSTAT DIRS OPENDIR READDIR SETSTAT FSETSTAT DELE REMOVE", DONE),
        ("READ DIRS", UNPROVEN),
    ],
)
def test_backup_to_proftpd_loses_nothing(
    cluster: Cluster, box: Path, tmp_path: Path, limited: str, status: int
) -> None:
    (box / NAME).write_bytes(EARLIER)
    for path in (box, box / NAME):
        os.chown(path, proftpd.NOBODY, proftpd.NOBODY)
    tmp_path.chmod(0o755)
    server = Proftpd(tmp_path / "proftpd", box, limited)
    try:
        result = get(cluster, server, proftpd.USER, "/")
    finally:
        server.stop()
    judge(cluster, box, result, status)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("", (0o755, DONE)),
        ("-u 0777", (0o300, DONE)),  # not listed; the mode is mended
        ("-u 0777 -P setstat,fsetstat", (0o300, UNPROVEN)),
        ("-P posix-rename,remove,fsync,statvfs", (0o755, DONE)),
        ("-p open,close,write,read", (0o755, DONE)),
    ],
)
def test_backup_to_a_chrooted_sshd_loses_nothing(
    cluster: Cluster, backup: Backup, box: Path, options: str, wanted: tuple[int, int]
) -> None:
    mode, status = wanted
    (box / NAME).write_bytes(EARLIER)
    backup.account.owns(box, box / NAME)
    box.chmod(mode)
    lines = [
        "PasswordAuthentication yes",
        f"ChrootDirectory {box.parent}",
        f"ForceCommand internal-sftp {options}",
    ]
    folder = Path(tempfile.mkdtemp(prefix="cucmsh-sshd-")) / "sshd"
    server = Sshd(folder, backup.account, "", first=lines, as_root=True)
    try:
        result = get(cluster, server, backup.account.name, "/in")
    finally:
        server.stop()
        shutil.rmtree(folder.parent)
    judge(cluster, box, result, status)
