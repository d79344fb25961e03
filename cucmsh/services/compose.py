"""A member's own list, made when its TFTP service starts.

Refuses to name a recovery certificate that is not the publisher's present one, and,
with ``keep_trust`` on, to serve a list that a holder of the served one would not take
(design decisions 7 to 10). Restarts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cucmsh.digests import sha256
from cucmsh.errors import (
    CucmshError,
    MissingFileError,
    RefusedError,
    ServiceError,
    TrustListError,
)
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.keystore import Keystore
from cucmsh.services.site import LIST_FILE, SERVED_MODE, Site
from cucmsh.services.state import (
    Published,
    clear_keep_mark,
    keep_mark,
    read_published,
    write_published,
)
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.seal import seal
from cucmsh.trustlist.tags import Digest, Role
from cucmsh.trustlist.trust import judge

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential


class Composed(NamedTuple):
    """What a TFTP start serves: the list, whether it is a kept one, and a remark."""

    raw: bytes
    is_kept: bool
    remark: str


def sha256_of(raw: bytes) -> str:
    return sha256(raw).hexdigest()


def next_timestamp(site: Site) -> int:
    """Now, but never at or before the last list's TIMESTAMP (decision 7)."""
    last = read_published(site.home)
    now = int(site.clock.now().timestamp())
    return max(now, last.timestamp + 1) if last else now


def digest_of(site: Site) -> Digest:
    """The digest that the configuration asks for."""
    return Digest[site.settings.digest.upper()]


def served_list(site: Site) -> bytes | None:
    """The bytes in the TFTP directory, or None without a list there."""
    if not site.node.has_tftp:
        return None
    try:
        return site.tftp.read(LIST_FILE)
    except MissingFileError:
        return None


def own_records(site: Site, recovery: Certificate | None = None) -> list[Record]:
    """The records of this node's list, in the order of decision 7.

    Args:
        site: this node.
        recovery: stands in for the cluster's present recovery certificate.
    """
    keystore = Keystore(site)
    call_manager = keystore.certificate(Unit.CALL_MANAGER)
    nodes = site.settings.cluster.nodes
    publisher = site.settings.cluster.publisher
    records = [
        full_record(Role.SAST, call_manager),
        full_record(Role.TFTP, call_manager),
    ]
    records += [
        hashed_record(Role.CAPF, _needed(keystore, site, node.name, Unit.CAPF))
        for node in nodes
        if "capf" in node.services
    ]
    if "tvs" in publisher.services:
        tvs = _needed(keystore, site, publisher.name, Unit.TVS)
        records.append(hashed_record(Role.TVS, tvs))
    recovery = recovery or _recovery_certificate(keystore, site)
    records.append(full_record(Role.SAST, recovery))
    records += [
        hashed_record(Role.TVS, _needed(keystore, site, node.name, Unit.TVS))
        for node in nodes
        if "tvs" in node.services and node is not publisher
    ]
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


def compose(site: Site) -> tuple[TrustList, str]:
    """This node's list as of now, signed, and a remark; writes nothing.

    Raises:
        RefusedError: a certificate is missing, or with ``keep_trust`` on a
            subscriber's holders would not take the new list.
    """
    keystore = Keystore(site)
    records = own_records(site)
    fresh = _sealed(site, records, keystore.credential(Unit.CALL_MANAGER))
    refusal = _refusal(site, fresh) if site.settings.keep_trust else ""
    if not refusal:
        return fresh, ""
    if not site.node.is_publisher:
        raise RefusedError(
            f"the served list was kept: {refusal}",
            "Run `utils itl reset localkey` on the publisher.",
        )
    recovered = _sealed(site, records, keystore.recovery())
    second = _refusal(site, recovered)
    if second:
        raise RefusedError(f"the served list was kept: {refusal} {second}")
    return recovered, f"signed with the ITLRecovery key: {refusal}"


def _sealed(site: Site, records: list[Record], signer: Credential) -> TrustList:
    return seal(records, signer, timestamp=next_timestamp(site), digest=digest_of(site))


def _refusal(site: Site, offered: TrustList) -> str:
    """Why a holder of the served list would not take ``offered``; empty if it would.

    No TVS answers in this version, so only the direct way counts.
    """
    raw = served_list(site)
    if raw is None:
        return ""
    try:
        verdict = judge(decode(raw), offered, site.doors.verifier())
    except TrustListError:
        return ""  # nobody holds what is no list
    return "" if verdict.accepted else verdict.reason


def compose_for_start(site: Site) -> Composed:
    """What this node's TFTP service serves from this start on.

    While a keep mark names the list in the directory, that list stays as it is
    (decision 10). A list that may not or cannot be replaced stays too, with a remark:
    a damaged key is no reason for phones to find no TFTP service.

    Raises:
        ServiceError: this node has no TFTP service.
        CucmshError: nothing can be composed, and no list is there to be kept.
    """
    if not site.node.has_tftp:
        raise ServiceError(f"{site.node.name} does not run Cisco Tftp")
    with site.node_lock():
        served = served_list(site)
        mark = keep_mark(site.home)
        if served is not None and mark and mark == sha256_of(served):
            return Composed(served, is_kept=True, remark="kept after a reset")
        if mark:
            clear_keep_mark(site.home, mark)  # it names another list: void
        try:
            trust_list, remark = compose(site)
        except CucmshError as refusal:
            if served is None or not _is_list(served):
                raise
            _remark(site, served, refusal.message)
            return Composed(served, is_kept=True, remark=refusal.message)
        raw = trust_list.raw
        # First what is ours to re-sign, then the list: a crash between the two leaves
        # the earlier list in place, which is remembered too.
        published = Published(sha256_of(raw), trust_list.header.timestamp, remark)
        before = "" if served is None else sha256_of(served)
        write_published(site.home, published, before)
        site.tftp.write(LIST_FILE, raw, SERVED_MODE)
        return Composed(raw, is_kept=False, remark=remark)


def _is_list(raw: bytes) -> bool:
    try:
        decode(raw)
    except TrustListError:
        return False
    return True


def _remark(site: Site, served: bytes, remark: str) -> None:
    last = read_published(site.home)
    if last and last.sha256 == sha256_of(served):
        write_published(site.home, last._replace(remark=remark))
