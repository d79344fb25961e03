"""Our side of the SSH banner goes out at once, and goes out once."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsh.errors import ConnectionFailedError
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.ssh.client import Login, open_host
from cucmsh.remote.ssh.connect import GREETING, greet
from cucmsh.secret import Secret
from tests.remote.ssh_hosts import Person, serving

pytestmark = pytest.mark.loopback

WITHOUT_PARAMIKO = """
import sys
from cucmsh.config.model import SshAddress
from cucmsh.backends import LateBackends
from cucmsh.errors import ConnectionFailedError
address = SshAddress("127.0.0.1", int(sys.argv[1]), "admin", "", "ssh-ed25519 AAAA")
try:
    LateBackends().open_node(address)
except ConnectionFailedError:
    print("paramiko" in sys.modules)
"""


def test_server_hears_us_before_it_says_a_word() -> None:
    heard = []

    def listen(client: socket.socket) -> None:
        heard.append(client.recv(len(GREETING), socket.MSG_WAITALL))

    with serving(listen) as address:
        greeted = greet(*address)
        with greeted.connected:
            assert greeted.connected.recv(1) == b""  # it has heard enough
    assert heard == [GREETING]


def test_what_follows_our_line_is_the_key_exchange(known: KnownHosts) -> None:
    heard = []

    def answer(client: socket.socket) -> None:
        client.sendall(b"SSH-2.0-quick\r\n")
        heard.append(client.recv(len(GREETING) + 6, socket.MSG_WAITALL))

    with serving(answer) as address, pytest.raises(ConnectionFailedError):
        open_host(address, Login("a", Secret("b")), known, Person(answer=True))
    packet = heard[0].removeprefix(GREETING)
    # RFC 4253 sections 6 and 12: a packet's length, its padding's, and what it is.
    assert (packet[:2], packet[5]) == (bytes(2), 20)


def test_node_is_connected_to_before_paramiko_is_imported(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_PARAMIKO, str(port)],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.stdout == "False\n"
