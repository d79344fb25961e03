"""The records of a member's list, in their order (docs/decisions/007).

Made out of the certificates on this node's disk: its own, and those that other members
brought here. Signs nothing. Refuses to name a recovery certificate that is not the
publisher's present one (docs/decisions/013). Where the publisher signs the lists of all
nodes, it makes the records of a subscriber's list here, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from cucmsh.config.model import Node
from cucmsh.errors import CertificateError, RefusedError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.records.history import History, Kept
from cucmsh.services.site import Site
from cucmsh.trustlist.encode import full_record, hashed_record, with_names
from cucmsh.trustlist.model import Record
from cucmsh.trustlist.tags import RecordTag, Role


def own_records(
    site: Site, recovery: Certificate | None = None, owner: Node | None = None
) -> list[Record]:
    """The records of a list, in the order of docs/decisions/007.

    A further record that says what one of ours, or an earlier one, says is left out.

    Args:
        site: this node.
        recovery: stands in for the cluster's present recovery certificate.
        owner: the member whose list it is; this node without one.

    Raises:
        RefusedError: a certificate of another node was not brought here yet.
        CertificateError, KeyFileError, StoreError: one of this node cannot be read.
    """
    keystore = Keystore(site)
    owner = owner or site.node
    call_manager = _needed(keystore, site, owner.name, Unit.CALL_MANAGER)
    nodes = site.settings.cluster.nodes
    publisher = site.settings.cluster.publisher
    records = [
        full_record(Role.SAST, call_manager),
        full_record(Role.TFTP, call_manager),
    ]
    recovery = recovery or _recovery_certificate(keystore, site)
    token = full_record(Role.SAST, recovery)
    there = {(record.role, record.certificate) for record in (*records, token)}
    for record in further_records(site):
        if (record.role, record.certificate) not in there:
            there.add((record.role, record.certificate))
            records.append(record)
    records += [
        hashed_record(Role.CAPF, _needed(keystore, site, node.name, Unit.CAPF))
        for node in nodes
        if "capf" in node.services
    ]
    if "tvs" in publisher.services:
        tvs = _needed(keystore, site, publisher.name, Unit.TVS)
        records.append(hashed_record(Role.TVS, tvs))
    records.append(token)
    records += [
        hashed_record(Role.TVS, _needed(keystore, site, node.name, Unit.TVS))
        for node in nodes
        if "tvs" in node.services and node is not publisher
    ]
    return records


def further_records(site: Site) -> list[Record]:
    """Those of ``[[cluster.records]]``: before ITLRecovery, the last SAST record.

    Raises:
        RefusedError: one of them holds no certificate that can be read.
    """
    records = []
    for at, further in enumerate(site.settings.cluster.records):
        try:
            read = site.backends.keys().read_certificate
            certificate = read(further.certificate.encode())
        except CertificateError as problem:
            raise RefusedError(
                f"the certificate in cluster.records[{at}] cannot be read: "
                f"{problem.message}",
                f"Mend it in {site.settings.path}, or take it out.",
            ) from problem
        records.append(full_record(further.role, certificate))
    return records


def _needed(keystore: Keystore, site: Site, name: str, unit: Unit) -> Certificate:
    node = site.settings.cluster.find(name)
    certificate = keystore.trusted(node, unit) if node else None
    if certificate is None:
        raise RefusedError(
            f"the {unit} certificate of {name} has not been brought to "
            f"{site.node.name} yet",
            f"Run `set cert regen {unit}` or a reset when both nodes are up.",
        )
    return certificate


def _recovery_certificate(keystore: Keystore, site: Site) -> Certificate:
    # On the publisher the PKCS#12 is the truth, not the certificate derived from it.
    if site.node.is_publisher:
        return keystore.recovery().certificate
    publisher = site.settings.cluster.publisher
    return _needed(keystore, site, publisher.name, Unit.ITL_RECOVERY)


def spelled_as_held(records: Iterable[Record], held: Iterable[Kept]) -> list[Record]:
    """The records, their names written as the newest held list that names them does.

    A phone that compares names as they are written finds the signer then, as one that
    compares certificates does (docs/formats.md#names).
    """
    spelled: dict[bytes, tuple[bytes, bytes]] = {}
    for kept in held:  # the newest first
        for record in kept.trust_list.records:
            if record.certificate:
                names = (
                    record.find(RecordTag.SUBJECT_NAME) or b"\0",
                    record.find(RecordTag.ISSUER_NAME) or b"\0",
                )
                spelled.setdefault(record.certificate, names)
    return [
        with_names(record, *spelled[record.certificate])
        if record.certificate in spelled
        else record
        for record in records
    ]


def spelled_for_phones(site: Site, records: Iterable[Record]) -> list[Record]:
    """The records, spelled as the lists do that bind this node (``keep_trust``)."""
    held = History(site).binding if site.settings.keep_trust else []
    return spelled_as_held(records, held)
