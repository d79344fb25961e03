"""``utils itl reset``: the publisher's list signed anew with a recovery key.

``plan_*`` reads, signs and writes nothing; ``apply`` stages, commits, restarts and
reads back, in the steps S7 to S14 of threats-and-faults.md section 4. What needs a
typed ``yes`` is in the plan's ``questions``; this module asks nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import RefusedError
from cucmsh.pki.model import Certificate
from cucmsh.services.compose import (
    digest_of,
    next_timestamp,
    served_list,
    sha256_of,
)
from cucmsh.services.journal import unfinished_reset
from cucmsh.services.keystore import ImportedKey, Keystore
from cucmsh.services.resetting.present import Question, present_list
from cucmsh.services.resetting.recovery_key import weaker_than
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.seal import check, reseal
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import judge

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential


class ResetPlan(NamedTuple):
    """A signed list that is nowhere yet.

    Attributes:
        trust_list: the new list.
        key_file: the recovery key file to install first; empty for the local key.
        recovery: the certificate of the key that signed.
        questions: what an administrator must agree to.
        warnings: what an administrator should know.
    """

    trust_list: TrustList
    key_file: bytes
    recovery: Certificate
    questions: tuple[Question, ...]
    warnings: tuple[str, ...]

    @property
    def sha256(self) -> str:
        return sha256_of(self.trust_list.raw)


def plan_local_reset(site: Site) -> ResetPlan:
    """With the recovery key on this publisher's disk."""
    site.require_publisher()
    return _plan(site, Keystore(site).recovery(), b"")


def plan_remote_reset(site: Site, imported: ImportedKey) -> ResetPlan:
    """With a recovery key that came from a backup server."""
    site.require_publisher()
    plan = _plan(site, imported.credential, imported.key_file)
    return plan._replace(warnings=(*imported.warnings, *plan.warnings))


def _plan(site: Site, recovery: Credential, key_file: bytes) -> ResetPlan:
    certificate = recovery.certificate
    own = None if key_file else certificate
    base, questions, warnings = present_list(site, recovery, own)
    if certificate.has_expired(site.clock.now()):
        questions.append(_expired(certificate))
    named = recovery_record(base)
    if named is None or named.certificate != certificate.der:
        base = _with_recovery(base, named, certificate)
        questions.append(_other_key(named, certificate))
        weakness = weaker_than(certificate, named.public_key or b"") if named else ""
        if weakness:
            questions.append(Question((weakness,)))
    if unfinished_reset(site) == sha256_of(base.raw):
        new = base  # decision 14; nodes that have it already keep these very bytes
    else:
        timestamp = next_timestamp(site)
        new = reseal(base, recovery, timestamp=timestamp, digest=digest_of(site))
    verdict = check(new, site.doors.verifier())
    if not verdict.is_valid:
        raise RefusedError(f"the reset ITL does not verify: {verdict.reason}")
    warnings += _refusals(site, new)
    return ResetPlan(new, key_file, certificate, tuple(questions), tuple(warnings))


def recovery_record(trust_list: TrustList) -> Record | None:
    """The ITLRECOVERY record: the SAST that is not a TFTP node's own."""
    serving = {
        record.certificate
        for record in trust_list.records
        if record.role in (Role.TFTP, Role.CCM_TFTP)
    }
    for record in trust_list.records:
        if (
            record.role == Role.SAST
            and record.certificate
            and record.certificate not in serving
        ):
            return record
    return None


def _with_recovery(
    base: TrustList, named: Record | None, certificate: Certificate
) -> TrustList:
    fresh = full_record(Role.SAST, certificate)
    if named is None:
        return base._replace(records=(*base.records, fresh))
    records = tuple(fresh if record is named else record for record in base.records)
    return base._replace(records=records)


def _other_key(named: Record | None, certificate: Certificate) -> Question:
    listed = "none"
    if named is not None and named.certificate:
        listed = f"{named.subject_name}, SHA-256 {_fingerprint(named.certificate)}"
    shown = f"{certificate.subject_name}, SHA-256 {_fingerprint(certificate.der)}"
    return Question(
        (
            "The recovery key is not the one that the present ITL names.",
            f"  in the ITL:   {listed}",
            f"  this key:     {shown}",
            "Phones that hold the present ITL will refuse the new one; phones that",
            "hold an ITL with this key will accept it.",
        )
    )


def _fingerprint(der: bytes) -> str:
    return sha256_of(der).upper()


def _expired(certificate: Certificate) -> Question:
    day = certificate.not_after.strftime("%Y-%m-%d")
    return Question((f"The recovery certificate expired on {day}.",))


def _refusals(site: Site, new: TrustList) -> list[str]:
    """Whether phones that hold the served list will take the new one."""
    raw = served_list(site)
    if raw is None:
        return []
    verdict = judge(decode(raw), new, site.doors.verifier())
    return [] if verdict.accepted else [f"Phones: {verdict.reason}"]
