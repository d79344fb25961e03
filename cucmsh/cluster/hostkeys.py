"""Host keys of hosts outside the cluster: our own file, only ever appended to.

Lines are OpenSSH's (``host type key``, ``[host]:port`` for ports other than 22), so
that people can read them. paramiko's writer loses entries (threats-and-faults.md
finding 9); this one appends a line under a lock and never rewrites. Decides nothing:
the question is asked by whoever connects.
"""

from __future__ import annotations

import fcntl
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import md5, sha256
from typing import NamedTuple

from cucmsh.errors import HostKeyError, StoreError


class HostKey(NamedTuple):
    """A host's public key: its type, e.g. ``ssh-rsa``, and the key in base64."""

    kind: str
    key: str

    @property
    def _blob(self) -> bytes:
        try:
            return b64decode(self.key, validate=True)
        except (Base64Error, ValueError):
            return b""

    @property
    def is_whole(self) -> bool:
        """Whether the base64 holds a key of that type (RFC 4253 section 6.6)."""
        kind = self.kind.encode()
        return self._blob.startswith(len(kind).to_bytes(4) + kind)

    @property
    def short_kind(self) -> str:
        """``RSA``, ``ED25519``, ``ECDSA``: as ssh's question names it."""
        return self.kind.removeprefix("ssh-").split("-")[0].upper()

    @property
    def md5_fingerprint(self) -> str:
        """Sixteen hex pairs with colons: the original's form."""
        return md5(self._blob, usedforsecurity=False).digest().hex(":")

    @property
    def sha256_fingerprint(self) -> str:
        """OpenSSH's form, ``SHA256:`` and unpadded base64."""
        return "SHA256:" + b64encode(sha256(self._blob).digest()).decode().rstrip("=")


class KnownHosts:
    """The file of keys that an administrator accepted.

    Args:
        path: the file; it need not exist. Made 0600.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def find(self, host: str, port: int) -> list[HostKey]:
        """All keys accepted for the host; empty for a stranger."""
        wanted = _label(host, port)
        try:
            with open(self._path, encoding="ascii", errors="replace") as file:
                rows = [line.split() for line in file]
        except FileNotFoundError:
            return []
        except OSError as problem:
            raise StoreError(f"{self._path}: {problem.strerror}") from problem
        return [
            HostKey(row[1], row[2])
            for row in rows
            if len(row) >= 3 and row[0] == wanted
        ]

    def add(self, host: str, port: int, key: HostKey) -> None:
        """Append one accepted key, synced before it is relied on."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        line = f"{_label(host, port)} {key.kind} {key.key}\n".encode()
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            descriptor = os.open(self._path, flags, 0o600)
        except OSError as problem:
            raise StoreError(f"{self._path}: {problem.strerror}") from problem
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _ends_torn(descriptor):
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise StoreError(f"{self._path}: the disk is full")
            os.fsync(descriptor)
        except OSError as problem:
            raise StoreError(f"{self._path}: {problem.strerror}") from problem
        finally:
            os.close(descriptor)


def changed_key(host: str, old: list[HostKey], new: HostKey, why: str) -> HostKeyError:
    """The error for a host that shows another key than the expected ones."""
    before = ", ".join(key.sha256_fingerprint for key in old)
    return HostKeyError(
        f"the host key of {host} has changed: it was {before} ({why}), "
        f"now it is {new.sha256_fingerprint}; nothing was sent to it",
        "If the host was rebuilt, have its new key confirmed and remove the old one.",
    )


def _label(host: str, port: int) -> str:
    if not host or not host.isprintable() or " " in host:
        raise StoreError(f"{host!r} is no host name")
    return host.lower() if port == 22 else f"[{host.lower()}]:{port}"


def _ends_torn(descriptor: int) -> bool:
    """Whether a crash or a full disk left the last line without its end."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
