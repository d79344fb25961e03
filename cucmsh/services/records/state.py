"""Small facts that a node remembers between commands, each a TOML file in ``state/``.

A file that is missing, broken or of another shape reads as nothing remembered: the
truth is always in the lists and keys themselves.
"""

from __future__ import annotations

import tomllib
from functools import lru_cache
from typing import NamedTuple

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.layout import KEEP, LIST_FILE, PUBLISHED, facts_file
from cucmsh.storage.store import Store

TIMESTAMP_FIELD = bytes((15, 0, 4))  # tag and length, in every list's header


class Published(NamedTuple):
    """The list this node composed or took over last.

    Attributes:
        sha256: hex digest of its bytes; only such a list is re-signed unasked
            (docs/decisions/011).
        timestamp: the latest TIMESTAMP up to now, Unix time; the next one is later.
        remark: what an administrator should know about it; empty if nothing.
        earlier: digest of the one before, which is what is still served after a crash
            between remembering a list and putting it in place.
    """

    sha256: str
    timestamp: int
    remark: str = ""
    earlier: str = ""


def read_published(home: Store) -> Published | None:
    """The remembered list; None if there is none, or the file is broken."""
    found = recall(home, PUBLISHED)
    try:
        timestamp = int(str(found["timestamp"]))
        return Published(
            str(found["sha256"]),
            timestamp,
            str(found["remark"]),
            str(found.get("earlier", "")),
        )
    except (KeyError, TypeError, ValueError):
        return None


def write_published(home: Store, published: Published, served: str = "") -> None:
    """Remember a list that is about to be served, and the one that it replaces.

    After a crash between the two, the earlier one is still served. It is ``served``
    (SHA-256) where that is one of the two that are remembered, for there may have been
    several crashes; else the last one. The timestamp is the latest of both lists: a
    subscriber takes over lists of a publisher whose clock may be behind.
    """
    last = read_published(home)
    if last:
        is_new = last.sha256 != published.sha256
        before = served if served == last.earlier else last.sha256
        published = published._replace(
            timestamp=max(published.timestamp, last.timestamp),
            earlier=before if is_new else last.earlier,
        )
    remember(home, PUBLISHED, published._asdict())


def serves_published(home: Store, tftp: Store) -> bool:
    """Whether no list lies in the TFTP directory but, by its time, the remembered one.

    For a login, which hashes nothing: a list has it in a field of its header.
    """
    try:
        raw, published = tftp.read(LIST_FILE), read_published(home)
    except StoreError:
        return True
    if published is None or not 0 < published.timestamp < 1 << 32:
        return False
    return TIMESTAMP_FIELD + published.timestamp.to_bytes(4, "big") in raw


def recall(home: Store, name: str) -> dict[str, object]:
    """The remembered facts of that name; empty if there are none."""
    try:
        return recalled(home.read(facts_file(name)))
    except MissingFileError:
        return {}


def recalled(raw: bytes) -> dict[str, object]:
    """The facts in the bytes of such a file; empty if it is damaged."""
    try:
        facts = _parsed(raw)
    except ValueError:
        return {}
    return {key: _own(value) for key, value in facts.items()}


# A reset asks twenty times what its nodes are called: the bytes are read each time, but
# those of 32 nodes take milliseconds to parse.
@lru_cache(maxsize=16)
def _parsed(raw: bytes) -> dict[str, object]:
    return tomllib.loads(raw.decode())


def _own(value: object) -> object:
    """What a caller may change without changing what others are given."""
    if isinstance(value, dict):
        return {key: _own(inner) for key, inner in value.items()}
    return [_own(inner) for inner in value] if isinstance(value, list) else value


def remember(home: Store, name: str, facts: dict[str, object]) -> None:
    """Keep texts, numbers and lists of texts under a name."""
    lines = [f"{key} = {_value(value)}\n" for key, value in facts.items()]
    home.write(facts_file(name), "".join(lines).encode())


def forget(home: Store, name: str) -> None:
    """Remove the facts of that name, if there are any."""
    home.remove(facts_file(name))


def _value(value: object) -> str:
    if isinstance(value, str):
        # A file name may hold bytes that are no UTF-8 (lone surrogates here), which no
        # TOML file can hold: they are kept as the text of their escapes.
        value = value.encode("utf-8", "backslashreplace").decode()
        # A basic string: what is not plain is written by its number.
        plain = (c if c.isprintable() and c not in '"\\' else None for c in value)
        pairs = zip(plain, value, strict=True)
        return '"' + "".join(p or f"\\U{ord(c):08x}" for p, c in pairs) + '"'
    if isinstance(value, list):
        return f"[{', '.join(_value(entry) for entry in value)}]"
    return repr(value)


def keep_mark(home: Store) -> str:
    """SHA-256 of the list that every TFTP start must serve as it is, or empty."""
    return str(recall(home, KEEP).get("sha256", ""))


def set_keep_mark(home: Store, sha256: str) -> None:
    """Have every TFTP start serve the list with that SHA-256 (hex) as it is."""
    remember(home, KEEP, {"sha256": sha256})


def clear_keep_mark(home: Store, sha256: str) -> None:
    """Remove the mark if it still names that list."""
    if keep_mark(home) == sha256:
        forget(home, KEEP)
