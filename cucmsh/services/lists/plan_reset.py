"""``utils itl reset``: the publisher's list signed anew with a recovery key.

``plan_*`` reads, signs and writes nothing. ``lists.apply_reset`` then stages, commits,
restarts and reads back, in the steps S7 to S14 of docs/security.md#steps-of-a-reset.
What needs a typed ``yes`` is in the plan's ``questions``: it is asked elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import RefusedError, SignatureError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import ImportedKey, Keystore
from cucmsh.services.lists.acceptance import (
    Refusal,
    recovery_record,
    refusal_lines,
    refusals,
    require_not_older,
    who_refuses,
)
from cucmsh.services.lists.base_list import Question, present_list
from cucmsh.services.lists.compose import digest_of, next_timestamp
from cucmsh.services.lists.foreign import how_to_compose
from cucmsh.services.lists.list_records import spelled_for_phones
from cucmsh.services.lists.served_lists import lists_elsewhere, served_list
from cucmsh.services.records.history import History
from cucmsh.services.records.reset_journal import OpenReset, read_reset
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.public_key import read_key
from cucmsh.trustlist.sealing import check, reseal
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import judge

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential


class ResetPlan(NamedTuple):
    """A signed list that is nowhere yet.

    Attributes:
        trust_list: the new list.
        key_file: the recovery key file to install first; empty for the local key.
        recovery: the recovery certificate that the list names.
        signer: the certificate of the key that signed; the same but for a release whose
            resets CallManager signs.
        questions: what an administrator must agree to.
        warnings: what an administrator should know.
        given_up: SHA-256 of the lists on other nodes whose phones will refuse this one,
            as a question says, or one of the unfinished reset that this one goes on
            with. To say yes to another question gives no phones up.
    """

    trust_list: TrustList
    key_file: bytes
    recovery: Certificate
    signer: Certificate
    questions: tuple[Question, ...]
    warnings: tuple[str, ...]
    given_up: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.trust_list.raw).hexdigest()


def plan_local_reset(site: Site) -> ResetPlan:
    """With the key on this publisher's disk that signs resets, by its release."""
    site.require_publisher()
    keystore = Keystore(site)
    recovery = signer = keystore.recovery()
    unit = Unit(site.settings.profile.reset_signer)
    if unit is not Unit.ITL_RECOVERY:
        signer = keystore.credential(unit)
    return _plan(site, signer, recovery.certificate, b"")


def plan_remote_reset(site: Site, imported: ImportedKey) -> ResetPlan:
    """With a recovery key that came from a backup server."""
    site.require_publisher()
    key = imported.credential
    plan = _plan(site, key, key.certificate, imported.key_file)
    return plan._replace(warnings=(*imported.warnings, *plan.warnings))


def _plan(
    site: Site, signer: Credential, certificate: Certificate, key_file: bytes
) -> ResetPlan:
    """Args: which key signs, and the recovery certificate that the list names then."""
    own = None if key_file else certificate
    base, questions, warnings = present_list(site, signer, certificate, own)
    if signer.certificate.has_expired(site.clock.now()):
        questions.append(_expired(signer.certificate, certificate))
    if not key_file and site.settings.keep_trust:
        _require_not_older(site, certificate, base)
    named = recovery_record(base)
    if named is None or named.certificate != certificate.der:
        base = _with_recovery(site, base, named, certificate)
        does_sign = signer.certificate == certificate
        questions.append(_other_key(named, certificate, does_sign=does_sign))
        weakness = weaker_than(certificate, named.public_key or b"") if named else ""
        if weakness:
            questions.append(Question((weakness,)))
    if signer.certificate != certificate:
        base = _with_signer(site, base, signer.certificate)
    unfinished = read_reset(site)
    if unfinished and unfinished.sha256 != hashlib.sha256(base.raw).hexdigest():
        unfinished = None
    # docs/decisions/014: of an unfinished one, nodes that have it keep these very bytes
    new = base if unfinished else _signed_anew(site, base, signer)
    verdict = check(new, site.backends.verifier())
    if not verdict.is_valid:
        raise RefusedError(f"the reset ITL does not verify: {verdict.reason}")
    given_up: tuple[str, ...] = ()
    if not site.settings.keep_trust:
        warnings += _warning(site, new)
    else:
        refused, given_up = _refused(site, new, unfinished)
        if refused:
            questions.append(Question(_who_refuses(refused)))
    return ResetPlan(
        new,
        key_file,
        certificate,
        signer.certificate,
        tuple(questions),
        tuple(warnings),
        given_up,
    )


def _signed_anew(site: Site, base: TrustList, signer: Credential) -> TrustList:
    timestamp = next_timestamp(site)
    try:
        return reseal(base, signer, timestamp=timestamp, digest=digest_of(site))
    except SignatureError as problem:
        # The room of lists speaks to programs, which can make records.
        raise SignatureError(
            problem.message,
            how_to_compose(
                site,
                "Run `utils service restart Cisco Tftp`, which composes the list of "
                "this node anew, and then the reset again.",
            ),
        ) from problem


def _require_not_older(site: Site, certificate: Certificate, base: TrustList) -> None:
    """Refuse a key file of a backup, unless the served list's phones were given up."""
    kept = History(site).find(base.raw)
    if kept is None or not kept.is_given_up:
        require_not_older(site, certificate, base)


def _with_recovery(
    site: Site, base: TrustList, named: Record | None, certificate: Certificate
) -> TrustList:
    """The list with this key's ITLRECOVERY record in place of the one that it names.

    Where the same key stands there too as an earlier or adopted one that signs (see
    ``compose``), the TFTP node's own record comes back in its place. A list without an
    ITLRECOVERY record that names the key as SAST stays as it is.
    """
    (fresh,) = spelled_for_phones(site, [full_record(Role.SAST, certificate)])
    if named is None:
        is_there = any(_is_same_token(record, fresh) for record in base.records)
        added = () if is_there else (fresh,)
        return base._replace(records=(*base.records, *added))
    records = [fresh if record is named else record for record in base.records]
    own = next((r.certificate for r in records if r.role == Role.TFTP), None)
    for at, record in enumerate(records):
        if own and record is not fresh and _is_same_token(record, fresh):
            read = site.backends.keys().read_certificate(own)
            records[at] = full_record(Role.SAST, read)
    return base._replace(records=tuple(records))


def _with_signer(site: Site, base: TrustList, signer: Certificate) -> TrustList:
    """The list with CallManager's SAST record, if an earlier key stands in its place.

    Not where the list names another CallManager as TFTP: then it is older than the key,
    and a start has to make it anew first.
    """
    ders = {r.certificate for r in base.records if r.role == Role.TFTP}
    tokens = {r.certificate for r in base.records if r.role == Role.SAST}
    recovery = recovery_record(base)
    if signer.der not in ders or signer.der in tokens:
        return base
    (fresh,) = spelled_for_phones(site, [full_record(Role.SAST, signer)])
    records = list(base.records)
    for at, record in enumerate(records):
        if record.role == Role.SAST and record is not recovery:
            records[at] = fresh
            return base._replace(records=tuple(records))
    return base


def _is_same_token(record: Record, other: Record) -> bool:
    """Both are SAST records of one certificate, however their names are spelled."""
    return record.role == Role.SAST and record.certificate == other.certificate


def _other_key(
    named: Record | None, certificate: Certificate, *, does_sign: bool
) -> Question:
    listed = "none"
    if named is not None and named.certificate:
        listed = f"{named.subject_name}, SHA-256 {_fingerprint(named.certificate)}"
    shown = f"{certificate.subject_name}, SHA-256 {_fingerprint(certificate.der)}"
    lines = [
        "The recovery key is not the one that the present ITL names.",
        f"  in the ITL:   {listed}",
        f"  this key:     {shown}",
    ]
    if does_sign:
        lines += [
            "Phones that hold the present ITL will refuse the new one; phones that",
            "hold an ITL with this key will accept it.",
        ]
    else:
        lines.append("CallManager signs the new ITL, by which phones learn this key.")
    return Question(tuple(lines))


def _fingerprint(der: bytes) -> str:
    return hashlib.sha256(der).hexdigest().upper()


def weaker_than(certificate: Certificate, listed_key: bytes) -> str:
    """In what way a recovery key falls short of the one that phones know by now.

    Args:
        certificate: of the key that a reset is going to sign with.
        listed_key: the PUBLICKEY field of the list's ITLRECOVERY record.

    Returns:
        A sentence for the question that a reset asks; empty if the key is as strong.
    """
    try:
        listed = read_key(listed_key)
    except SignatureError as problem:
        return f"The ITL names a recovery key of another kind: {problem.message}."
    if certificate.key_type != listed.algorithm:
        return f"The recovery key is no {listed.algorithm} key; the ITL names one."
    if certificate.key_bits >= listed.bits:
        return ""
    return (
        f"The recovery key has {certificate.key_bits} bits, fewer than the "
        f"{listed.bits} bits of the one that the ITL names."
    )


def _expired(signer: Certificate, recovery: Certificate) -> Question:
    day = signer.not_after.strftime("%Y-%m-%d")
    which = "recovery" if signer == recovery else Unit.CALL_MANAGER.value
    return Question((f"The {which} certificate expired on {day}.",))


def _refused(
    site: Site, new: TrustList, unfinished: OpenReset | None
) -> tuple[tuple[Refusal, ...], tuple[str, ...]]:
    """The lists whose holders would refuse the new one, by the one rule.

    Besides the history counts what lies on the other nodes now, for a reset brings them
    this list, and a member serves lists that this node never saw.

    Args:
        site: this node.
        new: the list of the reset.
        unfinished: of the earlier try that this one goes on with, which asked about the
            history; nodes that were silent then may answer now.

    Returns:
        Those to ask about, and SHA-256 of those on other nodes that are given up then.
    """
    history = History(site)
    asked = {kept.digests.sha256 for kept in history.binding} if unfinished else set()
    given_up = set(unfinished.given_up) if unfinished else set()
    raw = served_list(site)
    if raw is not None:
        history.consider(site.node.name, raw)
    elsewhere = {}
    for name, found in lists_elsewhere(site).items():
        if hashlib.sha256(found).hexdigest() not in given_up:
            history.consider(name, found)
            kept = history.find(found)
            elsewhere[hashlib.sha256(found).hexdigest()] = (
                kept.digests.sha256 if kept else ""
            )
    asked -= set(elsewhere.values())
    refused = who_refuses(site, new, history, agreed=asked)
    lost = {entry.kept.digests.sha256 for entry in refused}
    given_up |= {there for there, kept in elsewhere.items() if kept in lost}
    return refused, tuple(sorted(given_up))


def _who_refuses(refused: tuple[Refusal, ...]) -> tuple[str, ...]:
    """The lines of a question."""
    return (
        "Phones that hold one of these ITLs would refuse the new one:",
        *(f"  {line}" for line in refusal_lines(refused)),
        "They stay locked out until they get a list signed with a key of then:",
        "`utils itl reset remotekey` with the ITLRecovery.p12 that was saved then.",
    )


def _warning(site: Site, new: TrustList) -> list[str]:
    """With ``keep_trust`` off: who will refuse it, which is told and not asked.

    What the other nodes serve is looked at once there was another recovery key, for
    then they may serve lists that name no other.
    """
    warnings, history, raw = [], History(site), served_list(site)
    if raw is not None:
        verdict = judge(decode(raw), new, site.backends.verifier())
        if not verdict.accepted:
            warnings.append(f"Phones: {verdict.reason}")
        history.consider(site.node.name, raw)
    if Keystore(site).has_earlier(Unit.ITL_RECOVERY):
        for name, found in lists_elsewhere(site).items():
            history.consider(name, found)
    refused = refusals(site, history.binding, new)
    return [*warnings, *_who_refuses(refused)] if refused else warnings
