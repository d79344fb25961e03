"""What a TVS of this node answers from; see ``cucmsh.tvs.answering.Lookup``.

Held in memory, and read again when a file changed that it was read from: each question
looks at the stamps of those files, and at no content.
"""

from __future__ import annotations

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
Stamps = tuple[tuple[FileStamp, ...] | FileStamp | str | None, ...]


class _Read(NamedTuple):
    """What was read, and from which state of the files."""

    stamps: Stamps
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
        site = self._site = _with_present_settings(self._site)
        stamps = _stamps(site)
        if self._read is None or self._read.stamps != stamps:
            by_der: dict[bytes, Trusted] = {}
            by_serial: dict[bytes, list[Trusted]] = {}
            certificates, problems = trusted_ones(site)
            for found in certificates:
                serial = found.certificate.serial.lstrip(b"\0")
                by_der[found.certificate.der] = found
                by_serial.setdefault(serial, []).append(found)
            self._read = _Read(stamps, by_der, by_serial, problems)
        return self._read


def _with_present_settings(site: Site) -> Site:
    """A node that came or left while we run; a mistake in the file changes nothing."""
    if not is_outdated(site.settings):
        return site
    try:
        return site.with_settings(read_settings(site.settings.path))
    except ConfigurationError:
        return site


def _stamps(site: Site) -> Stamps:
    """Of everything that ``trusted_ones`` reads.

    Raises:
        StoreError: a folder cannot be looked at.
    """
    home = site.home
    folders = [*(unit_folder(unit) for unit in Unit), ADOPTED_FOLDER]
    folders += [f"{IMPORTED_FOLDER}/{name}" for name in IMPORTED]
    trusting = home.folders(TRUST_FOLDER)
    folders += [f"{TRUST_FOLDER}/{name}" for name in trusting]
    found: list[tuple[FileStamp, ...] | FileStamp | str | None]
    found = [*trusting, str(site.settings.stamp)]
    found += [home.stamps(folder) for folder in folders]
    found += [home.stamp(facts_file(facts)) for facts in (NODES, PUBLISHED)]
    if site.node.has_tftp:
        found += [site.tftp.stamp(file) for file in (CTL_FILE, LIST_FILE)]
    return tuple(found)


def _parts(name: str) -> frozenset[str]:
    plain = name.replace("\\", "").replace(",", ";")
    return frozenset(part.strip() for part in plain.split(";"))
