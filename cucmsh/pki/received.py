"""Certificates that somebody brings: read, and whether a chain leads to a root.

DER or PEM, one or several, or PKCS#7, which is how authorities hand out chains. What
is brought is anybody's: it is bounded, and gives values or ``CertificateError``.
A chain is walked by names and signatures (RFC 5280 section 6.1, without policies, name
constraints and revocation, which nothing here asks for).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from cucmsh.errors import CertificateError
from cucmsh.pki.certificates import quiet, read_certificate
from cucmsh.pki.key_content import holds_private_key
from cucmsh.pki.model import Certificate

MAX_RECEIVED = 256 * 1024  # bytes; a chain has some thousand
MAX_CERTIFICATES = 100
MAX_PATH = 10  # certificates from the leaf to its root
MAX_BITS, MIN_BITS = 4096, 1024  # of an RSA key (docs/cli.md#certificates-of-a-node)
BEGIN, END = b"-----BEGIN ", b"-----END "
CERTIFICATE_LABELS = (b"CERTIFICATE", b"X509 CERTIFICATE")
LONGEST_LABEL = 40
PKCS7_LABELS = (b"PKCS7", b"CMS", b"PKCS #7 SIGNED DATA")
_Kind = TypeVar("_Kind", bound=x509.ExtensionType)
FORMS = "Bring a certificate in PEM or DER, or a chain in PEM or PKCS#7."


class Nature(NamedTuple):
    """What decides whether a certificate may do what it is brought for.

    Attributes:
        is_authority: it may sign certificates.
        may_sign: its key may sign what is no certificate (digital signature).
        has_wildcard: a name of it stands for many hosts.
    """

    is_authority: bool
    may_sign: bool
    has_wildcard: bool


def read_received(raw: bytes) -> tuple[Certificate, ...]:
    """The certificates in ``raw``, each once, in their order.

    Raises:
        CertificateError: it holds none, holds a private key, or is too large.
    """
    if len(raw) > MAX_RECEIVED:
        raise CertificateError(
            f"it has {len(raw)} bytes, and at most {MAX_RECEIVED} are read", FORMS
        )
    if holds_private_key(raw):
        raise CertificateError(
            "it holds a private key, and a certificate is asked for; it was not kept",
            "Whoever could see it here has that key now: make a new one.",
        )
    found = {each.der: each for each in _read(raw)}
    if len(found) > MAX_CERTIFICATES:
        raise CertificateError(
            f"it holds {len(found)} certificates, and at most {MAX_CERTIFICATES} are "
            "taken",
            FORMS,
        )
    return tuple(found.values())


def _read(raw: bytes) -> Iterator[Certificate]:
    blocks = list(_blocks(raw))
    for label, block in blocks:
        if label in PKCS7_LABELS:
            yield from _of_pkcs7(block.replace(label, PKCS7_LABELS[0]))
        elif label in CERTIFICATE_LABELS:
            yield read_certificate(block.replace(label, CERTIFICATE_LABELS[0]))
        else:
            raise CertificateError(
                f"a block of it is called {label.decode('ascii', 'replace')!r}: it is "
                "no certificate",
                FORMS,
            )
    if blocks:
        return
    try:
        yield read_certificate(raw)
    except CertificateError as problem:
        if not raw.startswith(b"\x30"):
            raise CertificateError("it holds no certificate", FORMS) from problem
        yield from _of_pkcs7(raw)


def _blocks(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The PEM blocks with their labels; text around them is left out.

    Raises:
        CertificateError: one has no end.
    """
    at = 0
    while (start := raw.find(BEGIN, at)) >= 0:
        label = raw[start + len(BEGIN) :].partition(b"-----")[0]
        last = END + label + b"-----"
        end = raw.find(last, start)
        if end < 0 or len(label) > LONGEST_LABEL:
            raise CertificateError(
                "a block of it has no end", "Copy it again, with its last line."
            )
        at = end + len(last)
        yield label, raw[start:at] + b"\n"


def _of_pkcs7(raw: bytes) -> list[Certificate]:
    # It imports those of mail, ten milliseconds: for chains only.
    from cryptography.hazmat.primitives.serialization import pkcs7  # noqa: PLC0415

    is_pem = raw.startswith(BEGIN)
    load = (
        pkcs7.load_pem_pkcs7_certificates
        if is_pem
        else pkcs7.load_der_pkcs7_certificates
    )
    try:
        with quiet():
            loaded = load(raw)
    # As in ``read_certificate``: the bytes are anybody's.
    except Exception as problem:
        raise CertificateError(
            f"it is no PKCS#7 chain that can be read: {problem}", FORMS
        ) from problem
    return [read_certificate(each.public_bytes(Encoding.DER)) for each in loaded]


def nature_of(certificate: Certificate) -> Nature:
    """What the extensions of a certificate say.

    Raises:
        CertificateError: they cannot be read.
    """
    said = _said(certificate)
    hosts = said.names.get_values_for_type(x509.DNSName) if said.names else []
    return Nature(
        said.is_authority,
        said.usage is None or said.usage.digital_signature,
        any("*" in name for name in (*hosts, certificate.common_name)),
    )


def require_valid(certificate: Certificate, now: datetime) -> None:
    """Refuse a certificate that is not valid yet, or not any more.

    Raises:
        CertificateError: says since or until when.
    """
    name = certificate.common_name or certificate.subject_name
    if now < certificate.not_before:
        raise CertificateError(
            f"the certificate of {name} is not valid before "
            f"{certificate.not_before:%Y-%m-%d %H:%M:%S} UTC",
            "Wait, or look at this node's clock.",
        )
    if certificate.has_expired(now):
        raise CertificateError(
            f"the certificate of {name} expired on "
            f"{certificate.not_after:%Y-%m-%d %H:%M:%S} UTC",
            "Have a new one issued.",
        )


def require_usual_size(certificate: Certificate) -> None:
    """Refuse an RSA key of a size that phones do not take.

    Raises:
        CertificateError: it has too few bits, or too many.
    """
    bits = certificate.key_bits
    if certificate.key_type == "RSA" and not MIN_BITS <= bits <= MAX_BITS:
        raise CertificateError(
            f"its key has {bits} bits, and {MIN_BITS} to {MAX_BITS} are taken",
            "Use one of 2048 bits.",
        )


def chain_of(
    leaf: Certificate, known: Iterable[Certificate], where: str, now: datetime
) -> tuple[Certificate, ...]:
    """The certificates above ``leaf``, its root last; none for a self-signed one.

    Args:
        leaf: whose chain is looked for.
        known: among which.
        where: what these are called, for the refusal.
        now: each of them is valid then.

    Raises:
        CertificateError: no root is reached; says what is missing or wrong.
    """
    candidates = {each.der: each for each in known}
    path: list[Certificate] = []
    child = leaf
    while not is_issued_by(child, child):
        if len(path) == MAX_PATH:
            raise CertificateError(f"its chain is longer than {MAX_PATH} certificates")
        child = _issuer_of(child, candidates.values(), where, now, len(path))
        path.append(child)
    return tuple(path)


def _issuer_of(
    child: Certificate,
    known: Iterable[Certificate],
    where: str,
    now: datetime,
    below: int,
) -> Certificate:
    """Who issued it; ``below``: how many authorities are under that one."""
    called = [each for each in known if _is_called(child, each)]
    wanted = child.issuer_name or "its issuer"
    if not called:
        raise CertificateError(
            f"the certificate of {wanted}, who issued that of "
            f"{child.common_name or child.subject_name}, is not in {where}",
            f"Import it first, the root before the others: `set cert import trust "
            f"{where.removesuffix('-trust')}`.",
        )
    issuers = [each for each in called if is_issued_by(child, each)]
    if not issuers:
        raise CertificateError(
            f"the certificate of {wanted} in {where} has another key than the one that "
            f"signed that of {child.common_name or child.subject_name}",
            "Import the one that issued it.",
        )
    problem: CertificateError | None = None
    for each in issuers:
        try:
            require_valid(each, now)
            _require_authority(each, below)
        except CertificateError as refusal:
            problem = problem or refusal
        else:
            return each
    if problem is None:
        raise AssertionError(issuers)
    raise problem


def _require_authority(certificate: Certificate, below: int) -> None:
    name = certificate.common_name or certificate.subject_name
    said = _said(certificate)
    if not said.is_authority or (said.usage and not said.usage.key_cert_sign):
        raise CertificateError(f"{name} is no certificate authority")
    length = said.constraints.path_length if said.constraints else None
    if length is not None and length < below:
        raise CertificateError(
            f"{name} allows {length} authorities below it, and there are {below}"
        )


def is_issued_by(child: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's name and key are those that signed the child."""
    try:
        with quiet():
            _load(child).verify_directly_issued_by(_load(issuer))
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_called(child: Certificate, issuer: Certificate) -> bool:
    with quiet():
        try:
            return bool(_load(child).issuer == _load(issuer).subject)
        except ValueError:  # a name of an encoding that the library does not read
            return child.issuer_name == issuer.subject_name


class _Said(NamedTuple):
    """Extensions of a certificate, each None where it is not there."""

    usage: x509.KeyUsage | None
    constraints: x509.BasicConstraints | None
    names: x509.SubjectAlternativeName | None

    @property
    def is_authority(self) -> bool:
        return self.constraints is not None and self.constraints.ca


def _said(certificate: Certificate) -> _Said:
    try:
        found = _load(certificate).extensions
    # The library refuses extensions with classes of its own, too.
    except Exception as problem:
        raise CertificateError(
            f"the extensions of {certificate.common_name} cannot be read: {problem}",
            "Have it issued anew.",
        ) from problem
    return _Said(
        _extension(found, x509.KeyUsage),
        _extension(found, x509.BasicConstraints),
        _extension(found, x509.SubjectAlternativeName),
    )


def _extension(found: x509.Extensions, kind: type[_Kind]) -> _Kind | None:
    try:
        return found.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _load(certificate: Certificate) -> x509.Certificate:
    with quiet():
        return x509.load_der_x509_certificate(certificate.der)
