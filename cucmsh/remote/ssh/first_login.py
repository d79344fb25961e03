"""The first steps onto a host that is to become a node: its key, and a password login.

A host key is looked at without sending anything, so that a person may compare it as
long as they like; the host would hang up on an open login. Afterwards only that key is
taken (docs/security.md T15). Opened late: paramiko stands behind it.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.model import SshAddress
from cucmsh.errors import AuthenticationError, HostKeyError
from cucmsh.remote.known_hosts import HostKey, KnownHosts, changed_key
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret


class ShownKey(NamedTuple):
    """The key a host shows, and the address it was shown from."""

    key: HostKey
    peer: str


class _Nobody(KnownHosts):
    """No known hosts: each key is put to the caller, and none is kept."""

    def __init__(self) -> None:
        super().__init__("")

    def add(self, host: str, port: int, key: HostKey) -> None:
        """Keep nothing; the key is pinned in the configuration."""


def show_host_key(host: str, port: int) -> ShownKey:
    """The key that the host shows now.

    Raises:
        ConnectionFailedError: it does not answer.
        HostKeyError: the key is too weak to be pinned.
    """
    seen: list[ShownKey] = []

    def refuse(key: HostKey, peer: str) -> bool:
        seen.append(ShownKey(key, peer))
        return False

    try:
        open_host((host, port), Login(""), _Nobody(), refuse).close()
    except HostKeyError:
        if not seen:
            raise
    return seen[0]


def open_with_password(address: SshAddress, password: Secret) -> SshConnection:
    """A login by password where the address's identity is not known yet.

    Raises:
        ConnectionFailedError, HostKeyError, AuthenticationError: as ``open_node``.
    """
    pinned = HostKey(*address.host_key.split()[:2])

    def is_pinned(shown: HostKey, _peer: str) -> bool:
        if shown != pinned:
            raise changed_key(address.host, [pinned], shown, "it was pinned just now")
        return True

    login = Login(address.user, password)
    try:
        return open_host((address.host, address.port), login, _Nobody(), is_pinned)
    except AuthenticationError as problem:
        raise AuthenticationError(
            problem.message,
            f"{problem.advice} sshd tells nobody that an account is locked, expired or "
            "kept out by AllowUsers: as root there, `journalctl -u ssh` does.",
        ) from problem
