"""A member's own list, made when its TFTP service starts.

Refuses to name a recovery certificate that is not the publisher's present one, and,
with ``keep_trust`` on, to serve a list that a holder of any kept one would not take
(docs/decisions/007 to 010; see ``acceptance``). Restarts nothing.

With ``keep_trust`` on, the first of these keys signs that all of those holders know:
CallManager's, on the publisher ITLRecovery's, else an earlier key of this node that was
kept. Where no key is known to all, the served list stays, unless a new one is refused
by nobody but those who refuse the served one too (a person agreed to that then).

A list holds at most two SAST records, and its signer must be one. An earlier key
therefore takes the place of CallManager's SAST record: CallManager stays in the list as
TFTP, so that signed files are taken, and ITLRecovery stays, which is the way back. An
adopted key, of another tool whose lists phones hold, does the same. A record of a
certificate that a kept list names is spelled as there (docs/decisions/032).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.config.model import OWN_SAST_RECORDS
from cucmsh.errors import (
    CertificateError,
    CucmshError,
    RefusedError,
    ServiceError,
    TrustListError,
)
from cucmsh.layout import LIST_FILE, SERVED_MODE
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import (
    TRUST_RELEASE,
    Refusal,
    common_signers,
    describe,
    recovery_record,
    require_not_older,
    signers_of_any,
    who_refuses,
)
from cucmsh.services.lists.foreign import how_to_compose
from cucmsh.services.lists.history_of_others import ask_other_nodes
from cucmsh.services.lists.served_lists import is_reset_list, served_list
from cucmsh.services.records.history import History, Kept, note_successor
from cucmsh.services.records.served_times import note_served
from cucmsh.services.records.state import (
    Published,
    clear_keep_mark,
    keep_mark,
    read_published,
    write_published,
)
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record, hashed_record, with_names
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest, RecordTag, Role

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential


class Composed(NamedTuple):
    """What a TFTP start serves: the list, whether it is a kept one, and a remark."""

    raw: bytes
    is_kept: bool
    remark: str


def next_timestamp(site: Site) -> int:
    """TIMESTAMP of the next list, Unix time: now, or one above the last list's.

    Source: docs/decisions/007.
    """
    last = read_published(site.home)
    now = int(site.clock.now().timestamp())
    return max(now, last.timestamp + 1) if last else now


def digest_of(site: Site) -> Digest:
    """The digest that the configuration asks for."""
    return Digest[site.settings.digest.upper()]


def own_records(site: Site, recovery: Certificate | None = None) -> list[Record]:
    """The records of this node's list, in the order of docs/decisions/007.

    A further record that says what one of ours, or an earlier one, says is left out.

    Args:
        site: this node.
        recovery: stands in for the cluster's present recovery certificate.

    Raises:
        RefusedError: a certificate of another node was not brought here yet.
        CertificateError, KeyFileError, StoreError: one of this node cannot be read.
    """
    keystore = Keystore(site)
    call_manager = keystore.certificate(Unit.CALL_MANAGER)
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


class Candidate(NamedTuple):
    """A list that this node can make now, and which of its keys signed it."""

    trust_list: TrustList
    key: str


def compose(site: Site, history: History | None = None) -> tuple[TrustList, str]:
    """This node's list as of now, signed, and a remark; writes nothing.

    Args:
        site: this node.
        history: what phones may hold, with ``keep_trust`` on; None reads it anew.

    Raises:
        RefusedError: a certificate is missing; or with ``keep_trust`` on, holders of
            a kept list would be lost, or the recovery key is older than the one that
            the served list names.
    """
    if not site.settings.keep_trust:
        return next(lists_to_offer(site)).trust_list, ""
    history = history or History(site)
    held, raw = history.binding, served_list(site)
    served = history.find(raw) if raw else None
    refused = who_refuses(site, served.trust_list, history) if served else ()
    lost = _sha256_of(refused)
    reached = [kept for kept in held if kept.digests.sha256 not in lost]
    seen: list[tuple[Candidate, tuple[Refusal, ...]]] = []
    for candidate in lists_to_offer(site, reached or held):
        if not seen and served and not served.is_given_up:
            _require_recovery_not_older(site, candidate.trust_list, served)
        refused = who_refuses(site, candidate.trust_list, history)
        if not refused:
            return candidate.trust_list, _why_not_first(candidate, seen)
        seen.append((candidate, refused))
    for candidate, refused in seen:
        if _sha256_of(refused) <= lost:  # nobody who takes the served list is lost
            remark = f"no key of this node is known to all: {describe(refused)}"
            return candidate.trust_list, f"{remark}. `{TRUST_RELEASE}` ends this."
    raise RefusedError(
        "the served list was kept, for no key of this node is known to all: "
        f"{describe(seen[0][1])}. `{TRUST_RELEASE}` ends this",
        how_to_compose(
            site,
            "Run `utils itl reset remotekey` with a saved key file that they know, or "
            f"give those phones up with `{TRUST_RELEASE}`."
            if site.node.is_publisher
            else "Run `utils itl reset localkey` on the publisher.",
        ),
    )


def _why_not_first(
    chosen: Candidate, seen: list[tuple[Candidate, tuple[Refusal, ...]]]
) -> str:
    """Why an unusual key signs, and what ends it; empty if it is the usual one."""
    if not seen:
        return ""
    usual, refused = seen[0]
    return (
        f"signed with {chosen.key}; if {usual.key} signed, {describe(refused)}. "
        f"`{TRUST_RELEASE}` ends this."
    )


def _sha256_of(refused: tuple[Refusal, ...]) -> set[str]:
    return {entry.kept.digests.sha256 for entry in refused}


def lists_to_offer(site: Site, held: Iterable[Kept] = ()) -> Iterator[Candidate]:
    """The lists that this node can make, the one that it should serve first.

    Args:
        site: this node.
        held: what phones may hold. An earlier key is opened only if all of these lists
            know it, for opening a key file takes a third of a second.
    """
    keystore = Keystore(site)
    held = tuple(held)
    records = spelled_as_held(own_records(site), held)
    profile = site.settings.profile
    signers = (Unit(profile.signer), Unit(profile.reset_signer))
    for unit in signers if site.node.is_publisher else signers[:1]:
        credential = keystore.signing_key(unit)
        yield Candidate(_sealed(site, records, credential), f"the {unit} key")
    wanted = common_signers(held)
    others = [(f"an earlier {unit} key", keystore.earlier(unit)) for unit in signers]
    others.append(("an adopted key", _adopted(keystore, held)))
    for key, credentials in others:
        for credential in credentials if wanted else ():
            der = credential.certificate.der
            if der in wanted:
                first = [full_record(Role.SAST, credential.certificate)]
                rest = [
                    record
                    for record in records[1:]
                    if (record.role, record.certificate) != (Role.SAST, der)
                ]
                signed = [*spelled_as_held(first, held), *rest]
                yield Candidate(_sealed(site, signed, credential), key)


def _adopted(keystore: Keystore, held: tuple[Kept, ...]) -> Iterator[Credential]:
    """The adopted keys, first the one that signed the newest of the held lists."""
    serials = [kept.trust_list.header.serial for kept in held]  # the newest first
    yield from sorted(
        keystore.adopted(),
        key=lambda at: (*serials, at.certificate.serial).index(at.certificate.serial),
    )


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


def _sealed(site: Site, records: list[Record], signer: Credential) -> TrustList:
    return seal(records, signer, timestamp=next_timestamp(site), digest=digest_of(site))


def _require_recovery_not_older(site: Site, offered: TrustList, served: Kept) -> None:
    named = recovery_record(offered)
    if named and named.certificate:
        recovery = site.backends.keys().read_certificate(named.certificate)
        require_not_older(site, recovery, served.trust_list)


def compose_for_start(site: Site) -> Composed:
    """What this node's TFTP service serves from this start on.

    While a keep mark names the list in the directory, that list stays as it is
    (docs/decisions/010). A list that may not or cannot be replaced stays too, with a
    remark: a damaged key is no reason for phones to find no TFTP service.

    Raises:
        ServiceError: this node has no TFTP service.
        CucmshError: nothing can be composed, and no list is there to be kept.
    """
    if not site.node.has_tftp:
        raise ServiceError(f"{site.node.name} does not run Cisco Tftp")
    if site.settings.keep_trust:
        ask_other_nodes(site)
    with site.node_lock("a service start"):
        served = served_list(site)
        if served is not None:
            note_served(site, served)
        if served is not None and is_reset_list(site, served):
            return Composed(served, is_kept=True, remark="kept after a reset")
        if mark := keep_mark(site.home):
            clear_keep_mark(site.home, mark)  # it names another list: void
        try:
            trust_list, remark = _compose_and_note(site, served)
        except CucmshError as refusal:
            if served is None or not _is_list(served):
                raise
            remark = refusal.message
            if refusal.advice:
                remark = f"{remark}. {refusal.advice}"
            _remark(site, served, remark)
            return Composed(served, is_kept=True, remark=remark)
        raw = trust_list.raw
        # First what is ours to re-sign, then the list: a crash between the two leaves
        # the earlier list in place, which is remembered too.
        published = Published(
            hashlib.sha256(raw).hexdigest(), trust_list.header.timestamp, remark
        )
        before = "" if served is None else hashlib.sha256(served).hexdigest()
        write_published(site.home, published, before)
        site.tftp.write(LIST_FILE, raw, SERVED_MODE)
        note_served(site, raw, is_new=True)
        # Not what the next login is told: nobody can end it but by the configuration.
        said = " ".join(part for part in (remark, too_many_tokens(site)) if part)
        return Composed(raw, is_kept=False, remark=said)


def too_many_tokens(site: Site) -> str:
    """What to warn of where lists name more SAST records than phones surely read."""
    further = sum(r.role == Role.SAST for r in site.settings.cluster.records)
    if not further:
        return ""
    return (
        f"lists name {further + OWN_SAST_RECORDS} System Administrator Security "
        f"Tokens, and phones are only known to read {OWN_SAST_RECORDS}"
    )


def _compose_and_note(site: Site, served: bytes | None) -> tuple[TrustList, str]:
    """``compose``; both lists are in the history then.

    A crash after that leaves a list in the history that nobody was given. It accepts
    what the others accept, so it stands in nobody's way.
    """
    if not site.settings.keep_trust:
        trust_list, remark = compose(site)
        note_successor(site, served, trust_list.raw)
        return trust_list, remark
    history = History(site)
    if served is not None:
        history.note_served(served)
    trust_list, remark = compose(site, history)
    history.note_served(trust_list.raw, is_new=True)
    if history.damaged:  # then it is not known which earlier keys are needed
        lost = f"who holds an ITL that was kept is not known: {history.damaged[0]}"
        return trust_list, f"{remark} {lost}. `{TRUST_RELEASE}` ends this.".strip()
    needed = signers_of_any(history.binding)
    Keystore(site).remove_earlier(Unit.CALL_MANAGER, needed)
    return trust_list, remark


def _is_list(raw: bytes) -> bool:
    try:
        decode(raw)
    except TrustListError:
        return False
    return True


def _remark(site: Site, served: bytes, remark: str) -> None:
    last = read_published(site.home)
    if last and last.sha256 == hashlib.sha256(served).hexdigest():
        write_published(site.home, last._replace(remark=remark))
