"""A private key with its certificate: makes them, keeps them as one file, signs.

Keys from elsewhere are fully validated. Only ``read_own`` skips OpenSSL's primality
test (42 ms), because every signature made is verified against the certificate before
anybody sees it (docs/performance.md#cryptography).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from cucmsh.errors import CertificateError, SignatureError
from cucmsh.pki.certificates import (
    VALIDITY_DAYS,
    listed_key,
    make_certificate,
    read_certificate,
    to_pem,
)
from cucmsh.pki.keys import (
    DEFAULT_KEY_BITS,
    DEFAULT_KIND,
    HASHES,
    KINDS,
    PrivateKey,
    is_known,
    kind_of,
    names,
)
from cucmsh.pki.model import Certificate, Unit

CERTIFICATE_BEGINS = b"-----BEGIN CERTIFICATE-----"


class Credential:
    """A private key and the certificate that belongs to it. Its repr names no key.

    Raises:
        CertificateError: the two are no pair, or the key is of a kind or size that
            signs no trust list (``cucmsh.pki.keys``).
    """

    def __init__(self, key: PrivateKey, certificate: Certificate) -> None:
        kind = kind_of(key)
        if kind is None:
            raise CertificateError(f"the private key is not an {names()} key")
        if listed_key(key.public_key()).field != certificate.public_key:
            raise CertificateError("the private key does not belong to the certificate")
        if key.key_size not in kind.bits:
            raise CertificateError(
                f"an {kind.name} key of {key.key_size} bits is not usable in a trust "
                "list",
                f"Use a key of {kind.bits[0]} to {kind.bits[-1]} bits.",
            )
        self._key, self._kind = key, kind
        self.certificate = certificate

    def __repr__(self) -> str:
        return f"<Credential {self.certificate.subject_name}>"

    @property
    def private_key(self) -> PrivateKey:
        """For ``pkcs12`` only: nobody outside this room takes the key itself."""
        return self._key

    def sign(self, message: bytes, hash_name: str) -> bytes:
        """A signature as lists hold it, verified right after it was made.

        Args:
            message: the signed bytes.
            hash_name: ``sha1``, ``sha256`` or ``sha512``.

        Raises:
            SignatureError: unknown digest, or a key so damaged that its own signature
                does not verify.
        """
        algorithm = HASHES.get(hash_name)
        if algorithm is None:
            raise SignatureError(f"no signature can be made with {hash_name}")
        try:
            signature = self._kind.sign(self._key, message, algorithm)
            public_key = self._key.public_key()
            self._kind.verify(public_key, signature, message, algorithm)
        except (InvalidSignature, ValueError) as problem:
            raise SignatureError(
                f"the key of {self.certificate.subject_name} is damaged: "
                "its own signature does not verify",
                "Regenerate the certificate, or restore the key from a backup.",
            ) from problem
        return bytes(signature)

    def to_pem(self) -> bytes:
        """Key (PKCS#8, not encrypted) and certificate in one file: mode 0600 only."""
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + to_pem(self.certificate)


def make_credential(  # noqa: PLR0913 - what a certificate says
    unit: Unit,
    common_name: str,
    subject: str,
    now: datetime,
    *,
    days: int = VALIDITY_DAYS,
    key_bits: int = DEFAULT_KEY_BITS,
) -> Credential:
    """A fresh key and its self-signed certificate (see ``make_certificate``)."""
    key = KINDS[DEFAULT_KIND].generate(key_bits)
    made = make_certificate(key, unit, common_name, subject, now, days=days)
    return Credential(key, made)


def read_own(pem: bytes) -> Credential:
    """What ``to_pem`` wrote, from this node's own store.

    Raises:
        CertificateError: the bytes are not a key and its certificate.
    """
    return _read(pem, is_own=True)


def read_imported(pem: bytes) -> Credential:
    """As ``read_own``, for bytes from elsewhere: the key is fully validated."""
    return _read(pem, is_own=False)


def read_with_certificates(
    pem: bytes, known: Iterable[Certificate]
) -> tuple[Credential, ...]:
    """A key from elsewhere, fully validated, once with each certificate that it has.

    Args:
        pem: the key, not encrypted, and any number of certificates behind it.
        known: further certificates that may be the key's.

    Raises:
        CertificateError: no key, or none of them belongs to it.
    """
    key = read_key(pem, is_own=False)
    _, *blocks = pem.split(CERTIFICATE_BEGINS)
    given = [read_certificate(CERTIFICATE_BEGINS + block) for block in blocks]
    field = listed_key(key.public_key()).field
    own = {found.der: found for found in (*known, *given) if found.public_key == field}
    if not own:
        raise CertificateError(
            "it holds a key without its certificate, and no list names the key",
            "Give the list that names it with --adopt-list, or put the certificate "
            "behind the key in the file.",
        )
    return tuple(Credential(key, certificate) for certificate in own.values())


def _read(pem: bytes, *, is_own: bool) -> Credential:
    key = read_key(pem, is_own=is_own)
    start = pem.find(CERTIFICATE_BEGINS)
    return Credential(key, read_certificate(pem[max(start, 0) :]))


def read_key(pem: bytes, *, is_own: bool) -> PrivateKey:
    """The private key at the beginning of ``pem``; for this room only.

    Args:
        pem: not encrypted.
        is_own: of this node's own store, so that OpenSSL need not validate it.

    Raises:
        CertificateError: it is none, or of a kind that signs no list.
    """
    try:
        key = load_pem_private_key(
            pem, password=None, unsafe_skip_rsa_key_validation=is_own
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        raise CertificateError(f"the private key is unreadable: {problem}") from problem
    if not is_known(key):
        raise CertificateError(f"the private key is not an {names()} key")
    return key


def make_ssh_identity() -> tuple[bytes, str]:
    """An Ed25519 key for the way between nodes.

    Returns:
        The private key in OpenSSH's PEM form, and the line for ``authorized_keys``.
    """
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private, public.decode("ascii")
