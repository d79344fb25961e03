"""What of a node is in a backup set, and how it becomes a tar.

PLATFORM has the configuration, keys and certificates; CCMDB what was served and to
whom, known hosts; TFTP the phones' files. Left out: the security password, which opens
the set; the passwords of backup devices; logs; the inventory, which is made of claims
and is imported anew.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from functools import partial
from typing import NamedTuple, Protocol

from cucmsh.errors import MissingFileError, StoreError, UsageError
from cucmsh.layout import (
    CCM_VERIFIER,
    HISTORY,
    IDENTITY_FOLDER,
    KNOWN_HOSTS,
    LIST_FILE,
    NODE,
    NODES,
    PUBLISHED,
    SECRETS_FOLDER,
    SECURITY_FOLDER,
    SECURITY_PASSWORD,
    SERVED_MODE,
    SERVED_TIMES,
    facts_file,
)
from cucmsh.secret import Secret
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.records import as_one
from cucmsh.services.records.as_one import CONFIGURATION
from cucmsh.services.site import Site

FEATURE = "UCM"
PLATFORM, DATABASE, TFTP = "PLATFORM", "CCMDB", "TFTP"
HOME = "home/"  # below it files are called as in the home
MEMBER = "member.json"  # what another member tells of itself
BLOCK = tarfile.BLOCKSIZE


class _Opened(Protocol):
    @property
    def size(self) -> int:
        """Bytes."""

    def pieces(self) -> Iterator[bytes]:
        """Its bytes from the start."""


class Entry(NamedTuple):
    """A file for a tar; ``opened`` is called when its turn has come."""

    name: str
    opened: Callable[[], AbstractContextManager[_Opened]]
    mode: int = 0o600


class Bytes(NamedTuple):
    """Bytes in memory, as an open file."""

    raw: bytes

    @property
    def size(self) -> int:
        return len(self.raw)

    def pieces(self) -> Iterator[bytes]:
        yield self.raw


def require_features(features: str) -> None:
    """Refuse others than the one feature that a cluster of ours has.

    Raises:
        UsageError: the message names it.
    """
    if features.upper() != FEATURE:
        raise UsageError(
            f"there is no feature {features}", f"Valid features are {FEATURE}."
        )


class OwnParts(NamedTuple):
    """What a node has of its own but the phones' files, at one moment.

    Attributes:
        password: the security password, which its key files open with.
        entries: of PLATFORM and CCMDB.
    """

    password: Secret
    entries: dict[str, list[Entry]]


def own_parts(site: Site) -> OwnParts:
    """Read PLATFORM and CCMDB of this node, and their password, under its lock."""
    with site.node_lock("a backup"):
        home = site.home
        password = Secret(as_one.read(home, SECURITY_PASSWORD).decode())
        names = list(home.tree())
        store, name = split_path(site.settings.path)
        found: dict[str, bytes] = {CONFIGURATION: store.read(name)}
        served = served_list(site)
        if served is not None:
            found[LIST_FILE] = served
        for each in names:
            if _belongs(each):
                with suppress(MissingFileError):
                    found[f"{HOME}{each}"] = as_one.read(home, each)
    parts: dict[str, list[Entry]] = {PLATFORM: [], DATABASE: []}
    for at, raw in found.items():
        part = PLATFORM if _is_platform(at) else DATABASE
        parts[part].append(entry_of(at, raw))
    return OwnParts(password, parts)


def entry_of(name: str, raw: bytes) -> Entry:
    """Bytes as an entry."""
    return Entry(name, lambda: nullcontext(Bytes(raw)))


def tftp_part(site: Site) -> Iterator[Entry]:
    """The phones' files, each opened when it is its turn."""
    if not site.node.has_tftp:
        return
    store = site.tftp
    for name in store.tree():
        if name != LIST_FILE:
            yield Entry(name, partial(store.opened, name), SERVED_MODE)


def estimated_bytes(site: Site) -> int:
    """How large a set of this node would be, without its other members; about."""
    sizes = [each.size for name, each in site.home.tree().items() if _belongs(name)]
    if site.node.has_tftp:
        sizes += [each.size for each in site.tftp.tree().values()]
    return sum(_padded(size) + BLOCK for size in sizes)


def tar_pieces(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The bytes of a tar (pax) with these files; memory holds a piece at a time.

    A file that was removed meanwhile is left out.

    Raises:
        StoreError: one changed while it was read.
    """
    for entry in entries:
        with ExitStack() as opened:
            try:
                file = opened.enter_context(entry.opened())
            except MissingFileError:
                continue
            yield _header(entry, file.size)
            sent = 0
            for piece in file.pieces():
                sent += len(piece)
                if sent > file.size:
                    break
                yield piece
            if sent != file.size:
                raise StoreError(
                    f"{entry.name} changed while it was read", "Run the backup again."
                )
            yield bytes(_padded(sent) - sent)
    yield bytes(2 * BLOCK)


def read_small(raw: bytes) -> dict[str, bytes]:
    """The files of a tar in memory, which is of a verified set.

    Raises:
        StoreError: it is no tar, or holds other things than files.
    """
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is None:
                    raise StoreError(f"{member.name} in the set is no file")
                found[member.name] = file.read()
    except tarfile.TarError as problem:
        raise StoreError(f"the set holds no tar: {problem}") from problem
    return found


def _header(entry: Entry, size: int) -> bytes:
    about = tarfile.TarInfo(entry.name)
    about.size, about.mode = size, entry.mode
    return about.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _belongs(name: str) -> bool:
    if name.startswith(f"{SECRETS_FOLDER}/"):  # passwords, also ones to come
        return name == CCM_VERIFIER
    return name.startswith((f"{SECURITY_FOLDER}/", f"{IDENTITY_FOLDER}/")) or (
        name in (SERVED_TIMES, KNOWN_HOSTS, *map(facts_file, (NODE, NODES, PUBLISHED)))
        or name.startswith(f"{HISTORY}/")
    )


def _is_platform(name: str) -> bool:
    inside = name.removeprefix(HOME)
    return name == CONFIGURATION or inside.startswith(
        (f"{SECURITY_FOLDER}/", f"{IDENTITY_FOLDER}/")
    )
