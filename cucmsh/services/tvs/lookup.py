"""What a TVS of this node answers from; see ``cucmsh.tvs.answering.Lookup``.

Held in memory, and read again when a file changed that it was read from. Each question
glances at those files and folders by their paths, which takes microseconds. That a file
came within the same tick of the clock as another change a glance does not see; so while
a change is younger than ``SETTLED_SECONDS``, names and stamps are compared one by one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from cucmsh.config.settings import is_outdated, read_settings
from cucmsh.errors import ConfigurationError, StoreError
from cucmsh.layout import (
    ADOPTED_FOLDER,
    CTL_FILE,
    IMPORTED_FOLDER,
    LIST_FILE,
    NODES,
    PUBLISHED,
    TRUST_FOLDER,
    facts_file,
    unit_folder,
)
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site
from cucmsh.services.tvs.trusted import IMPORTED, Trusted, trusted_ones
from cucmsh.storage.local import FileStamp
from cucmsh.tvs.answering import Known

TTL_SECONDS = 86_400  # what a genuine server says
SETTLED_SECONDS = 1.0  # many ticks of a file system's clock
Glance = list[tuple[int, int, int, int] | None]
Stamps = tuple[tuple[FileStamp, ...] | FileStamp | str | None, ...]


class _Read(NamedTuple):
    """What was read, and from which state of the files.

    Attributes:
        stamps: of all files.
        paths: of all files and folders.
        glance: at these.
        is_settled: whether all changes were older than ``SETTLED_SECONDS`` then.
        by_der: the certificates by their bytes.
        by_serial: the same by serial number, without leading zeros.
        problems: what could not be read.
    """

    stamps: Stamps
    paths: tuple[str, ...]
    glance: Glance
    is_settled: bool
    by_der: dict[bytes, Trusted]
    by_serial: dict[bytes, list[Trusted]]
    problems: tuple[str, ...]


class TrustedCertificates:
    """This node's ``Lookup``.

    An unknown certificate is said to be unknown only if all could be read. Otherwise
    ``StoreError`` is raised, so that the phone asks the next TVS.

    Args:
        site: this node; a changed configuration is read again.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._read: _Read | None = None

    def verify(self, certificate: bytes) -> Known | None:
        """The certificate with these very bytes.

        Raises:
            StoreError: it is not among those that could be read, and not all could be.
        """
        read = self._present()
        return self._answer(read, read.by_der.get(certificate))

    def query(self, subject: str, issuer: str, serial: bytes) -> Known | None:
        """The certificate with this issuer and serial number; so do genuine servers.

        Names are compared by their parts, since writers of lists differ in order,
        separators and which attributes they name (docs/formats.md#names).

        Raises:
            StoreError: as ``verify``.
        """
        del subject  # who asks for a key by issuer and serial has named it
        read = self._present()
        wanted = _parts(issuer)
        for found in read.by_serial.get(serial.lstrip(b"\0"), ()):
            if _parts(found.certificate.issuer_name) <= wanted:
                return self._answer(read, found)
        return self._answer(read, None)

    def _answer(self, read: _Read, found: Trusted | None) -> Known | None:
        if found is not None:
            return Known(found.certificate.der, found.roles, TTL_SECONDS)
        if read.problems:
            raise StoreError(
                f"not all certificates can be read: {read.problems[0]}",
                "Run `cucmsh doctor`.",
            )
        return None

    def _present(self) -> _Read:
        site = self._site = with_present_settings(self._site)
        read = self._read
        if read is not None and read.is_settled and _glance(read.paths) == read.glance:
            return read
        # In this order: what changes while we read differs from what was seen before.
        now = site.clock.now().timestamp()
        stamps, paths = _stamps(site)
        glance = _glance(paths)
        newest = max((at[1] for at in glance if at), default=0) / 1e9
        is_settled = newest < now - SETTLED_SECONDS
        if read is None or read.stamps != stamps:
            certificates, problems = trusted_ones(site)
            read = _Read(stamps, paths, glance, is_settled, {}, {}, problems)
            for found in certificates:
                serial = found.certificate.serial.lstrip(b"\0")
                read.by_der[found.certificate.der] = found
                read.by_serial.setdefault(serial, []).append(found)
        self._read = read._replace(paths=paths, glance=glance, is_settled=is_settled)
        return self._read


def with_present_settings(site: Site) -> Site:
    """A node that came or left while we run; a mistake in the file changes nothing."""
    if not is_outdated(site.settings):
        return site
    try:
        return site.with_settings(read_settings(site.settings.path))
    except ConfigurationError:
        return site


def _stamps(site: Site) -> tuple[Stamps, tuple[str, ...]]:
    """Of everything that ``trusted_ones`` reads, and the paths of all of it.

    Raises:
        StoreError: a folder cannot be looked at.
    """
    home = site.home
    folders = [TRUST_FOLDER, ADOPTED_FOLDER, *(unit_folder(unit) for unit in Unit)]
    folders += [f"{IMPORTED_FOLDER}/{name}" for name in IMPORTED]
    trusting = home.folders(TRUST_FOLDER)
    folders += [f"{TRUST_FOLDER}/{name}" for name in trusting]
    found: list[tuple[FileStamp, ...] | FileStamp | str | None]
    found = [*trusting, str(site.settings.stamp)]
    paths: list[str] = []
    for folder in folders:
        stamps = home.stamps(folder)
        found.append(stamps)
        paths.append(f"{home.root}/{folder}")
        paths += [f"{home.root}/{folder}/{at[0]}" for at in stamps]
    for store, file in (
        *((home, facts_file(facts)) for facts in (NODES, PUBLISHED)),
        *((site.tftp, file) for file in (CTL_FILE, LIST_FILE) if site.node.has_tftp),
    ):
        found.append(store.stamp(file))
        paths.append(f"{store.root}/{file}")
    return tuple(found), tuple(paths)


def _glance(paths: Iterable[str]) -> Glance:
    """A stamp of each path, None for what is not there; microseconds each."""
    found: list[tuple[int, int, int, int] | None] = []
    for path in paths:
        try:
            at = os.stat(path)
        except OSError:  # whatever else is wrong is told by who reads it
            found.append(None)
        else:
            found.append((at.st_ino, at.st_ctime_ns, at.st_mtime_ns, at.st_size))
    return found


def _parts(name: str) -> frozenset[str]:
    plain = name.replace("\\", "").replace(",", ";")
    return frozenset(part.strip() for part in plain.split(";"))
