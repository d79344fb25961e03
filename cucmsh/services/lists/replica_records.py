"""The records that a publisher keeps on a replica: whose it is, what was brought.

They lie in ``.cucmsh`` in the account's home there, outside what TFTP serves, for they
name the files of all phones. The folder is named after the TFTP directory, for one
account may serve several.

``publisher`` says which publisher brings files there, by its id (``node_id``). Only
that one does; another one, such as a rebuilt publisher, or the old one that comes back,
is refused until a person lets it take over (``node add``). It keeps honest machines
apart, and proves nothing.

``files`` says which bytes were brought under which name, and what the file system said
of them then: size and time of writing. Only files that stand there, with the bytes that
stand there, are ever removed. As long as the file system says the same, and our file
has the same digest, the file need not be read again: ten thousand cannot be read back
at every start. What this does not notice: somebody on the replica who changes a file
and sets its size and time back. Samples are read for that (``replica_signed_files``).
No entry is ever proof that TFTP serves a file. A list of files that is missing or
broken reads as empty: all is compared anew, and nothing is removed. One that cannot be
read is left alone, and the replica is pending: what is gone here would stay there.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import MissingFileError, RefusedError, StoreError
from cucmsh.layout import (
    replica_folder,
    replica_manifest,
    replica_plain_manifest,
    replica_publisher,
)
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.site import Site
from cucmsh.storage.store import MAX_FILE_SIZE, Listed, Store, split_name

MAX_TEXT_SIZE = 64 << 20  # bytes of unpacked entries; ours are far below
MAX_FAULTS = 20  # files that a replica does not take, before a push gives it up
MAX_NAME = 300  # letters of a publisher's name that are believed
UNREADABLE = "?"  # the id of a publisher whose record cannot be read


class Entry(NamedTuple):
    """One file of the replica.

    Attributes:
        digest: of its bytes.
        there: its size and time there; ``NOT_THERE`` while it is being brought.
        earlier: digest of what it replaces, which lies there if the push died.
    """

    digest: str
    there: Listed
    earlier: str = ""


Manifest = dict[str, Entry]
NOT_THERE = Listed(-1, -1)


class Publisher(NamedTuple):
    """Who brings files to a replica: its id, and its name when that was written."""

    id: str
    name: str


def digest_of_file(raw: bytes) -> str:
    """128 bits of SHA-256 in hex: enough to tell our own files apart."""
    return sha256(raw).hexdigest()[:32]


def ourselves(site: Site) -> Publisher:
    """This node as it signs what it brings."""
    return Publisher(own_id(site), site.settings.cluster.full_name(site.node))


def read_publisher(home: Store, node: Node) -> Publisher | None:
    """Who brings files to the replica; None if nobody does yet.

    Args:
        home: the home of the account there.
        node: the replica.

    Raises:
        StoreError, ConnectionFailedError: it cannot be asked.
    """
    return ask_publisher(home, node)()


def ask_publisher(home: Store, node: Node) -> Callable[[], Publisher | None]:
    """``read_publisher`` in two halves: asks now; the call that it returns waits."""
    read = home.start_read(replica_publisher(node.tftp_directory))

    def finish() -> Publisher | None:
        try:
            found = json.loads(read())
            known = Publisher(str(found["id"]), str(found["name"])[:MAX_NAME])
        except MissingFileError:
            return None
        except (ValueError, TypeError, KeyError):
            return Publisher(UNREADABLE, "unknown")
        is_whole = known.id and f"{known.id}{known.name}".isprintable()
        return known if is_whole else Publisher(UNREADABLE, "unknown")

    return finish


def require_ours(site: Site, home: Store, node: Node) -> bool:
    """Refuse a replica of another publisher; return whether it is ours already.

    False: nobody has claimed it yet.

    Raises:
        RefusedError: another publisher brings files there.
    """
    return refuse_another(site, node, read_publisher(home, node))


def refuse_another(site: Site, node: Node, known: Publisher | None) -> bool:
    """``require_ours``, where it is known already who brings files there."""
    if known is None:
        return False
    if known.id != own_id(site):
        raise RefusedError(
            f"{node.name} belongs to another publisher ({whose(known)}) and was left "
            f"alone; `cucmsh node add {node.name}` takes it over",
            f"If it is rightly the other's: cucmsh node remove {node.name}",
        )
    return True


def whose(known: Publisher) -> str:
    """The name and id of another publisher, for a sentence."""
    if known.id == UNREADABLE:
        return "the record of it there cannot be read"
    return f"{known.name}, id {known.id[:12]}"


def claim(site: Site, home: Store, node: Node, agreed: Publisher | None) -> None:
    """Write that the replica is ours.

    Files that the earlier publisher brought stay listed, so that they go when this one
    has none of that name.

    Args:
        site: this node, the publisher.
        home: the home of the account there.
        node: the replica.
        agreed: the other publisher from whom a person lets it be taken; None if no
            person was asked.

    Raises:
        RefusedError: it belongs to another publisher than was agreed upon.
        StoreError: the record cannot be written.
    """
    if agreed is None or read_publisher(home, node) != agreed:
        require_ours(site, home, node)
    own = ourselves(site)
    home.make_folder(replica_folder(node.tftp_directory), 0o700)
    record = {**own._asdict(), "tftp_directory": node.tftp_directory, "version": 1}
    raw = json.dumps(record, sort_keys=True).encode() + b"\n"
    home.write(replica_publisher(node.tftp_directory), raw)


def let_go(site: Site, home: Store, node: Node) -> None:
    """Take our records off the replica: another publisher may claim it unasked."""
    known = read_publisher(home, node)
    if known and known.id == own_id(site):
        home.remove(replica_manifest(node.tftp_directory))
        home.remove(replica_plain_manifest(node.tftp_directory))
        home.remove(replica_publisher(node.tftp_directory))


def read_manifest(home: Store, node: Node) -> Manifest:
    """The signed files, by name relative to the TFTP directory there.

    Raises:
        StoreError, ConnectionFailedError: it is there and cannot be read.
    """
    return _read(home, replica_manifest(node.tftp_directory))


def read_plain_manifest(home: Store, node: Node) -> Manifest:
    """The plain files, in the same way."""
    return _read(home, replica_plain_manifest(node.tftp_directory))


def _read(home: Store, path: str) -> Manifest:
    try:
        raw = home.read(path)
    except MissingFileError:
        return {}
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(raw, MAX_TEXT_SIZE)
        return {
            str(name): Entry(
                str(digest), Listed(int(size), int(modified)), *map(str, earlier)
            )
            for name, (digest, size, modified, *earlier) in json.loads(text).items()
            if split_name(name)
        }
    except (StoreError, zlib.error, ValueError, TypeError, AttributeError):
        return {}


def write_manifest(home: Store, node: Node, manifest: Manifest) -> None:
    """Keep the entries of signed files.

    Raises:
        StoreError: they cannot be written, or are more than a store takes.
    """
    _write(home, node, replica_manifest(node.tftp_directory), manifest)


def write_plain_manifest(home: Store, node: Node, manifest: Manifest) -> None:
    """Keep the entries of plain files, in the same way."""
    _write(home, node, replica_plain_manifest(node.tftp_directory), manifest)


def _write(home: Store, node: Node, path: str, manifest: Manifest) -> None:
    plain = {
        name: [
            entry.digest,
            *entry.there,
            *([entry.earlier] if entry.earlier else []),
        ]
        for name, entry in manifest.items()
    }
    packed = zlib.compress(json.dumps(plain, sort_keys=True).encode())
    if len(packed) > MAX_FILE_SIZE:
        raise StoreError(
            f"{len(manifest)} files are more than can be kept account of on "
            f"{node.name}",
            "Take files out of the TFTP directory that phones do not need there.",
        )
    home.write(path, packed)
