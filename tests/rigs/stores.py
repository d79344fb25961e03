"""A store, and the folder behind it that a test can look into by itself."""

from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import Store

OLD, NEW = b"the old list", bytes(range(256)) * 300
NAME = "ITLFile.tlv"


class Stored(NamedTuple):
    """``tells`` is False for a server that calls every failure "Failure"."""

    store: Store
    root: Path
    tells: bool = True

    def files(self) -> dict[str, bytes]:
        """All files, with temporary ones, as the disk has them."""
        return {path.name: path.read_bytes() for path in self.root.iterdir()}


@pytest.fixture
def local(tmp_path: Path) -> Stored:
    root = tmp_path / "root"
    root.mkdir()
    return Stored(LocalStore(str(root)), root)


@pytest.fixture
def sftp(backup: SshConnection, served: Path, request: pytest.FixtureRequest) -> Stored:
    root = served / str(abs(hash(request.node.nodeid)))
    root.mkdir()
    store = SftpStore(backup, str(root))
    return Stored(store, root, tells=False)


@pytest.fixture
def openssh(node: SshConnection, tmp_path: Path) -> Stored:
    store = SftpStore(node, str(tmp_path))
    return Stored(store, tmp_path)


@pytest.fixture(
    params=[
        "local",
        pytest.param("sftp", marks=pytest.mark.loopback),
        pytest.param("openssh", marks=pytest.mark.loopback),
    ]
)
def stored(request: pytest.FixtureRequest) -> Stored:
    made: Stored = request.getfixturevalue(request.param)
    return made
