"""One lab for all clients, and two servers in front of it: the lab's and OpenSSH's."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.testing import Lab, lab
from tests.clients.doors import Door
from tests.rigs.account import Account
from tests.rigs.keys import make_key
from tests.rigs.sshd import Sshd


@pytest.fixture(scope="session")
def cluster() -> Iterator[Lab]:
    with lab() as made:
        yield made


@pytest.fixture(scope="session")
def openssh(
    cluster: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sshd, Path]]:
    """A real sshd whose forced command is the publisher's shell, and a key for it."""
    folder = tmp_path_factory.mktemp("openssh")
    line = make_key(folder / "id")
    words = [sys.executable, "-I", "-m", "cucmsh", "--config"]
    command = shlex.join([*words, str(cluster.publisher.config)])
    server = Sshd(
        folder / "sshd",
        Account(folder, is_ours=True),
        line,
        first=[f"ForceCommand {command}"],
    )
    yield server, folder / "id"
    server.stop()


@pytest.fixture(params=["lab", "openssh"])
def door(request: pytest.FixtureRequest, cluster: Lab, tmp_path: Path) -> Door:
    node = cluster.publisher
    if request.param == "lab":
        password = cluster.passwords.admin
        found = Door(cluster, *node.ssh, "admin", password, "", cluster.known_hosts)
    else:
        server, key = request.getfixturevalue("openssh")
        known = tmp_path / "known_hosts"
        known.write_text(f"[{server.host}]:{server.port} {server.host_key}\n")
        user = server.account.name
        found = Door(cluster, server.host, server.port, user, "", str(key), known)
    found.wait_five_minutes()
    return found
