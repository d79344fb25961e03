"""What was brought to a replica and proven there: a hint, so that it is not read again.

Ten thousand files cannot be read back at every start. An entry says which bytes a
replica had, and what its file system said of them then: size and time of writing. As
long as it says the same, and our file has the same digest, the file is taken for ours.
What this does not notice: somebody on the replica who changes a file and sets its size
and time back. Samples are read for that (see ``push``), and removing
``state/replica-NAME`` has everything read again. No entry is ever proof that TFTP
serves a file.

A manifest that is missing or broken reads as empty: all is compared anew.
"""

from __future__ import annotations

import json
import zlib
from contextlib import suppress
from typing import NamedTuple

from cucmsh.cluster.store import MAX_FILE_SIZE, Listed, Store
from cucmsh.digests import sha256
from cucmsh.errors import StoreError

MAX_TEXT_SIZE = 64 << 20  # bytes of unpacked entries; ours are far below


class Entry(NamedTuple):
    """One file of the replica: digest of its bytes, and its size and time there."""

    digest: str
    there: Listed


Manifest = dict[str, Entry]


def digest_of_file(raw: bytes) -> str:
    """128 bits of SHA-256 in hex: enough to tell our own files apart."""
    return sha256(raw).hexdigest()[:32]


def read_manifest(home: Store, node: str) -> Manifest:
    """The entries by file name."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(home.read(_path(node)), MAX_TEXT_SIZE)
        return {
            str(name): Entry(str(digest), Listed(int(size), int(modified)))
            for name, (digest, size, modified) in json.loads(text).items()
        }
    except (StoreError, zlib.error, ValueError, TypeError, AttributeError):
        return {}


def write_manifest(home: Store, node: str, manifest: Manifest) -> None:
    """Keep the entries; more than a store takes are not kept, and compared anew."""
    plain = {name: [entry.digest, *entry.there] for name, entry in manifest.items()}
    packed = zlib.compress(json.dumps(plain).encode())
    if len(packed) > MAX_FILE_SIZE:
        home.remove(_path(node))
        return
    with suppress(StoreError):  # it is a hint
        home.write(_path(node), packed)


def forget_manifest(home: Store, node: str) -> None:
    """For a replica that is no node any more."""
    home.remove(_path(node))


def _path(node: str) -> str:
    return f"state/replica-{node}"
