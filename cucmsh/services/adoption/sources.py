"""The lists that phones hold, read from where a person says that they are.

A place is a file, a directory (``ITLFile.tlv`` and ``CTLFile.tlv`` there) or
``tftp://HOST[:PORT]``, which is asked for both names. Refuses what is no list and a
list that does not verify: nothing can be concluded from it. A file of zero bytes is
no list, is said to be none, and counts as none: such files lie in many TFTP directories
to keep phones from asking again. Changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha1, sha256
from typing import NamedTuple

from cucmsh.config.model import TftpAddress
from cucmsh.errors import MissingFileError, RefusedError, StoreError, TrustListError
from cucmsh.hosts import host_port, split_host
from cucmsh.layout import CTL_FILE, LIST_FILE
from cucmsh.services.backends import Backends
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import MAX_LIST_SIZE, decode
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import Digest

LIST_NAMES = (LIST_FILE, CTL_FILE)
SUFFIX = ".tlv"
TFTP_SCHEME = "tftp://"
TFTP_PORT = 69


class FoundList(NamedTuple):
    """A list that phones hold, or an empty file in its place.

    Attributes:
        place: where it was found, as a person reads it: a path, ``tftp://HOST/NAME``.
        name: ``ITLFile.tlv`` or ``CTLFile.tlv`` and so on, by the list itself; of an
            empty file, what it is called.
        raw: its bytes.
        trust_list: what it decodes to; None for an empty file.
        signer: its record of its signer, whose signature was verified.
        may_give: whether its records may enter ours (``--adopt-list``); the others
            (``--held``) are only judged.
    """

    place: str
    name: str
    raw: bytes
    trust_list: TrustList | None
    signer: Record | None
    may_give: bool

    @property
    def sha1(self) -> str:
        """Its SHA-1 in hex, as phones and CUCM show it."""
        return sha1(self.raw, usedforsecurity=False).hexdigest()

    @property
    def sha256(self) -> str:
        """Its SHA-256 in hex."""
        return sha256(self.raw).hexdigest()

    @property
    def is_ctl(self) -> bool:
        """Whether it is a CTL: a phone judges with it and its ITL together."""
        return self.name.upper().startswith("CTL")


def read_sources(
    backends: Backends, adopted: Iterable[str], held: Iterable[str] = ()
) -> tuple[FoundList, ...]:
    """The lists at all these places, each once.

    Args:
        backends: ask TFTP, and verify.
        adopted: places whose lists' records may enter ours.
        held: places of further lists that phones may hold; of a directory every
            ``*.tlv``.

    Raises:
        MissingFileError: nothing is there, or no list in a directory or on a server.
        StoreError: it cannot be read, or is no list.
        RefusedError: a list does not verify.
        ConnectionFailedError: the TFTP server does not answer.
        UsageError: the address of one cannot be read.
    """
    found: dict[str, FoundList] = {}
    for places, may_give in ((adopted, True), (held, False)):
        for place in places:
            for where, name, raw in _files_at(backends, place, every=not may_give):
                read = _read(backends, where, name, raw, may_give=may_give)
                found.setdefault(read.sha256 if raw else where, read)
    return tuple(found.values())


def digest_for(found: Iterable[FoundList]) -> str:
    """The digest for a new node's lists: SHA-1 where a list that phones hold has it.

    Phones that read it may know no other; all that read SHA-512 read SHA-1, too
    (docs/formats.md#header).
    """
    digests = [at.trust_list.header.digest for at in found if at.trust_list]
    return "sha1" if Digest.SHA1 in digests else "sha512"


def _files_at(
    backends: Backends, place: str, *, every: bool
) -> Iterator[tuple[str, str, bytes]]:
    """Where each list lies, its name there, and its bytes."""
    if place.startswith(TFTP_SCHEME):
        yield from _files_served(backends, place)
        return
    if os.path.isdir(place):
        yield from _files_in(place, every=every)
        return
    folder, name = os.path.split(os.path.realpath(place))
    if not name:
        raise StoreError(f"{place} is no file and no directory")
    try:
        yield place, os.path.basename(place), LocalStore(folder).read(name)
    except MissingFileError as problem:
        raise MissingFileError(
            f"{place} is not there",
            "Name a list, the directory that it lies in, or tftp://HOST.",
        ) from problem


def _files_in(folder: str, *, every: bool) -> Iterator[tuple[str, str, bytes]]:
    store = LocalStore(folder)
    there = store.names()
    names = [name for name in LIST_NAMES if name in there]
    if every:
        names += [n for n in there if n.endswith(SUFFIX) and n not in LIST_NAMES]
    if not names:
        raise MissingFileError(
            f"{folder} holds neither {' nor '.join(LIST_NAMES)}",
            "Name the directory that the TFTP service serves, or the list itself.",
        )
    for name in names:
        yield os.path.join(folder, name), name, store.read(name)


def _files_served(backends: Backends, place: str) -> Iterator[tuple[str, str, bytes]]:
    host, port = split_host(place.removeprefix(TFTP_SCHEME).rstrip("/"), TFTP_PORT)
    where = f"{TFTP_SCHEME}{host_port(host, port)}"
    is_there = False
    for name in LIST_NAMES:
        with suppress(MissingFileError):
            raw = backends.read_back(TftpAddress(host, port), name)
            is_there = True
            yield f"{where}/{name}", name, raw
    if not is_there:
        raise MissingFileError(
            f"{where} has neither {' nor '.join(LIST_NAMES)}",
            "A CUCM gives CTLSEP and ITLSEP only to phones that it knows; take the "
            "files from it with `file get tftp ITLFile.tlv`.",
        )


def _read(
    backends: Backends, place: str, name: str, raw: bytes, *, may_give: bool
) -> FoundList:
    if not raw:
        return FoundList(place, name, raw, None, None, may_give)
    if len(raw) > MAX_LIST_SIZE:
        raise StoreError(
            f"{place} has {len(raw)} bytes; a trust list has at most {MAX_LIST_SIZE}"
        )
    try:
        trust_list = decode(raw)
    except TrustListError as problem:
        raise StoreError(
            f"{place} is no trust list: {problem.message}",
            "Look at it with `cucmsh verify`.",
        ) from problem
    verdict = check(trust_list, backends.verifier())
    if not verdict.is_valid:
        raise RefusedError(
            f"{place} does not verify: {verdict.reason}",
            "No phone can have taken it in this form. Take the file that phones were "
            "served; `cucmsh verify` says more.",
        )
    inside = trust_list.header.file_name
    return FoundList(place, inside or name, raw, trust_list, verdict.signer, may_give)
