"""Servers that take few algorithms, and of which none is one of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import ConnectionFailedError
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import open_node
from tests.rigs.keys import public_line
from tests.rigs.sshd import Sshd

pytestmark = pytest.mark.loopback

Start = Callable[[str], SshAddress]


@pytest.fixture
def sshd_with(identity: Path, tmp_path: Path) -> Iterator[Start]:
    """OpenSSH's server with one line of its own."""
    with ExitStack() as stack:

        def start(line: str) -> SshAddress:
            folder = tmp_path / re.sub(r"\W+", "-", line)
            sshd = Sshd(folder, authorized=public_line(identity), first=[line])
            stack.callback(sshd.stop)
            place = (sshd.host, sshd.port, sshd.account.name)
            return SshAddress(*place, str(identity), sshd.host_key)

        yield start


@pytest.mark.parametrize(
    "line",
    [
        "KexAlgorithms curve25519-sha256",
        "KexAlgorithms curve25519-sha256@libssh.org",
        "KexAlgorithms diffie-hellman-group16-sha512",
        "KexAlgorithms ecdh-sha2-nistp521",
        "Ciphers aes256-gcm@openssh.com",
        "Ciphers aes128-ctr",
        "MACs hmac-sha2-512-etm@openssh.com",
    ],
)
def test_server_with_one_algorithm_of_ours_is_reached(
    sshd_with: Start, line: str, tmp_path: Path
) -> None:
    connection = open_node(sshd_with(line))
    try:
        assert connection.run(["true"]).status == 0
        SftpStore(connection, str(tmp_path)).write("file", b"bytes")
        if line.startswith("Kex"):
            assert connection.key_exchange == line.split()[1]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("line", "kind", "wanted"),
    [
        ("KexAlgorithms diffie-hellman-group18-sha512", "key exchange method", ""),
        ("KexAlgorithms sntrup761x25519-sha512@openssh.com", "key exchange method", ""),
        ("Ciphers chacha20-poly1305@openssh.com", "cipher", "aes128-gcm@openssh.com"),
        ("Ciphers aes256-cbc", "cipher", "aes128-gcm@openssh.com"),
        ("MACs umac-128-etm@openssh.com", "MAC", "hmac-sha2-256"),
    ],
)
def test_server_without_one_is_refused_with_both_lists_and_what_to_add(
    sshd_with: Start, line: str, kind: str, wanted: str
) -> None:
    setting, theirs = line.split()
    with pytest.raises(ConnectionFailedError) as refused:
        open_node(sshd_with(line))
    found = re.search(
        rf"no {kind} is known to both: it offers {re.escape(theirs)}; we know (.*)",
        refused.value.message,
    )
    assert found, refused.value.message
    ours = found[1].split(", ")
    wanted = wanted or "curve25519-sha256"
    assert wanted in ours
    assert f"Add {wanted} to the line {setting} " in refused.value.advice
    # What is advised is enough.
    open_node(sshd_with(f"{line},{wanted}")).close()
