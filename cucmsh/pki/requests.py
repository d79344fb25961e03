"""Certificate signing requests (PKCS#10): made, read, and paired with what comes back.

The key and its request are one file, as key and certificate are (docs/decisions/017).
Whoever signs it may change what it asks for; only the key must be this one.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cucmsh.errors import CertificateError
from cucmsh.names import read_subject
from cucmsh.pki.certificates import (
    extended_key_usage_of,
    key_usage_of,
    listed_key,
    written_name,
)
from cucmsh.pki.credential import Credential, read_key
from cucmsh.pki.keys import DEFAULT_KEY_BITS, DEFAULT_KIND, KINDS
from cucmsh.pki.model import Certificate, Unit

REQUEST_BEGINS = b"-----BEGIN CERTIFICATE REQUEST-----"


class SigningRequest(NamedTuple):
    """A request as it is shown.

    Attributes:
        pem: PKCS#10, as openssl and every authority reads it.
        common_name: the CN that it asks for.
        hosts: the DNS names that it asks for.
        key_type: ``RSA``.
        key_bits: of the key.
    """

    pem: bytes
    common_name: str
    hosts: tuple[str, ...]
    key_type: str
    key_bits: int


def make_request(
    unit: Unit,
    common_name: str,
    subject: str,
    host: str,
    *,
    key_bits: int = DEFAULT_KEY_BITS,
) -> bytes:
    """A fresh key and its request, PEM: mode 0600 only.

    Args:
        unit: whose usages it asks for.
        common_name: the CN.
        subject: the rest of the name, e.g. ``OU=tac;O=cisco;L=rtp;ST=nc;C=US``.
        host: the DNS name; empty for none.
        key_bits: size of the key.

    Raises:
        NamingError: the subject is none.
        CertificateError: the name cannot be written into a request.
    """
    key = KINDS[DEFAULT_KIND].generate(key_bits)
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(written_name({"CN": common_name, **read_subject(subject)}))
        # No authority lets somebody else's certificate sign certificates.
        .add_extension(key_usage_of(unit, without="key_cert_sign"), critical=False)
        .add_extension(extended_key_usage_of(unit), critical=False)
    )
    if host:
        try:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
        except ValueError as problem:
            raise CertificateError(
                f"{host} cannot be written into a request: {problem}",
                "Correct the node's name and the domain.",
            ) from problem
        builder = builder.add_extension(names, critical=False)
    request = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return bytes(private) + request.public_bytes(Encoding.PEM)


def read_request(raw: bytes) -> SigningRequest:
    """The request that ``make_request`` wrote, without its key.

    Raises:
        CertificateError: there is none in it.
    """
    start = raw.find(REQUEST_BEGINS)
    try:
        parsed = x509.load_pem_x509_csr(raw[max(start, 0) :])
        key = listed_key(parsed.public_key())
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        hosts = tuple(found.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        hosts = ()
    except ValueError as problem:
        raise CertificateError(f"the request cannot be read: {problem}") from problem
    names = parsed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return SigningRequest(
        parsed.public_bytes(Encoding.PEM),
        str(names[0].value) if names else "",
        hosts,
        key.kind,
        key.bits,
    )


def pair_with(raw: bytes, certificate: Certificate) -> Credential:
    """The key of a request with the certificate that came back for it.

    Raises:
        CertificateError: it is the certificate of another key.
    """
    return Credential(read_key(raw, is_own=True), certificate)
