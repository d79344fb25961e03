"""Host keys of hosts outside the cluster: our own file, only ever appended to.

Lines are OpenSSH's (``host type key``, ``[host]:port`` for ports other than 22), so
that people can read and write them: hashed names, wildcards and ``@revoked`` too.
paramiko's writer loses entries (docs/security.md M9); this one appends a
line under a lock and never rewrites. Decides nothing: the question is asked by whoever
connects.
"""

from __future__ import annotations

import errno
import os
import stat
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from hashlib import md5, sha256
from typing import NamedTuple

from cucmsh.errors import BusyError, HostKeyError, StoreError
from cucmsh.remote.known_hosts_line import PLAIN, REVOKED, KnownLine, read_line
from cucmsh.storage.folders import sync_folder
from cucmsh.storage.lock import take

MAX_FILE_SIZE = 4 << 20  # bytes; ten thousand hosts
WAIT_SECONDS = 10.0  # for others who are adding a key
SSH_PORT = 22
FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a planted FIFO waits for ever
NOT_IN_A_NAME = frozenset(" ,*?!|@#[]\"'\\")


class HostKey(NamedTuple):
    """A host's public key: its type, e.g. ``ssh-rsa``, and the key in base64."""

    kind: str
    key: str

    @property
    def blob(self) -> bytes:
        """The key's bytes; empty if the text is no base64."""
        try:
            return b64decode(self.key, validate=True)
        except (Base64Error, ValueError):
            return b""

    @property
    def is_whole(self) -> bool:
        """Whether the base64 holds a key of that type (RFC 4253 section 6.6)."""
        kind = self.kind.encode()
        return self.blob.startswith(len(kind).to_bytes(4) + kind)

    @property
    def short_kind(self) -> str:
        """``RSA``, ``ED25519``, ``ECDSA``: as ssh's question names it."""
        return self.kind.removeprefix("ssh-").split("-")[0].upper()

    @property
    def md5_fingerprint(self) -> str:
        """Sixteen hex pairs with colons: the original's form."""
        return md5(self.blob, usedforsecurity=False).digest().hex(":")

    @property
    def sha256_fingerprint(self) -> str:
        """OpenSSH's form, ``SHA256:`` and unpadded base64."""
        return "SHA256:" + b64encode(sha256(self.blob).digest()).decode().rstrip("=")


class Trust(Enum):
    """What the file says about a key that a host shows."""

    KNOWN = "known"
    STRANGER = "stranger"
    CHANGED = "changed"
    REVOKED = "revoked"


class KnownHosts:
    """The file of keys that an administrator accepted.

    Args:
        path: the file; it need not exist. Made 0600.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def find(self, host: str, port: int) -> list[HostKey]:
        """The keys that are known of the host at that port; empty for a stranger."""
        found = _about(self._lines(), _label(host, port))
        bad = [line.blob for line in found if line.marker == REVOKED]
        return [
            HostKey(line.kind, b64encode(line.blob).decode())
            for line in found
            if line.marker == PLAIN and line.blob not in bad
        ]

    def judge(self, host: str, port: int, shown: HostKey) -> Trust:
        """What OpenSSH would say to a host that shows this key.

        A key of another type than those that are known has changed, too. Lines with
        ``@cert-authority`` say nothing about plain keys.
        """
        label = _label(host, port)
        lines = self._lines()
        trust = _judge(_about(lines, label), shown)
        if trust is Trust.STRANGER and port != SSH_PORT:
            by_name = _judge(_about(lines, host.lower()), shown)
            # Another port is another server: its keys bind nobody here.
            trust = Trust.STRANGER if by_name is Trust.CHANGED else by_name
        return trust

    def add(self, host: str, port: int, key: HostKey) -> None:
        """Append one accepted key, synced before it is relied on.

        Raises:
            StoreError: the file cannot be written, or the disk is full; what was in
                it is still there, whole. Or that is no host key.
            BusyError: somebody else keeps the file locked.
        """
        text = f"{_label(host, port)} {key.kind} {key.key}"
        if read_line(text) is None:
            raise StoreError(f"{key.kind!r} {key.key!r} is no host key")
        line = f"{text}\n".encode()
        folder = os.path.dirname(self._path) or "."
        with self._translated():
            os.makedirs(folder, mode=0o700, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            descriptor = os.open(self._path, flags | FLAGS, 0o600)
            try:
                self._append(descriptor, line)
            finally:
                os.close(descriptor)
            sync_folder(folder)  # the file may be new

    def _append(self, descriptor: int, line: bytes) -> None:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StoreError(f"{self._path} is not a regular file")
        if not take(descriptor, WAIT_SECONDS):
            raise BusyError(
                f"{self._path} is locked by another session", "Try again in a moment."
            )
        size = os.fstat(descriptor).st_size
        if _ends_torn(descriptor, size):
            line = b"\n" + line
        try:
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301
            os.fsync(descriptor)
        except BaseException:
            with suppress(
                OSError
            ):  # a torn line says nothing, and the next add ends it
                os.ftruncate(descriptor, size)
            raise

    def _lines(self) -> list[KnownLine]:
        with self._translated():
            try:
                descriptor = os.open(self._path, os.O_RDONLY | FLAGS)
            except FileNotFoundError:
                return []
            with open(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_FILE_SIZE:
                    raise StoreError(
                        f"{self._path} is no file of at most {MAX_FILE_SIZE} bytes"
                    )
                text = file.read(MAX_FILE_SIZE).decode(errors="surrogateescape")
        return [line for row in text.split("\n") if (line := read_line(row))]

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise StoreError(
                f"{self._path}: {problem.strerror}",
                "The keys in it are all still there; check the file and its disk.",
            ) from problem


def changed_key(host: str, old: list[HostKey], new: HostKey, why: str) -> HostKeyError:
    """The error for a host that shows another key than the expected ones."""
    before = ", ".join(key.sha256_fingerprint for key in old)
    return HostKeyError(
        f"the host key of {host} has changed: it was {before} ({why}), "
        f"now it is {new.sha256_fingerprint}; nothing was sent to it",
        "If the host was rebuilt, have its new key confirmed and remove the old one.",
    )


def _about(lines: list[KnownLine], label: str) -> list[KnownLine]:
    return [line for line in lines if line.is_about(label)]


def _judge(lines: list[KnownLine], shown: HostKey) -> Trust:
    blob = shown.blob
    if any(line.marker == REVOKED and line.blob == blob for line in lines):
        return Trust.REVOKED
    plain = [line.blob for line in lines if line.marker == PLAIN]
    if blob in plain:
        return Trust.KNOWN
    return Trust.CHANGED if plain else Trust.STRANGER


def _label(host: str, port: int) -> str:
    if not host or not host.isprintable() or not NOT_IN_A_NAME.isdisjoint(host):
        raise StoreError(f"{host!r} is no host name")
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def _ends_torn(descriptor: int, size: int) -> bool:
    """Whether a crash or a full disk left the last line without its end."""
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
