"""One line of OpenSSH's known_hosts format: whom it is about, and which key.

Read exactly as sshd(8) describes and OpenSSH 9.2 does, quirks included; the table in
tests/remote/test_known_hosts_table.py compares. A line that OpenSSH would not
understand is no line. Hashed names are for reading only; ours are plain.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as Base64Error
from typing import NamedTuple

PLAIN, REVOKED, AUTHORITY = "", "@revoked", "@cert-authority"
HASHED = "|1|"
HASH_SIZE = 20  # bytes of HMAC-SHA1, and of its salt
MAX_PATTERN = 1022  # characters; OpenSSH matches no longer one
BLANKS = " \t"
FIELDS = {"ssh-rsa": 3, "ssh-ed25519": 2, "ssh-dss": 5}  # strings in a key
ECDSA_FIELDS = 3
SIGNATURES = ("rsa-sha2-256", "rsa-sha2-512")  # of an ssh-rsa key; names it as well


class KnownLine(NamedTuple):
    """A line that says something: its marker, the hosts field, the key's bytes."""

    marker: str
    hosts: str
    kind: str
    blob: bytes

    def is_about(self, label: str) -> bool:
        """Whether it speaks of ``label``: ``host``, or ``[host]:port``; lower case."""
        if self.hosts.startswith("|"):
            return _is_hash_of(self.hosts, label)
        found = False
        for pattern in self.hosts.split(","):
            if len(pattern) > MAX_PATTERN:
                return False
            if _matches(pattern.removeprefix("!").lower(), label):
                if pattern.startswith("!"):
                    return False
                found = True
        return found


def read_line(line: str) -> KnownLine | None:
    """What a line says; None for comments, blank lines and whatever is no entry."""
    rest = line.rstrip("\n").lstrip(BLANKS)
    if not rest or rest.startswith("#"):
        return None
    marker = PLAIN
    if rest.startswith("@"):
        marker, rest = _split(rest, " " if " " in rest else "\t")
        if marker not in (REVOKED, AUTHORITY) or rest.startswith("@"):
            return None
    hosts, rest = _field(rest)
    name, rest = _field(rest)
    text, _ = _field(rest)
    blob = _decoded(text)
    kind = _kind_of(blob)
    if not hosts or not kind or not _is_name_of(name, kind):
        return None
    return KnownLine(marker, hosts, kind, blob)


def _split(text: str, separator: str) -> tuple[str, str]:
    first, _, rest = text.partition(separator)
    return first, rest.lstrip(BLANKS)


def _field(text: str) -> tuple[str, str]:
    ends = [place for blank in BLANKS if (place := text.find(blank)) >= 0]
    end = min(ends, default=len(text))
    return text[:end], text[end:].lstrip(BLANKS)


def _decoded(text: str) -> bytes:
    try:
        return b64decode("".join(text.split()), validate=True)
    except (Base64Error, ValueError):
        return b""


def _kind_of(blob: bytes) -> str:
    """The type a key names itself; empty unless the key is whole to the byte."""
    fields, place = [], 0
    while place + 4 <= len(blob):
        size = int.from_bytes(blob[place : place + 4])
        fields.append(blob[place + 4 : place + 4 + size])
        place += 4 + size
    kind = fields[0].decode("ascii", "replace") if fields else ""
    wanted = FIELDS.get(kind, ECDSA_FIELDS if kind.startswith("ecdsa-sha2-") else 0)
    return kind if place == len(blob) and len(fields) == wanted else ""


def _is_name_of(name: str, kind: str) -> bool:
    return name == kind or (kind == "ssh-rsa" and name in SIGNATURES)


def _matches(pattern: str, label: str) -> bool:
    """Shell wildcards ``*`` and ``?``, and no others: brackets are themselves."""
    place = back = 0
    star = -1
    at = 0
    while at < len(label):
        if place < len(pattern) and pattern[place] == "*":
            star, back = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", label[at]):
            place += 1
            at += 1
        elif star >= 0:  # let the last star take one character more
            back += 1
            place, at = star + 1, back
        else:
            return False
    return not pattern[place:].strip("*")


def _is_hash_of(hosts: str, label: str) -> bool:
    parts = hosts.removeprefix(HASHED).split("|")
    if not hosts.startswith(HASHED) or len(parts) != 2:
        return False
    salt, digest = _decoded(parts[0]), _decoded(parts[1])
    if len(salt) != HASH_SIZE or len(digest) != HASH_SIZE:
        return False
    return hmac.digest(salt, label.encode(), "sha1") == digest
