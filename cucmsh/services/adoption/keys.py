"""Keys that lists were signed with elsewhere, in files that a person hands over.

A file is PEM (a key with its certificate, or alone: then a list names the certificate),
encrypted or not, or a PKCS#12 under a password of its own, such as the ITLRecovery.p12
of a CUCM. All are outside bytes: ``pki.sandbox`` opens them, in a process that can be
killed. Passwords of any length open; none is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import (
    CertificateError,
    KeyFileError,
    MissingFileError,
    StoreError,
)
from cucmsh.pki.model import Certificate
from cucmsh.secret import Secret
from cucmsh.services.adoption.sources import FoundList
from cucmsh.services.backends import Backends
from cucmsh.storage.local import LocalStore

if TYPE_CHECKING:
    from cucmsh.pki.backend import KeyBackend
    from cucmsh.pki.credential import Credential

MOST_BYTES = 64 * 1024  # of a key file; a genuine one has two to five thousand


class KeyFile(NamedTuple):
    """A file that was handed over, not opened yet.

    Attributes:
        path: as it was named.
        raw: its bytes.
        has_key: whether it holds a key; without one it may be a certificate.
        needs_password: whether a password opens it: every PKCS#12, encrypted PEM.
    """

    path: str
    raw: bytes
    has_key: bool
    needs_password: bool


class OpenedKey(NamedTuple):
    """A key that was handed over, with one of its certificates."""

    path: str
    credential: Credential

    @property
    def certificate(self) -> Certificate:
        return self.credential.certificate


def read_key_file(backends: Backends, path: str) -> KeyFile:
    """The file at ``path``, and what can be said of it without opening it.

    Raises:
        MissingFileError, StoreError: it is not there, or cannot be read.
        KeyFileError: it is empty, or larger than any key file.
    """
    folder, name = os.path.split(os.path.realpath(path))
    if os.path.isdir(path) or not name:
        raise StoreError(f"{path} is a directory", "Name the key file itself.")
    try:
        raw = LocalStore(folder).read(name)
    except MissingFileError as problem:
        raise MissingFileError(f"{path} is not there") from problem
    if not raw.strip():
        raise KeyFileError(f"{path} is empty", "Take another copy of it.")
    if len(raw) > MOST_BYTES:
        raise KeyFileError(
            f"{path} has {len(raw)} bytes; a key file has at most {MOST_BYTES}"
        )
    keys = backends.keys()
    if keys.is_pem_key(raw):
        return KeyFile(path, raw, True, keys.needs_password(raw))
    is_certificate = _is_certificate(keys, raw)
    return KeyFile(path, raw, not is_certificate, not is_certificate)


def open_key(
    backends: Backends,
    file: KeyFile,
    password: Secret,
    known: Iterable[Certificate] = (),
) -> tuple[OpenedKey, ...]:
    """The key, once with each certificate that lists and the file have for it.

    Args:
        backends: open it, in a sandbox.
        file: what ``read_key_file`` gave.
        password: empty for a file that has none.
        known: certificates that lists name.

    Raises:
        WrongPasswordError: another password opens it.
        KeyFileError: it holds no key that signs lists, or not exactly one; the message
            names the file.
    """
    if not file.has_key:
        raise KeyFileError(
            f"{file.path} holds a certificate and no key",
            "Give the file with the private key; a certificate that a list is to name "
            "is given by --adopt-record ROLE=FILE.",
        )
    try:
        opened = backends.open_any_key_file(file.raw, password, known)
    except KeyFileError as problem:
        raise type(problem)(
            f"{file.path}: {problem.message}", problem.advice
        ) from problem
    return tuple(OpenedKey(file.path, credential) for credential in opened)


def read_certificate_file(backends: Backends, path: str) -> Certificate:
    """The certificate at ``path``, PEM or DER.

    Raises:
        MissingFileError, StoreError: it is not there, or cannot be read.
        KeyFileError: see ``read_key_file``.
        CertificateError: it is none; the message names the file.
    """
    raw = read_key_file(backends, path).raw
    start = max(raw.find(b"-----BEGIN CERTIFICATE-----"), 0)
    try:
        return backends.keys().read_certificate(raw[start:])
    except CertificateError as problem:
        raise CertificateError(
            f"{path}: {problem.message}", problem.advice
        ) from problem


def certificates_in(
    backends: Backends, lists: Iterable[FoundList]
) -> tuple[Certificate, ...]:
    """Every certificate that the lists carry whole and that can be read, each once."""
    keys, found = backends.keys(), dict[bytes, Certificate]()
    for found_list in lists:
        trust_list = found_list.trust_list
        for record in trust_list.records if trust_list else ():
            der = record.certificate
            if der is None or der in found:
                continue
            try:
                found[der] = keys.read_certificate(der)
            except CertificateError:
                continue
    return tuple(found.values())


def _is_certificate(keys: KeyBackend, raw: bytes) -> bool:
    start = max(raw.find(b"-----BEGIN CERTIFICATE-----"), 0)
    try:
        keys.read_certificate(raw[start:])
    except CertificateError:
        return False
    return True
