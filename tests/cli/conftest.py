"""Hosts and nodes from nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.hosts import Host, Member, TftpBox
from tests.rigs.keys import make_key

SECURITY = "one long security password"
CCM = "the application administrator"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("enrol")


@pytest.fixture(scope="module")
def administrator(root: Path) -> Path:
    """A key that opens the account on every host from the beginning."""
    path = root / "administrator"
    make_key(path)
    return path


@pytest.fixture(scope="module")
def make_host(root: Path, administrator: Path) -> Iterator[Callable[[str], Host]]:
    made: list[Host] = []

    def make(name: str) -> Host:
        made.append(Host(root / name, administrator))
        return made[-1]

    yield make
    for host in made:
        host.close()


@pytest.fixture(scope="module")
def publisher(root: Path) -> Iterator[Member]:
    """A machine on which nothing of cucmsh was made yet."""
    (root / "pub").mkdir(mode=0o755)
    tftp = TftpBox(root / "pub")
    yield Member(root / "pub", "pub", tftp)
    tftp.close()
