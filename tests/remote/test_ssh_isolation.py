"""Nothing of the account's own SSH set-up is used (docs/security.md T23)."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.remote.known_hosts import KnownHosts
from tests.remote.ssh_hosts import Behaviour, Server
from tests.rigs.keys import make_key

pytestmark = pytest.mark.loopback

CLIENT = """
import sys
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.ssh.client import Login, open_host
from cucmsh.errors import CucmshError
from cucmsh.secret import Secret
try:
    address = (sys.argv[1], int(sys.argv[2]))
    login = Login("admin", Secret(sys.argv[4]))
    open_host(address, login, KnownHosts(sys.argv[3]), print)
except CucmshError as problem:
    print(type(problem).__name__)
print("invoke" in sys.modules and sys.modules["invoke"], "unittest" in sys.modules)
"""


@pytest.mark.parametrize("takes_keys", [True, False])
def test_agent_keys_and_configuration_of_the_account_stay_unused(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    tmp_path: Path,
    takes_keys: bool,
) -> None:
    ways = "publickey,password" if takes_keys else "publickey"
    server = start(Behaviour(ways, takes_keys=takes_keys))
    known.add(*server.address, server.host_key)
    home, canary = tmp_path / "home", tmp_path / "canary"
    (home / ".ssh").mkdir(parents=True)
    for name in ("id_ed25519", "id_rsa", "id_ecdsa"):
        make_key(home / ".ssh" / name)
    (home / ".ssh" / "config").write_text(
        f"Host *\nProxyCommand touch {canary}\nMatch exec 'touch {canary}'\nUser root\n"
    )
    (home / ".netrc").write_text(f"machine {server.address[0]} login x password x\n")
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(tmp_path / "agent"))
        agent.listen()
        agent.setblocking(False)
        done = subprocess.run(
            [
                *(sys.executable, "-c", CLIENT, server.address[0]),
                *(str(server.address[1]), str(tmp_path / "state" / "known_hosts")),
                "a wrong password",
            ],
            env={
                "HOME": str(home),
                "PATH": os.environ["PATH"],
                "SSH_AUTH_SOCK": str(tmp_path / "agent"),
                "SSH_ASKPASS": f"/usr/bin/touch {canary}",
                "SSH_ASKPASS_REQUIRE": "force",
                "ALL_PROXY": "socks5://127.0.0.1:1",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        with pytest.raises(BlockingIOError):  # nobody came to the agent
            agent.accept()
    assert not canary.exists()
    assert [way for way, _ in server.told] == ["none", *(["password"] * takes_keys)]
    assert done.stdout == "AuthenticationError\nNone False\n"
    assert done.stderr == ""
