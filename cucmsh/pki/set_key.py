"""The key of a backup set: its files are encrypted to it, its manifest signed by it.

An Ed25519 key in OpenSSH's form, made for one set, encrypted with the cluster security
password (bcrypt, AES-256). So Debian's ``age -d -i KEYFILE`` opens the files. Anybody
could encrypt to the public half; but only who knows the password signs
(docs/decisions/043).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from cucmsh.errors import KeyFileError, WrongPasswordError
from cucmsh.pki.age import decrypt, encrypt
from cucmsh.pki.openssh_rounds import MAX_ROUNDS, rounds_of
from cucmsh.secret import Secret

ROUNDS = 64  # of bcrypt: half a second a guess; OpenSSH itself takes 16 to 24


class SetKey:
    """An open key; ``make`` and ``open`` give one.

    Attributes:
        pem: the encrypted file, ASCII.
    """

    def __init__(self, key: Ed25519PrivateKey, pem: bytes) -> None:
        self._key = key
        self.pem = pem

    @classmethod
    def make(cls, password: Secret, rounds: int = ROUNDS) -> Self:
        """A new key that this password opens."""
        key = Ed25519PrivateKey.generate()
        protected = (
            PrivateFormat.OpenSSH.encryption_builder()
            .kdf_rounds(rounds)
            .build(_raw(password))
        )
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, protected)
        return cls(key, pem)

    @classmethod
    def open(cls, pem: bytes, password: Secret) -> Self:
        """The key in such a file.

        Raises:
            WrongPasswordError: another password opens it.
            KeyFileError: it is no such key, or would take minutes to open.
        """
        broken = "the set's manifest holds no key that can be read"
        rounds = rounds_of(pem)
        if not 0 < rounds <= MAX_ROUNDS:
            raise KeyFileError(broken, "The manifest is damaged; take another set.")
        try:
            key = load_ssh_private_key(pem, _raw(password))
        except ValueError as problem:
            # It says so of a wrong password and of a damaged key: the same check.
            raise WrongPasswordError(
                "the set does not open with that password, or its key is damaged",
                "It opens with the cluster security password of the time of the "
                "backup.",
            ) from problem
        except Exception as problem:  # outside code, on bytes of a stranger
            raise KeyFileError(broken, "Take another set.") from problem
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFileError("the set's key is of another kind", "Take another set.")
        return cls(key, pem)

    def sign(self, raw: bytes) -> bytes:
        """The signature (Ed25519, 64 bytes) of these bytes."""
        return self._key.sign(raw)

    def has_signed(self, raw: bytes, signature: bytes) -> bool:
        """Whether that is its signature of these bytes."""
        try:
            self._key.public_key().verify(signature, raw)
        except InvalidSignature:
            return False
        return True

    def encrypt(self, pieces: Iterable[bytes], take: Callable[[bytes], object]) -> None:
        """Encrypt the pieces for this key; see ``age.encrypt``."""
        public = self._key.public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        encrypt(pieces, take, line.decode())

    def decrypt(self, pieces: Iterable[bytes], take: Callable[[bytes], object]) -> None:
        """Open what was encrypted so; see ``age.decrypt``."""
        form = PrivateFormat.OpenSSH
        plain = self._key.private_bytes(Encoding.PEM, form, NoEncryption())
        decrypt(pieces, take, plain)


def _raw(password: Secret) -> bytes:
    return password.reveal().encode("utf-8", "surrogateescape")
