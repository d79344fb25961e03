"""Reading back from tftpd-hpa, atftpd and dnsmasq as Debian has them, IPv6 too.

dnsmasq knows no other port than 69, so on ::1 it and its client have a network
namespace of their own. atftpd 0.8.0 by itself listens on IPv4 only, whatever address
it is given.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.rigs.loopback import free_port

ATFTPD = Path(__file__).parents[2] / ".venv-test/debian/usr/sbin/atftpd"
CONTENT = bytes(range(256)) * 30  # 15 full blocks of 512 bytes: an empty one ends it
DNSMASQ = (
    *("/usr/sbin/dnsmasq", "--keep-in-foreground", "--port=0", "--conf-file="),
    *("--enable-tftp", "--pid-file=", "--bind-interfaces", "--user=nobody"),
)
CLIENT = """
import sys
from cucmsh.config.model import TftpAddress
from cucmsh.tftp.client import read_back
from cucmsh.errors import CucmshError
for name in sys.argv[3:]:
    try:
        print(read_back(TftpAddress(sys.argv[1], int(sys.argv[2])), name).hex())
    except CucmshError as problem:
        print(type(problem).__name__, problem.message)
"""

pytestmark = pytest.mark.faults


@pytest.fixture
def folder() -> Iterator[Path]:
    """Readable for the accounts of the servers, as pytest's own folders are not."""
    assert os.geteuid() == 0, "these servers change their user: run the tests as root"
    with tempfile.TemporaryDirectory(prefix="cucmsh-tftp-") as name:
        served = Path(name)
        served.chmod(0o755)
        (served / "list").write_bytes(CONTENT)
        (served / "secret").write_bytes(CONTENT)
        (served / "secret").chmod(0)
        yield served


@contextmanager
def running(words: list[str], host: str, port: int) -> Iterator[None]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(words, stdout=nowhere, stderr=nowhere) as process:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asking:
                asking.settimeout(0.1)
                end = time.monotonic() + 10
                while time.monotonic() < end:
                    assert process.poll() is None, words
                    asking.sendto(b"\0\1nothing\0octet\0", (host, port))
                    with suppress(TimeoutError):
                        asking.recv(600)
                        break
            yield
        finally:
            process.terminate()


def ask(host: str, port: int, *before: str) -> list[str]:
    words = [*before, sys.executable, "-c", CLIENT, host, str(port)]
    done = subprocess.run(
        [*words, "list", "secret", "none"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def check(said: list[str], where: str, unreadable: str) -> None:
    content, secret, none = said
    assert bytes.fromhex(content) == CONTENT
    assert unreadable in secret
    assert where in secret
    assert f"MissingFileError TFTP at {where} has no none (it says: error 1, " in none


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_tftpd_hpa_calls_an_unreadable_file_error_0(folder: Path, host: str) -> None:
    port = free_port(host)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    words = ["/usr/sbin/in.tftpd", "-L", "-a", address, "-s", str(folder)]
    with running(words, host, port):
        said = ask(host, port)
    check(said, f"{host} port {port}", "it says: error 0, 'Permission denied'")


@pytest.mark.parametrize("more", [[], ["--no-blksize"]])
def test_atftpd_calls_an_unreadable_file_error_1(folder: Path, more: list[str]) -> None:
    """With ``--no-blksize`` it answers options by an empty OACK."""
    host, port = "127.0.0.1", free_port()
    words = [str(ATFTPD), "--daemon", "--no-fork", "--user", "nobody.nogroup", *more]
    words += ["--bind-address", host, "--port", str(port), "--logfile", "-"]
    with running([*words, str(folder)], host, port):
        said = ask(host, port)
    check(said, f"{host} port {port}", "it says: error 1, 'File not found'")


def test_dnsmasq_calls_an_unreadable_file_error_2(folder: Path) -> None:
    first, second, third = (1 + byte % 250 for byte in os.urandom(3))
    host = f"127.{first}.{second}.{third}"
    words = [*DNSMASQ, f"--tftp-root={folder}", f"--listen-address={host}"]
    with running(words, host, 69):
        said = ask(host, 69)
    check(said, f"{host} port 69", f"it says: error 2, 'cannot access {folder}/secret")


def test_dnsmasq_answers_over_ipv6(folder: Path) -> None:
    script = 'ip link set lo up; "$@" & exec sleep 60'
    words = [*DNSMASQ, f"--tftp-root={folder}", "--listen-address=::1"]
    alone = ("unshare", "--net", "--pid", "--fork", "--kill-child", "sh", "-c")
    with subprocess.Popen([*alone, script, "sh", *words]) as holder:
        try:
            inside = str(holder.pid)
            await_namespace(holder.pid)
            said = ask("::1", 69, "nsenter", "--net", "--target", inside)
        finally:
            holder.kill()
    check(said, "::1 port 69", f"it says: error 2, 'cannot access {folder}/secret")


def await_namespace(pid: int) -> None:
    ours, theirs = (f"/proc/{each}/ns/net" for each in ("self", pid))
    end = time.monotonic() + 10
    while os.readlink(ours) == os.readlink(theirs):
        assert time.monotonic() < end
        threading.Event().wait(0.01)
