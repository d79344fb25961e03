"""What a phone does, written once more from docs/formats.md#phones.

Imports nothing of cucmsh: it cuts its bytes itself, and the library checks signatures
and reads certificates. It knows phones as values of bytes, and asks TVS in one go by a
function, where the product returns a question and is called again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

MOST = 65536
CTL, ITL = "CTLFile.tlv", "ITLFile.tlv"
HASHES: dict[int, hashes.HashAlgorithm] = {
    1: hashes.SHA1(),
    2: hashes.SHA256(),
    3: hashes.SHA512(),
}
SIZES = {1: 128, 2: 256, 3: 512}


class Answer(NamedTuple):
    """A TVS that showed the certificate ``server`` says this."""

    server: bytes
    status: int  # 0: known
    certificate: bytes
    roles: tuple[int, ...]


Ask = Callable[[bytes, bytes, bytes], Answer | None]  # subject, issuer, serial


class Phone(NamedTuple):
    family: str
    ctl: bytes | None
    itl: bytes | None
    cache: Mapping[bytes, tuple[int, ...]]

    @property
    def lists(self) -> list[Read]:
        return [read(raw) for raw in (self.ctl, self.itl) if raw is not None]


class End(NamedTuple):
    """``word`` is taken, same, refused or missing."""

    word: str
    after: Phone
    payload: bytes = b""


class Entry(NamedTuple):
    role: int | None
    issuer: bytes
    serial: bytes
    key: bytes | None
    certificate: bytes | None
    digest: bytes | None

    def is_of(self, certificate: bytes) -> bool:
        if self.certificate is not None:
            return self.certificate == certificate
        return self.digest == hashlib.sha1(certificate).digest()


class Read(NamedTuple):
    head: dict[int, bytes]
    signed: bytes
    entries: list[Entry]
    body: bytes

    @property
    def signer(self) -> tuple[bytes, bytes]:
        return self.head[6], self.head[5]

    @property
    def is_blank(self) -> bool:
        return all(entry.key is None for entry in self.entries)


class UnreadableError(Exception):
    """No list, no signed file, or one that its own signer did not make."""


def boot(
    phone: Phone, ctl: bytes | None, itl: bytes | None, ask: Ask
) -> tuple[list[str], Phone, tuple[str, int]]:
    """A whole round: the CTL, the ITL, and what the phone tells (words, StatusCode)."""
    first = give(phone, CTL, ctl, ask)
    ends = [first.word]
    last = first
    if phone.family != "7940":
        last = give(first.after, ITL, itl, ask)
        ends.append(last.word)
    return ends, last.after, _told(phone, ends)


def give(  # noqa: C901, PLR0911 - the rule in the order of the page
    phone: Phone, kind: str, raw: bytes | None, ask: Ask
) -> End:
    """One list is given to a phone that asked for it."""
    refused = End("refused", phone)
    if not raw:
        return End("missing", phone)
    if len(raw) > MOST or (kind == ITL and phone.family == "7940"):
        return refused
    try:
        new = read(raw)
        signer = None if raw == _held(phone, kind) else _own_signer(new)
    except UnreadableError:
        return refused
    if signer is None:
        return End("same", phone)
    taken = End("taken", _stored(phone, kind, raw))
    lists = phone.lists
    if all(held.is_blank for held in lists):
        return taken
    if signer.certificate is None:
        return refused
    for held in lists:
        if _clashes(held, new.signer, signer.key):
            return refused
        if any(
            entry.role == 0
            and entry.key == signer.key
            and entry.is_of(signer.certificate)
            for entry in held.entries
        ):
            return taken
    if not _may_ask(phone):
        return refused
    if signer.certificate in phone.cache:
        return taken if 0 in phone.cache[signer.certificate] else refused
    phone = _learned(phone, ask(new.head[4], *new.signer))
    if 0 in phone.cache.get(signer.certificate, ()):
        return End("taken", _stored(phone, kind, raw))
    return End("refused", phone)


def give_file(  # noqa: C901, PLR0911 - the rule in the order of the page
    phone: Phone, name: str, raw: bytes | None, ask: Ask
) -> End:
    """A file that is no list."""
    refused = End("refused", phone)
    if not raw:
        return End("missing", phone)
    if len(raw) > 2048 * 1024:
        return refused
    lists = phone.lists
    if not name.endswith(".sgn"):
        must_be_signed = not all(held.is_blank for held in lists)
        if must_be_signed and name.endswith(".cnf.xml"):
            return refused
        return End("taken", phone, payload=raw)
    try:
        new = _read_file(raw)
    except UnreadableError:
        return refused
    is_right = new.head[14] == name.encode() + b"\0"
    for held in lists:
        known = [entry for entry in _named(held, new.signer) if entry.role in (2, 3)]
        if known:
            keys = {(entry.key, entry.certificate) for entry in known}
            good = len(keys) == 1 and known[0].certificate and known[0].key
            if good and is_right and _fits(new, known[0].key or b""):
                return End("taken", phone, payload=new.body)
            return refused
    if not _may_ask(phone):
        return refused
    found = _cached(phone, new.signer)
    if found is None:
        phone = _learned(phone, ask(new.head[4], *new.signer))
        found = _cached(phone, new.signer)
    refused = End("refused", phone)
    if found is None or not {2, 3} & set(phone.cache[found]):
        return refused
    key = _key_of(found)
    clash = any(_clashes(held, new.signer, key) for held in lists)
    if key is None or clash or not is_right or not _fits(new, key):
        return refused
    return End("taken", phone, payload=new.body)


def read(raw: bytes) -> Read:
    """A list, its signature not yet looked at."""
    head, signed, end = _head(raw, version=b"\1\2")
    entries = []
    at = end
    while at < len(raw):
        size = int.from_bytes(raw[at + 3 : at + 5])
        if raw[at : at + 3] != b"\1\0\2" or size < 5 or at + size > len(raw):
            raise UnreadableError
        entries.append(_entry(_fields(raw[at : at + size])))
        at += size
    return Read(head, signed, entries, raw[end:])


def _read_file(raw: bytes) -> Read:
    head, signed, end = _head(raw, version=b"\1\0")
    return Read(head, signed, [], raw[end:])


def _head(raw: bytes, version: bytes) -> tuple[dict[int, bytes], bytes, int]:
    """The header's fields of all levels, the signed bytes, and where it ends."""
    end = int.from_bytes(raw[8:10])
    if raw[:5] != b"\1\0\2" + version or raw[5:8] != b"\2\0\2" or end > len(raw):
        raise UnreadableError
    fields: dict[int, bytes] = {}
    signed, at = b"", 0
    while at < end:
        if raw[at] == 13:
            signed, at = signed + raw[at : at + 1], at + 1
            continue
        tag, size = raw[at], int.from_bytes(raw[at + 1 : at + 3])
        value = raw[at + 3 : at + 3 + size]
        if at + 3 + size > end or tag in fields:
            raise UnreadableError
        fields[tag] = value
        if tag != 12:
            signed += raw[at : at + 3 + size]
        at += 3 + size
    for outer in (3, 7, 9):
        if outer not in fields:
            raise UnreadableError
        fields |= dict(_fields(fields[outer]))
    if {4, 5, 6, 8, 10, 11, 12, 14, 15} - set(fields):
        raise UnreadableError
    if not all(fields[tag].endswith(b"\0") for tag in (4, 6, 14)):
        raise UnreadableError
    return fields, signed + raw[end:], end


def _fields(raw: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(raw):
        size = int.from_bytes(raw[at + 1 : at + 3])
        if at + 3 + size > len(raw):
            raise UnreadableError
        fields[raw[at]] = raw[at + 3 : at + 3 + size]
        at += 3 + size
    return fields


def _entry(fields: dict[int, bytes]) -> Entry:
    role = int.from_bytes(fields[4]) if 4 in fields else None
    names = fields.get(5, b""), fields.get(6, b"")
    hashed = fields.get(11) if fields.get(12) == b"\1" else None
    return Entry(role, *names, fields.get(7), fields.get(9), hashed)


def _own_signer(new: Read) -> Entry:
    """The token of the list that made it."""
    tokens = [entry for entry in _named(new, new.signer) if entry.role == 0]
    if not tokens or len({entry.key for entry in tokens}) > 1:
        raise UnreadableError
    for entry in new.entries:
        if entry.certificate and _key_of(entry.certificate) != entry.key:
            raise UnreadableError
    if not _fits(new, tokens[0].key or b""):
        raise UnreadableError
    return tokens[0]


def _fits(new: Read, pkcs1: bytes) -> bool:
    """Whether the key made the signature, as the header says that it did."""
    head = new.head
    try:
        key = load_der_public_key(pkcs1)
    except ValueError:
        return False
    if not isinstance(key, rsa.RSAPublicKey) or head[10] != b"\0":
        return False
    if not key.key_size // 8 == SIZES.get(head[11][0]) == len(head[12]):
        return False
    if head[8][0] not in HASHES:
        return False
    try:
        key.verify(head[12], new.signed, padding.PKCS1v15(), HASHES[head[8][0]])
    except InvalidSignature:
        return False
    return True


def _named(held: Read, name: tuple[bytes, bytes]) -> list[Entry]:
    return [entry for entry in held.entries if (entry.issuer, entry.serial) == name]


def _clashes(held: Read, name: tuple[bytes, bytes], key: bytes | None) -> bool:
    """The list has the signer's issuer and serial number with another key."""
    return any(entry.key not in (None, key) for entry in _named(held, name))


def _may_ask(phone: Phone) -> bool:
    return phone.itl is not None and any(
        entry.role == 21 for entry in read(phone.itl).entries
    )


def _learned(phone: Phone, answer: Answer | None) -> Phone:
    """What is in the cache after TVS was asked."""
    if answer is None or answer.status != 0 or phone.itl is None:
        return phone
    servers = [entry for entry in read(phone.itl).entries if entry.role == 21]
    if not answer.certificate or not any(s.is_of(answer.server) for s in servers):
        return phone
    return phone._replace(cache={**phone.cache, answer.certificate: answer.roles})


def _cached(phone: Phone, name: tuple[bytes, bytes]) -> bytes | None:
    for certificate in phone.cache:
        found = _certificate(certificate)
        if found is None:
            continue
        issuer = found.issuer.rfc4514_string().split(",")
        spelled = name[0][:-1].decode(errors="replace").replace(";", ",").split(",")
        if sorted(issuer) == sorted(spelled) and found.serial_number == int.from_bytes(
            name[1]
        ):
            return certificate
    return None


def _key_of(certificate: bytes) -> bytes | None:
    found = _certificate(certificate)
    key = found and found.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        return None
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _certificate(der: bytes) -> x509.Certificate | None:
    """One that the library reads to its key and its names."""
    try:
        found = x509.load_der_x509_certificate(der)
        found.public_key()
        found.issuer.rfc4514_string()
    except Exception:  # noqa: BLE001 - it raises a dozen kinds, most of them undocumented
        return None
    return found


def _held(phone: Phone, kind: str) -> bytes | None:
    return phone.ctl if kind == CTL else phone.itl


def _stored(phone: Phone, kind: str, raw: bytes) -> Phone:
    """The new list is in flash, and what TVS said is forgotten."""
    cache = phone.cache if phone.family == "7940" else {}
    if kind == CTL:
        return phone._replace(ctl=raw, cache=cache)
    return phone._replace(itl=raw, cache=cache)


def _told(before: Phone, ends: list[str]) -> tuple[str, int]:
    had = (before.ctl is not None, before.itl is not None)
    newer = before.family == "78xx/88xx"
    if "refused" in ends:
        text = "Trust List update failed" if newer else "Trust List Update Failed"
        if "taken" in ends:
            return text, 7
        return text, {(1, 0): 5, (0, 0): 6, (0, 1): 8, (1, 1): 9}[had]
    taken = [end == "taken" for end in (*ends, "missing")][:2]
    if not any(taken):
        nothing = "No Trust List installed" if newer else "No Trust List Installed"
        return ("" if any(had) else nothing), -1
    is_first = not any(is_new and was for is_new, was in zip(taken, had, strict=True))
    code = {(1, 0): 2, (0, 1): 3, (1, 1): 4}[taken[0], taken[1]] if is_first else 1
    if any(had):
        return ("Trust List updated" if newer else "Trust List Updated"), code
    return {
        2: "CTL Installed",
        3: "ITL installed",
        4: "CTL and ITL installed",
    }[code], code
