"""No key and no password goes to a host whose key is not the expected one."""

import re
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import ConnectionFailedError, HostKeyError
from cucmsh.remote.known_hosts import HostKey, KnownHosts
from cucmsh.remote.ssh.client import Login, open_host, open_node
from cucmsh.secret import Secret
from tests.remote.ssh_hosts import HOST, PASSWORD, Behaviour, Person, Server

pytestmark = pytest.mark.loopback

SOME_KEYS = {
    "ssh-rsa": HostKey("ssh-rsa", "AAAAB3NzaC1yc2EAAAADAQABAAAAAgC7"),
    "ssh-ed25519": HostKey(
        "ssh-ed25519",
        "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f",
    ),
}


def test_stranger_is_asked_about_once_and_remembered(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server, person = start(Behaviour()), Person(answer=True)
    for _ in range(2):
        open_host(
            server.address, Login("admin", Secret(PASSWORD)), known, person
        ).close()
    assert person.asked == [(server.host_key, HOST)]
    assert known.find(*server.address) == [server.host_key]


def test_refused_host_key_is_sent_nothing_and_not_remembered(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour())
    with pytest.raises(HostKeyError, match="nothing was sent"):
        open_host(
            server.address,
            Login("admin", Secret(PASSWORD)),
            known,
            Person(answer=False),
        )
    assert server.told == []
    assert known.find(*server.address) == []


@pytest.mark.parametrize("kind", ["ssh-rsa", "ssh-ed25519"])
def test_changed_host_key_is_refused_with_both_fingerprints(
    start: Callable[[Behaviour], Server], known: KnownHosts, kind: str
) -> None:
    server, person = start(Behaviour()), Person(answer=True)
    before = SOME_KEYS[kind]
    known.add(*server.address, before)
    with pytest.raises(HostKeyError, match="nothing was sent") as refused:
        open_host(server.address, Login("admin", Secret(PASSWORD)), known, person)
    assert before.sha256_fingerprint in refused.value.message
    assert server.host_key.sha256_fingerprint in refused.value.message
    assert not server.told
    assert not person.asked
    assert known.find(*server.address) == [before]


def test_known_key_is_asked_for_where_a_host_has_several(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server, person = start(Behaviour(has_more_keys=True)), Person(answer=False)
    known.add(*server.address, server.host_key)
    open_host(server.address, Login("admin", Secret(PASSWORD)), known, person).close()
    assert not person.asked


def test_node_with_another_key_than_the_pinned_one_is_sent_nothing(
    start: Callable[[Behaviour], Server], identity: Path
) -> None:
    server = start(Behaviour("publickey"))
    pinned = "ssh-ed25519 AAAA"
    address = SshAddress(*server.address, "cucmsh", str(identity), pinned)
    with pytest.raises(
        HostKeyError, match=re.escape(server.host_key.sha256_fingerprint)
    ):
        open_node(address)
    assert server.told == []


def test_server_that_shows_another_type_than_the_known_one_has_changed(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server, person = start(Behaviour()), Person(answer=True)
    other = paramiko.ECDSAKey.generate()
    known.add(*server.address, HostKey(other.get_name(), other.get_base64()))
    with pytest.raises(HostKeyError, match=r"has changed: it was SHA256:.*now it is"):
        open_host(server.address, Login("admin", Secret(PASSWORD)), known, person)
    assert (server.told, person.asked) == ([], [])


def test_revoked_host_key_is_refused_and_nobody_is_asked(
    start: Callable[[Behaviour], Server], tmp_path: Path
) -> None:
    server, person = start(Behaviour()), Person(answer=True)
    path = tmp_path / "known_hosts"
    path.write_text(f"@revoked * {' '.join(server.host_key)}\n")
    known = KnownHosts(str(path))
    known.add(*server.address, server.host_key)
    with pytest.raises(HostKeyError, match="revoked") as refused:
        open_host(server.address, Login("admin", Secret(PASSWORD)), known, person)
    assert server.host_key.sha256_fingerprint in refused.value.message
    assert refused.value.advice
    assert (server.told, person.asked) == ([], [])


def test_stranger_with_a_weak_rsa_key_is_refused_unless_asked_for(
    known: KnownHosts,
) -> None:
    server = Server(paramiko.RSAKey.generate(1024), Behaviour())
    try:
        login, person = Login("admin", Secret(PASSWORD)), Person(answer=True)
        with pytest.raises(HostKeyError, match="1024 bits; RSA needs 2048") as refused:
            open_host(server.address, login, known, person)
        assert "ed25519" in refused.value.advice
        assert (server.told, person.asked) == ([], [])
        open_host(server.address, login, known, person, min_rsa_bits=1024).close()
        assert person.asked
        open_host(server.address, login, known, Person(answer=False)).close()
    finally:
        server.stop()


@pytest.mark.parametrize("offer", ["ciphers", "digests"])
def test_t18_server_with_weak_algorithms_only_is_refused(
    known: KnownHosts, server_key: paramiko.PKey, offer: str
) -> None:
    def weaken(transport: paramiko.Transport) -> None:
        options = transport.get_security_options()
        if offer == "ciphers":
            options.ciphers = ["aes128-cbc", "aes256-cbc", "3des-cbc"]
        else:
            options.digests = ["hmac-md5", "hmac-sha1", "hmac-sha1-96"]

    server = Server(server_key, Behaviour(), weaken)
    try:
        with pytest.raises(
            ConnectionFailedError, match=r"no (cipher|MAC) is known to both"
        ):
            open_host(
                server.address, Login("a", Secret("b")), known, Person(answer=True)
            )
        assert server.told == []
    finally:
        server.stop()


def test_t18_what_is_offered_holds_nothing_that_terrapin_or_md5_needs(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour())
    login = Login("admin", Secret(PASSWORD))
    connection = open_host(server.address, login, known, Person(answer=True))
    options = connection.transport.get_security_options()
    assert not [name for name in options.ciphers if "cbc" in name or "chacha" in name]
    assert not [name for name in options.digests if "sha2" not in name]
    assert not [name for name in options.kex if name.endswith("sha1")]
    assert connection.transport.agreed_on_strict_kex  # type: ignore[attr-defined]
    assert connection.key_exchange in options.kex
    connection.close()
