"""A verifier that shares no line with the product: docs/formats.md.

RSA is one ``pow``, the digest is hashlib's, the rest is cutting bytes.
"""

from __future__ import annotations

import functools
import hashlib
from typing import NamedTuple

SAST, CCM_TFTP, TFTP = 0, 2, 3
CONTAINERS = {3, 7, 9}  # of a header: their children are laid out inline
DIGESTS = {
    1: ("sha1", bytes.fromhex("3021300906052b0e03021a05000414")),
    3: ("sha512", bytes.fromhex("3051300d060960864801650304020305000440")),
}


class Listed(NamedTuple):
    """One record: role code, names, and the certificate or its SHA-1."""

    role: int
    subject: str
    issuer: str
    serial: bytes
    key: bytes
    certificate: bytes
    certificate_hash: bytes


class Read(NamedTuple):
    """A list whose signature this module found good, by the record ``signed_by``."""

    signer: str
    timestamp: int
    records: tuple[Listed, ...]
    body: bytes
    signed_by: Listed

    @property
    def recovery(self) -> Listed:
        """The ITLRECOVERY record."""
        serving = {
            record.certificate
            for record in self.records
            if record.role in (TFTP, CCM_TFTP)
        }
        return next(
            record
            for record in self.records
            if record.role == SAST and record.certificate not in serving
        )

    @property
    def is_reset(self) -> bool:
        return self.signer == self.recovery.subject


@functools.cache
def read(raw: bytes) -> Read:
    """The list in ``raw``.

    Raises:
        AssertionError: it is torn, or its signature is not that of one of its SAST
            records.
    """
    size = int.from_bytes(raw[8:10])
    assert raw[:2] == b"\x01\x00", "no trust list"
    assert 0 < size <= len(raw), "the header is cut"
    header, places = _fields(raw[:size], CONTAINERS)
    records, rest = [], raw[size:]
    while rest:
        length = int.from_bytes(rest[3:5])
        assert rest[:3] == b"\x01\x00\x02", "no record begins here"
        assert 5 <= length <= len(rest), "the last record is cut"
        records.append(_listed(_fields(rest[:length], set())[0]))
        rest = rest[length:]
    signer = _text(header[4])
    start = places[12]
    signed = raw[:start] + raw[start + 3 + len(header[12]) :]
    signed_by = next(
        record
        for record in records
        if record.role == SAST
        and (record.issuer, record.serial) == (_text(header[6]), header[5])
    )
    _check(signed, header[12], signed_by.key, header[8][0])
    time = int.from_bytes(header[15])
    return Read(signer, time, tuple(records), raw[size:], signed_by)


def signed_by(raw: bytes, record: Listed) -> bool:
    """Whether the signed file in ``raw`` says that it is the record's, and is."""
    header, places = _fields(raw[: int.from_bytes(raw[8:10])], CONTAINERS)
    if (_text(header[6]), header[5]) != (record.issuer, record.serial):
        return False
    start = places[12]
    signed = raw[:start] + raw[start + 3 + len(header[12]) :]
    _check(signed, header[12], record.key, header[8][0])
    return True


def _fields(
    raw: bytes, containers: set[int]
) -> tuple[dict[int, bytes], dict[int, int]]:
    """Values and first bytes of the fields, by tag."""
    values: dict[int, bytes] = {}
    places: dict[int, int] = {}
    at = 0
    while at < len(raw):
        tag = raw[at]
        if tag == 13:  # padding: one byte
            at += 1
            continue
        length = 0 if tag in containers else int.from_bytes(raw[at + 1 : at + 3])
        values[tag], places[tag] = raw[at + 3 : at + 3 + length], at
        assert len(values[tag]) == length, f"field {tag} is cut"
        at += 3 + length
    return values, places


def _listed(fields: dict[int, bytes]) -> Listed:
    names = (_text(fields[3]), _text(fields[5]))
    role = int.from_bytes(fields[4])
    certificate, of_it = fields.get(9, b""), fields.get(11, b"")
    return Listed(role, *names, fields[6], fields[7], certificate, of_it)


def _text(raw: bytes) -> str:
    assert raw.endswith(b"\0"), "a text has no end"
    return raw[:-1].decode()


def _check(signed: bytes, signature: bytes, key: bytes, code: int) -> None:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2), with the whole block compared."""
    modulus, exponent = _two_integers(key)
    name, prefix = DIGESTS[code]
    digest = prefix + hashlib.new(name, signed).digest()
    size = (modulus.bit_length() + 7) // 8
    block = b"\0\1" + b"\xff" * (size - len(digest) - 3) + b"\0" + digest
    opened = pow(int.from_bytes(signature), exponent, modulus)
    assert opened.to_bytes(size) == block, "the signature does not verify"


def _two_integers(der: bytes) -> tuple[int, int]:
    """Modulus and exponent of a PKCS#1 RSAPublicKey (RFC 8017 appendix A.1.1)."""
    _, inside, _ = _element(der)
    _, modulus, rest = _element(inside)
    _, exponent, _ = _element(rest)
    return int.from_bytes(modulus), int.from_bytes(exponent)


def _element(der: bytes) -> tuple[int, bytes, bytes]:
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    return der[0], der[start : start + length], der[start + length :]
