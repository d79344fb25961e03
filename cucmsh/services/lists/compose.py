"""A member's own list, made when its TFTP service starts.

Refuses to name a recovery certificate that is not the publisher's present one, and,
with ``keep_trust`` on, to serve a list that a holder of any kept one would not take
(docs/decisions/007 to 010; see ``acceptance``). Restarts nothing.

With ``keep_trust`` on, the first of these keys signs that all of those holders know:
that of the release, on the publisher the other of CallManager's and ITLRecovery's, else
an earlier key of this node that was kept. Where no key is known to all, the served list
stays, unless a new one is refused by nobody but those who refuse the served one too (a
person agreed to that then). Where the publisher signs the lists of all nodes, a
subscriber serves what it was given (``given_list``).

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

from cucmsh.alarms import ITL_FILE_REGENERATED_TFTP
from cucmsh.config.model import OWN_SAST_RECORDS
from cucmsh.errors import (
    CucmshError,
    RefusedError,
    ServiceError,
    TrustListError,
)
from cucmsh.layout import GIVEN_LIST, LIST_FILE, SERVED_MODE
from cucmsh.pki.model import Unit
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
from cucmsh.services.lists.given_list import given_list, is_given, never_given
from cucmsh.services.lists.history_of_others import ask_other_nodes
from cucmsh.services.lists.list_records import own_records, spelled_as_held
from cucmsh.services.lists.served_lists import is_reset_list, served_list
from cucmsh.services.records.alarms import tell
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
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest, Role

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

    A subscriber that is given its lists offers the one it was given; its own keys only
    in its place, where all of ``held`` know them and somebody refuses what was given.

    Args:
        site: this node.
        held: what phones may hold. An earlier key is opened only if all of these lists
            know it, for opening a key file takes a third of a second.

    Raises:
        RefusedError: this subscriber was given none that can be served; or a
            certificate was not brought here yet.
    """
    keystore = Keystore(site)
    held = tuple(held)
    wanted = common_signers(held)
    profile = site.settings.profile
    if is_given(site):
        given = given_list(site)
        if given is None:
            raise never_given(site)
        publisher = site.settings.cluster.publisher.name
        yield Candidate(given, f"the {profile.signer} key of {publisher}")
        if not wanted:
            return
    records = spelled_as_held(own_records(site), held)
    for unit in _present_signers(site):
        credential = keystore.signing_key(unit)
        if not is_given(site) or credential.certificate.der in wanted:
            yield Candidate(_sealed(site, records, credential), f"the {unit} key")
    signers = (Unit(profile.signer), Unit(profile.reset_signer))
    others = [(f"an earlier {unit} key", keystore.earlier(unit)) for unit in signers]
    others.append(("an adopted key", _adopted(keystore, held)))
    for key, credentials in others:
        for credential in credentials if wanted else ():
            if credential.certificate.der in wanted:
                signed = signed_by_another(records, credential, held)
                yield Candidate(_sealed(site, signed, credential), key)


def _present_signers(site: Site) -> tuple[Unit, ...]:
    """The units whose present keys this node may sign with, the usual one first."""
    profile = site.settings.profile
    signers = (Unit(profile.signer), Unit(profile.reset_signer))
    if site.node.is_publisher:
        return signers
    return (Unit.CALL_MANAGER,)


def signed_by_another(
    records: list[Record], signer: Credential, held: Iterable[Kept] = ()
) -> list[Record]:
    """The records of a list that an earlier or adopted key signs; see the module.

    Args:
        records: those of the list, the first of which is CallManager's as SAST.
        signer: the key.
        held: the lists by which its record is spelled.
    """
    der = signer.certificate.der
    first = [full_record(Role.SAST, signer.certificate)]
    rest = [
        record
        for record in records[1:]
        if (record.role, record.certificate) != (Role.SAST, der)
    ]
    return [*spelled_as_held(first, held), *rest]


def _adopted(keystore: Keystore, held: tuple[Kept, ...]) -> Iterator[Credential]:
    """The adopted keys, first the one that signed the newest of the held lists."""
    serials = [kept.trust_list.header.serial for kept in held]  # the newest first
    yield from sorted(
        keystore.adopted(),
        key=lambda at: (*serials, at.certificate.serial).index(at.certificate.serial),
    )


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
        if not is_given(site) and site.home.stamp(GIVEN_LIST):
            site.home.remove(GIVEN_LIST)  # older than this; a release may come back
        tell(site, ITL_FILE_REGENERATED_TFTP)
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
