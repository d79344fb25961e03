"""The certificates that a round of the Certificate Monitor looks at. Asks no node.

This node's own; those of other members in its trust store; imported ones; and records
of the configuration. Phones' own certificates (LSC) are none of them: this cluster
issues none. Each is read for itself: one that cannot be read hides no other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from cucmsh.config.records import role_name
from cucmsh.errors import CucmshError, MissingFileError
from cucmsh.layout import (
    IMPORTED_FOLDER,
    TRUST_FOLDER,
    certificate_file,
    pair_file,
    trusted_folder,
)
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.site import Site

OWN, TRUST = "own-cert", "trust-certs"
SUFFIX = ".pem"


class Monitored(NamedTuple):
    """A certificate, and how the original calls it.

    Attributes:
        name: what stands before ``.der``.
        unit: such as ``tomcat`` or ``CallManager-trust``.
        kind: ``own-cert`` or ``trust-certs``.
        file: where it lies below the home; empty for one of the configuration.
        certificate: None for one that cannot be read.
        problem: why not.
    """

    name: str
    unit: str
    kind: str
    file: str
    certificate: Certificate | None
    problem: str = ""


def monitored(site: Site) -> Iterator[Monitored]:
    """All of them; takes a fraction of a millisecond for each."""
    yield from _own(site)
    yield from _members(site)
    yield from _imported(site)
    yield from _configured(site)


def _own(site: Site) -> Iterator[Monitored]:
    keystore = Keystore(site)
    for unit in keystore.units:
        is_key_file = unit is Unit.ITL_RECOVERY and site.node.is_publisher
        file = certificate_file(unit) if is_key_file else pair_file(unit)

        def read(unit: Unit = unit) -> Certificate:
            return keystore.certificate(unit)

        yield _read(unit.value, unit.value, OWN, file, read)


def _members(site: Site) -> Iterator[Monitored]:
    home = site.home
    folders = _listed(lambda: home.folders(TRUST_FOLDER), f"{TRUST_FOLDER}")
    yield from folders[1]
    for folder in folders[0]:
        place = trusted_folder(folder)
        yield from _folder(
            site, place, lambda name: f"{name.removesuffix(SUFFIX)}-trust", SUFFIX
        )


def _imported(site: Site) -> Iterator[Monitored]:
    folders = _listed(lambda: site.home.folders(IMPORTED_FOLDER), IMPORTED_FOLDER)
    yield from folders[1]
    for folder in folders[0]:
        if folder.endswith("-trust"):  # beside them lie recovery key files
            place = f"{IMPORTED_FOLDER}/{folder}"

            def unit(_: str, folder: str = folder) -> str:
                return folder

            yield from _folder(site, place, unit, "")


def _configured(site: Site) -> Iterator[Monitored]:
    keys = site.backends.keys()
    for record in site.settings.cluster.records:
        pem = record.certificate.encode()

        def read(pem: bytes = pem) -> Certificate:
            return keys.read_certificate(pem)

        yield _read("", f"{role_name(record.role)}-record", TRUST, "", read)


def _folder(
    site: Site, place: str, unit_of: Callable[[str], str], suffix: str
) -> Iterator[Monitored]:
    home, keys = site.home, site.backends.keys()
    names, problems = _listed(lambda: home.names(place), place)
    yield from problems
    for name in names:
        if not name.endswith(suffix):
            continue
        file = f"{place}/{name}"

        def read(file: str = file) -> Certificate:
            return keys.read_certificate(home.read(file))

        try:
            yield _read("", unit_of(name), TRUST, file, read)
        except MissingFileError:
            continue  # it was taken away just now


def _listed(
    look: Callable[[], list[str]], place: str
) -> tuple[list[str], list[Monitored]]:
    """The names in a folder; or what is to be said of one that cannot be read."""
    try:
        return look(), []
    except CucmshError as problem:
        return [], [Monitored(place, place, TRUST, place, None, problem.message)]


def _read(
    name: str, unit: str, kind: str, file: str, read: Callable[[], Certificate]
) -> Monitored:
    """One certificate; a name of its own, or that of its subject.

    Raises:
        MissingFileError: one of a folder is not there any more.
    """
    try:
        certificate = read()
    except MissingFileError:
        if kind == TRUST:
            raise
        return Monitored(name, unit, kind, file, None, f"{file} is not there")
    except CucmshError as problem:
        shown = name or file.rpartition("/")[2]
        return Monitored(shown, unit, kind, file, None, problem.message)
    shown = name or certificate.common_name or "certificate"
    return Monitored(shown, unit, kind, file, certificate)
