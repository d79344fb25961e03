"""Our TFTP service gives the first answer that tftpd-hpa gives to the same request."""

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.tftp.server import TftpServer
from tests.rigs.waiting import until

pytestmark = pytest.mark.faults

HOST = "127.0.0.1"
CONTENT = b"line\nand\rmore" * 300
Address = tuple[str, int]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Address, Address]]:
    """Ours and theirs, over the same folder."""
    assert os.geteuid() == 0, "tftpd-hpa changes its user: run the tests as root"
    with (
        tempfile.TemporaryDirectory(prefix="cucmsh-tftp-") as name,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder,
    ):
        served = Path(name)
        served.chmod(0o755)
        (served / "list").write_bytes(CONTENT)
        (served / "folder").mkdir()
        ours = TftpServer(HOST, 0, served)
        ours.start()
        holder.bind((HOST, 0))
        theirs = holder.getsockname()
        holder.close()
        words = ["/usr/sbin/in.tftpd", "-L", "-a", f"{HOST}:{theirs[1]}", "-s", name]
        with subprocess.Popen(words) as process:
            until(lambda: first_answer(theirs, b"\0\1none\0octet\0"), "it is silent")
            yield ours.address, theirs
            process.terminate()
        ours.stop()


def first_answer(address: Address, request: bytes) -> bytes:
    """Empty for none. Of an error the kind and the code: the words are their own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        client.sendto(request, address)
        try:
            answer, peer = client.recvfrom(70_000)
        except TimeoutError:
            return b""
        client.sendto(b"\0\5\0\0enough\0", peer)
        return answer[:4] if answer[:2] == b"\0\5" else answer


def request(*words: str) -> bytes:
    return b"\0\1" + b"".join(word.encode() + b"\0" for word in words)


@pytest.mark.parametrize(
    "asked",
    [
        request("list", "octet"),
        request("/list", "octet"),
        request("list", "OCTET"),
        request("list", "netascii"),
        request("list", "octet", "blksize", "1428"),
        request("list", "octet", "BLKSIZE", "1428"),
        request("list", "octet", "blksize", "8"),
        request("list", "octet", "blksize", "7"),
        request("list", "octet", "blksize", "65464"),
        request("list", "octet", "blksize", "99999999"),
        request("list", "octet", "blksize", "abc"),
        request("list", "octet", "tsize", "0"),
        request("list", "netascii", "tsize", "0"),
        request("list", "octet", "timeout", "2"),
        request("list", "octet", "timeout", "0"),
        request("list", "octet", "timeout", "256"),
        request("list", "octet", "tsize", "0", "blksize", "512", "timeout", "3"),
        request("list", "octet", "multicast", ""),
        request("list", "octet", "timeout", "0", "blksize", "512"),
        request("none", "octet"),
        request("list", "netascii", "blksize", "600"),
        request("list", "octets"),
        b"\0\5\0\1gone\0",
    ],
)
def test_first_answer_is_theirs(servers: tuple[Address, Address], asked: bytes) -> None:
    ours, theirs = (first_answer(address, asked) for address in servers)
    assert ours.lower() == theirs.lower()  # they name an option as it was asked for
