"""HEP version 3: SIP messages that Kamailio or Asterisk mirror to a collector.

A head of six bytes, then chunks of vendor, type and length, in any order. Nobody is
known by it: a packet is as forgeable as what it carries.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

from cucmsh.phones.claims import ClaimError

MAGIC = b"HEP3"
CHUNK_HEAD = 6  # vendor, type, length: 16 bits each; the length counts them, too
MOST_CHUNKS = 256
SOURCES = {3: 4, 5: 16}  # type of the source's address -> bytes
SECONDS, MICROSECONDS, PROTOCOL, PAYLOAD = 9, 10, 11, 15
SIP = 1


class HepPacket(NamedTuple):
    """What was mirrored.

    Attributes:
        at: when it was taken, seconds since 1970; 0 if the packet does not say.
        address: who sent it to the SIP server; empty if the packet does not say.
        payload: the SIP message.
    """

    at: int
    address: str
    payload: bytes


def read_packet(raw: bytes) -> HepPacket | None:
    """The packet in a datagram; None if it carries something other than SIP.

    Raises:
        ClaimError: it is no HEP of version 3, or its lengths do not fit.
    """
    if raw[:4] != MAGIC or len(raw) < CHUNK_HEAD:
        raise ClaimError("a datagram that is not HEP version 3")
    whole = int.from_bytes(raw[4:6])
    if not CHUNK_HEAD <= whole <= len(raw):
        raise ClaimError(f"a HEP packet says {whole} bytes, and {len(raw)} came")
    found: dict[int, bytes] = {}
    at = CHUNK_HEAD
    for _ in range(MOST_CHUNKS):
        if at == whole:
            return _packet(found)
        length = int.from_bytes(raw[at + 4 : at + 6])
        if length < CHUNK_HEAD or at + length > whole:
            raise ClaimError(f"a chunk of a HEP packet says {length} bytes")
        if raw[at : at + 2] == b"\0\0":  # other vendors' types are their own
            kind = int.from_bytes(raw[at + 2 : at + 4])
            found.setdefault(kind, raw[at + CHUNK_HEAD : at + length])
        at += length
    raise ClaimError(f"a HEP packet has more than {MOST_CHUNKS} chunks")


def _packet(found: dict[int, bytes]) -> HepPacket | None:
    if found.get(PROTOCOL, bytes([SIP])) != bytes([SIP]):
        return None
    if PAYLOAD not in found:
        raise ClaimError("a HEP packet without a message")
    address = ""
    for kind, length in SOURCES.items():
        if len(found.get(kind, b"")) == length:
            address = str(ip_address(found[kind]))
    seconds = found.get(SECONDS, b"")
    at = int.from_bytes(seconds) if len(seconds) == 4 else 0
    return HepPacket(at, address, found[PAYLOAD])
