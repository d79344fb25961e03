"""``set cert bulk``: two clusters come to trust each other's certificates, over SFTP.

Each cluster exports its certificates into one directory, one of them consolidates what
is there, and each imports that. A file is PEM, certificates one behind the other, which
every tool reads; it holds no private key and needs no password. Whoever may write there
decides whom phones trust, so what is imported is shown by its fingerprints first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from cucmsh.errors import CertificateError, MissingFileError, RefusedError, UsageError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.services.backends import Link
from cucmsh.services.certificates.imports import Imports, put_into
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.trust_store import CALL_MANAGER, PHONE_SAST, trust_of
from cucmsh.services.files import Destination
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.store import Store

# What may be named, and the units behind it; in the original's words where known.
KINDS = {
    "tomcat": Unit.TOMCAT,
    "tftp": Unit.CALL_MANAGER,
    "capf": Unit.CAPF,
    "ITLRecovery": Unit.ITL_RECOVERY,
}
ALL = "all"
# Where those of another cluster go (docs/cli.md#certificates-of-a-node).
INTO = {
    Unit.TOMCAT: (trust_of(Unit.TOMCAT),),
    Unit.CALL_MANAGER: (CALL_MANAGER, PHONE_SAST),
    Unit.CAPF: (CALL_MANAGER,),
    Unit.ITL_RECOVERY: (PHONE_SAST, CALL_MANAGER),
}
CONSOLIDATED = "consolidated"
PEM = ".pem"
MOST_FILES = 100  # of one unit: clusters that consolidate


class Exported(NamedTuple):
    """Certificates of one kind that lie on the server now.

    Attributes:
        kind: such as ``tomcat``.
        number: how many.
        sent: where.
    """

    kind: str
    number: int
    sent: SentFile


class BulkCertificates(NamedTuple):
    """A certificate of another cluster, and the trusts that it is for."""

    trusts: tuple[str, ...]
    certificate: Certificate


class BulkDialog(Protocol):
    """What a bulk operation asks and tells."""

    def choose(self) -> Destination:
        """Ask where to."""

    def working(self) -> AbstractContextManager[None]:
        """The server is spoken to in the body."""

    def agree(self, found: Sequence[BulkCertificates]) -> None:
        """Have what will be trusted agreed to.

        Raises:
            CancelledError: the person does not agree.
        """


def bulk_kinds() -> list[str]:
    """What may be named; for completion."""
    return [ALL, *KINDS]


def bulk_kinds_of(text: str) -> tuple[str, ...]:
    """The kinds that were asked for.

    Raises:
        UsageError: there is none of that name.
    """
    if text == ALL:
        return tuple(KINDS)
    if text not in KINDS:
        raise UsageError(
            f"{text!r} is no kind of certificates",
            f"Type one of: {', '.join([ALL, *KINDS])}",
        )
    return (text,)


@use_case("set cert bulk export", changes=True, publisher_only=True)
def export_bulk(
    site: Site, kind: str, dialog: BulkDialog, tell: Callable[[Exported], None]
) -> list[Exported]:
    """Put this cluster's certificates of that kind, or all, on an SFTP server.

    Raises:
        UsageError: there is no such kind.
        MissingFileError: the directory is not there.
        StoreError, ConnectionFailedError: a file was not taken; those told before are
            there.
    """
    kinds, done = bulk_kinds_of(kind), list[Exported]()
    to_pem = site.backends.keys().to_pem
    wanted = [(each, _of_cluster(site, KINDS[each])) for each in kinds]
    to = dialog.choose()
    with dialog.working(), _opened(site, to) as link:
        for each, certificates in wanted:
            raw = b"".join(to_pem(found) for found in certificates)
            name = f"{KINDS[each]}_{_cluster_name(site)}{PEM}"
            sent = _send(site, link, to.directory, name, raw)
            done.append(Exported(each, len(certificates), sent))
            tell(done[-1])
    return done


@use_case("set cert bulk consolidate", changes=True, publisher_only=True)
def consolidate_bulk(
    site: Site, kind: str, dialog: BulkDialog, tell: Callable[[Exported], None]
) -> list[Exported]:
    """Make one file of what several clusters exported into a directory.

    Raises:
        UsageError: there is no such kind.
        MissingFileError: the directory is not there.
        RefusedError: fewer than two clusters have exported.
        CertificateError: a file there is none of certificates.
    """
    kinds, done = bulk_kinds_of(kind), list[Exported]()
    keys = site.backends.keys()
    to = dialog.choose()
    with dialog.working(), _opened(site, to) as link:
        store = site.backends.store_on(link, to.directory)
        for each in kinds:
            found: dict[bytes, Certificate] = {}
            names = _exported_names(store, KINDS[each])
            if len(names) < 2:
                raise RefusedError(
                    f"{len(names)} cluster has exported {each} certificates into "
                    f"{to.directory}, and two are needed",
                    "Run `set cert bulk export` on the other one, too.",
                )
            for name in names:
                found |= {at.der: at for at in _read(site, store, name)}
            raw = b"".join(keys.to_pem(at) for at in found.values())
            name = f"{CONSOLIDATED}_{KINDS[each]}{PEM}"
            done.append(
                Exported(each, len(found), _send(site, link, to.directory, name, raw))
            )
            tell(done[-1])
    return done


@use_case("set cert bulk import", changes=True, publisher_only=True)
def import_bulk(site: Site, kind: str, dialog: BulkDialog) -> Imports:
    """Trust the consolidated certificates of other clusters, on every member.

    This cluster's own are left out. One that expired, or is no later than one of its
    name that is there, is told and left out.

    Raises:
        UsageError: there is no such kind.
        MissingFileError: nothing was consolidated there.
        CertificateError: a file there is none of certificates.
        CancelledError: the person did not agree. Nothing was changed.
    """
    kinds = bulk_kinds_of(kind)
    own = {found.der for unit in KINDS.values() for found in _of_cluster(site, unit)}
    to = dialog.choose()
    wanted: list[tuple[Unit, Certificate]] = []
    with dialog.working(), _opened(site, to) as link:
        store = site.backends.store_on(link, to.directory)
        for each in kinds:
            name = f"{CONSOLIDATED}_{KINDS[each]}{PEM}"
            wanted += [
                (KINDS[each], found)
                for found in _read(site, store, name)
                if found.der not in own
            ]
    if not wanted:
        raise RefusedError(
            "all of these certificates are this cluster's own; nothing was changed",
            "Consolidate once the other cluster has exported.",
        )
    dialog.agree([BulkCertificates(INTO[unit], found) for unit, found in wanted])
    return put_into(
        site,
        [(trust, found) for unit, found in wanted for trust in INTO[unit]],
        "bulk",
        is_lenient=True,
    )


@contextmanager
def _opened(site: Site, to: Destination) -> Iterator[Link]:
    link = site.backends.open_backup(to.server, site.known_hosts, to.accept)
    try:
        yield link
    finally:
        link.close()


def _of_cluster(site: Site, unit: Unit) -> list[Certificate]:
    """The members' present certificates of a unit, as far as they are known here."""
    keystore = Keystore(site)
    nodes = site.settings.cluster.members
    if unit is Unit.ITL_RECOVERY:
        nodes = tuple(node for node in nodes if node.is_publisher)
    found = [
        keystore.trusted(node, unit)
        for node in nodes
        if unit.profile.service in ("", *node.services)
    ]
    return [each for each in found if each is not None]


def _cluster_name(site: Site) -> str:
    cluster = site.settings.cluster
    return cluster.full_name(cluster.publisher)


def _exported_names(store: Store, unit: Unit) -> list[str]:
    found = [
        name
        for name in store.names()
        if name.startswith(f"{unit}_") and name.endswith(PEM)
    ]
    if len(found) > MOST_FILES:
        raise RefusedError(f"more than {MOST_FILES} files of {unit} are there")
    return sorted(found)


def _read(site: Site, store: Store, name: str) -> tuple[Certificate, ...]:
    try:
        return site.backends.keys().read_received(store.read(name))
    except MissingFileError as problem:
        raise MissingFileError(
            f"there is no {name} in that directory; nothing was changed",
            "Run `set cert bulk consolidate` once each cluster has exported.",
        ) from problem
    except CertificateError as problem:
        raise CertificateError(
            f"{name}: {problem.message}", problem.advice
        ) from problem


def _send(site: Site, link: Link, directory: str, name: str, raw: bytes) -> SentFile:
    def pieces() -> Iterator[bytes]:
        yield raw

    stem, extension = os.path.splitext(name)
    own_name = f"{stem}.{os.urandom(4).hex()}{extension}.new"
    outgoing = OutgoingFile(name, own_name, len(raw), pieces)
    return site.backends.transfer(link, directory, outgoing, lambda _: None)
