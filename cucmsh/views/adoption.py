"""What ``cucmsh adopt`` shows: what was understood, who takes which list, what is next.

Pure. For somebody who fears for their phones: nothing is left out because it is short.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from textwrap import TextWrapper

from cucmsh.config.settings import Settings
from cucmsh.services.adoption.apply import Adopted
from cucmsh.services.adoption.decide import Standing
from cucmsh.services.adoption.material import GivenRecord
from cucmsh.services.adoption.plan import (
    CALL_MANAGER,
    FIRST,
    RECOVERY,
    RESET,
    RESTART,
    AdoptionPlan,
    Answer,
    Holding,
    Made,
    PlannedKey,
    Row,
)
from cucmsh.services.adoption.sources import FoundList
from cucmsh.services.lists.acceptance import TRUST_RELEASE
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.tags import Digest, Role, role_label
from cucmsh.views.times_and_sizes import format_time, iso_time

Document = dict[str, object]
WIDTH = 88  # columns

WHEN = {
    FIRST: "the next start of Cisco Tftp serves the first list",
    RESTART: "after one more restart of Cisco Tftp",
    CALL_MANAGER: f"after `{CALL_MANAGER}` and a restart",
    RECOVERY: f"after `{RECOVERY}` and a restart",
    RESET: f"after `{RESET}`",
}
WORDS = {True: "yes", False: "NO", None: "-"}
LOST = """\
LOST: this node has no key that phones with this list believe: {label}
They take none of its lists, and keep what they have. Their ways out:
  - the private key of another SAST of their list, with --adopt-key: {others}
  - the system that signed it, if it still runs: have it sign a list that names a key of
    this node, or have its TVS vouch for one
  - erasing the list on each phone by hand (Settings > Security > Trust List > Erase);
    the next list is then taken on faith
docs/adoption.md (Without a key) says more of each."""
CTL_NOTE = """\
A CTL is never signed anew here: it stays as it lies in the TFTP directory, and a phone
that holds one takes what its CTL or its ITL believes."""
RESET_NOTE = """\
A reset signs with the recovery key, which phones learn from the first list: it asks
before it gives up those that have not taken that list yet."""


def adoption_lines(plan: AdoptionPlan) -> Iterator[str]:
    """The whole plan, line by line; what is lost comes first."""
    for holding in plan.lost:
        label = f"{_label(plan, holding)} ({holding.label})"
        yield from LOST.format(label=label, others=_others(holding)).splitlines()
        yield ""
    yield "What was handed over:"
    for number, (found, standing) in enumerate(plan.lists, 1):
        yield from _list_lines(number, found, standing)
    for key in plan.keys:
        yield from _key_lines(plan, key)
    if plan.capf:
        yield f"  CAPF: {plan.capf.subject_name}, with its key: it stays what phones"
        yield "    enrolled with; this node's own CAPF certificate is put aside"
    yield from _decided_lines(plan)
    yield from _made_lines(plan)
    yield from _table_lines(plan)
    if any(found.is_ctl and found.trust_list for found, _ in plan.lists):
        yield from CTL_NOTE.splitlines()
    for warning in plan.warnings:
        yield from _wrapped(f"NOTE: {warning}", 0)
    yield ""
    yield from _summary(plan)


def adopted_lines(
    adopted: Adopted, settings: Settings, verb: Sequence[str]
) -> Iterator[str]:
    """What was done, and what to type next.

    Args:
        adopted: what the use-case gave.
        settings: of this node.
        verb: the argv that runs cucmsh with this node's configuration.
    """
    yield "Adopted. Nothing that is served has changed yet."
    yield f"What was there before is kept in {settings.home}/{adopted.folder}."
    others = [
        member.name
        for member in settings.cluster.members
        if member.has_tftp and member != settings.node
    ]
    if others:
        yield "These members sign lists of their own; where they are to serve the same"
        yield f"phones, run this there, too: {', '.join(others)}"
    for outcome in adopted.outcomes:
        if not outcome.is_done:
            yield f"The CAPF certificate is not on {outcome.name} yet: {outcome.reason}"
    typed = shlex.join(verb)
    yield "Next:"
    yield f"  {typed} -c 'utils service restart Cisco Tftp'"
    yield "      composes the first list and serves it; phones fetch it when they start"
    yield f"  {typed} -c 'show itl'"
    yield "      its checksums, to be compared with what phones show"
    yield f"  {typed} doctor"
    yield f"When every phone has a list of this node, `{TRUST_RELEASE}` lets go of the"
    yield "adopted keys. Until then keep them, and a copy of ITLRecovery.p12."


def adoption_document(plan: AdoptionPlan) -> Document:
    """The plan as ``--json`` gives it; the keys are in docs/cli.md#adopt."""
    return {
        "lists": [_list_document(found, standing) for found, standing in plan.lists],
        "keys": [_key_document(key) for key in plan.keys],
        "capf": plan.capf.sha1_fingerprint.hex() if plan.capf else None,
        "entering": [_given_document(given) for given in plan.decided.entering],
        "left_out": [left._asdict() for left in plan.decided.left_out],
        "lost": [holding.label for holding in plan.lost],
        "served": [_made_document(made) for made in plan.made],
        "table": [
            {
                "held": row.holding.label,
                "answers": [_answer_document(answer) for answer in row.answers],
            }
            for row in plan.rows
        ],
        "warnings": [*plan.warnings],
        "locks_out": plan.is_locking_out,
    }


def _list_lines(number: int, found: FoundList, standing: Standing) -> Iterator[str]:
    yield f"  list {number}: {found.place}"
    if found.trust_list is None:
        yield f"    {standing.value}; phones without a list take the first one given"
        return
    header = found.trust_list.header
    digest = header.digest
    signed = Digest(digest).name if digest in set(Digest) else f"digest {digest}"
    yield (
        f"    {found.name}, {len(found.raw)} bytes, of {format_time(header.timestamp)}"
    )
    yield f"    SHA-1 {found.sha1}"
    yield f"    signed ({signed}) by {header.signer_name}"
    yield f"    {standing.value}"
    for record in found.trust_list.records:
        yield f"      {_record_words(record)}"


def _record_words(record: Record) -> str:
    role = "no role" if record.role is None else role_label(record.role)
    name = record.subject_name or "(blank)"
    form = "" if record.certificate or not record.public_key else " (its hash only)"
    return f"{role}: {name}{form}"


def _key_lines(plan: AdoptionPlan, key: PlannedKey) -> Iterator[str]:
    certificate = key.certificate
    yield f"  key: {key.path}"
    yield f"    {certificate.subject_name}, {certificate.key_bits} bits"
    yield f"    certificate SHA-1 {certificate.sha1_fingerprint.hex()}"
    day = f"{certificate.not_after:%Y-%m-%d}"
    if key.has_expired:
        yield f"    EXPIRED on {day}: phones are not known to look at that; some may"
    else:
        yield f"    valid until {day}"
    for use in key.uses:
        roles = ", ".join(map(role_label, use.roles))
        signed = "signed" if use.is_signer else "is in"
        yield f"    {signed} {_number(plan, use.found)}, as {roles}"


def _decided_lines(plan: AdoptionPlan) -> Iterator[str]:
    places = {found.place: _number(plan, found) for found, _ in plan.lists}
    yield ""
    if plan.decided.entering:
        yield "Into every list of this node, as [[cluster.records]]:"
    for given in plan.decided.entering:
        place = places.get(given.place, given.place)
        name = _short(given.certificate.subject_name)
        yield f"  {role_label(given.role)} {name}, from {place}"
    if plan.decided.left_out:
        yield "Not into any:"
    for left in plan.decided.left_out:
        yield f"  {_short(left.what)}, from {places.get(left.place, left.place)}:"
        yield from _wrapped(left.reason, 4)
    if not plan.decided.entering and not plan.decided.left_out:
        yield "The lists of this node name nothing further."


def _made_lines(plan: AdoptionPlan) -> Iterator[str]:
    yield ""
    yield "What this node serves then:"
    for number, made in enumerate(plan.made, 1):
        yield f"  {number}  {WHEN[made.event]}:"
        yield from _wrapped(_served(made), 5)
        if made.is_kept and made.remark:
            yield from _wrapped(made.remark, 5)


def _served(made: Made) -> str:
    if made.trust_list is None:
        return f"no list: {made.remark}"
    if made.is_kept:
        return f"the list that lies there stays, signed by {_short(made.signer)}"
    whose = "an adopted key" if made.is_by_adopted else "a key of this node"
    return f"signed by {_short(made.signer)}, {whose}"


def _table_lines(plan: AdoptionPlan) -> Iterator[str]:
    labels = [_label(plan, row.holding) for row in plan.rows]
    width = max(map(len, labels), default=0)
    yield ""
    yield "Does a phone take it, by what it holds:"
    numbers = "".join(f"{at:>5}" for at in range(1, len(plan.made) + 1))
    yield f"  {'':{width}}{numbers}"
    for label, row in zip(labels, plan.rows, strict=True):
        cells = "".join(f"{WORDS[at.accepted]:>5}" for at in row.answers)
        yield f"  {label:{width}}{cells}"
    for label, row in zip(labels, plan.rows, strict=True):
        yield from _reasons(label, row)


def _reasons(label: str, row: Row) -> Iterator[str]:
    numbers: dict[str, list[str]] = {}
    for at, answer in enumerate(row.answers, 1):
        if answer.accepted is False:
            numbers.setdefault(answer.reason, []).append(str(at))
    for reason, found in numbers.items():
        yield from _wrapped(f"NO at {', '.join(found)} with {label}: {reason}", 2)


def _wrapped(text: str, indent: int) -> list[str]:
    blanks = " " * indent
    wrapper = TextWrapper(WIDTH, initial_indent=blanks, subsequent_indent=blanks)
    wrapper.break_long_words = wrapper.break_on_hyphens = False
    return wrapper.wrap(text)


def _number(plan: AdoptionPlan, found: FoundList) -> str:
    """How a list that was handed over is called below the first lines."""
    return f"list {[at for at, _ in plan.lists].index(found) + 1}"


def _label(plan: AdoptionPlan, holding: Holding) -> str:
    """What a phone holds, in few words."""
    found = " and ".join(_number(plan, at) for at in holding.found)
    return f"{found} together" if len(holding.found) > 1 else found or holding.label


def _short(name: str) -> str:
    """A name up to the end of its CN, whatever joins the parts."""
    found = re.search(r"CN=[^;,]*", name)
    return name[: found.end()] if found else name


def _summary(plan: AdoptionPlan) -> Iterator[str]:
    if plan.is_locking_out:
        yield "Phones would be locked out: see NO and LOST above."
    else:
        yield "No phone that holds one of these lists is locked out by what follows."
    if any(made.event == RESET for made in plan.made):
        yield from RESET_NOTE.splitlines()


def _others(holding: Holding) -> str:
    """Who else may sign for these phones."""
    names = {
        record.subject_name: None
        for trust_list in holding.lists
        for record in trust_list.records
        if record.role == Role.SAST
    }
    return ", ".join(names) or "it names none"


def _list_document(found: FoundList, standing: Standing) -> Document:
    trust_list = found.trust_list
    return {
        "place": found.place,
        "file_name": found.name,
        "length": len(found.raw),
        "sha1": found.sha1 if trust_list else None,
        "sha256": found.sha256 if trust_list else None,
        "timestamp": iso_time(trust_list.header.timestamp) if trust_list else None,
        "signer": trust_list.header.signer_name if trust_list else None,
        "standing": standing.name.lower(),
        "records": _records_document(trust_list),
    }


def _records_document(trust_list: TrustList | None) -> list[Document]:
    return [
        {
            "role": _role(record.role),
            "subject": record.subject_name or None,
            "has_certificate": record.certificate is not None,
        }
        for record in (trust_list.records if trust_list else ())
    ]


def _key_document(key: PlannedKey) -> Document:
    certificate = key.certificate
    return {
        "path": key.path,
        "subject": certificate.subject_name,
        "sha1": certificate.sha1_fingerprint.hex(),
        "sha256": certificate.sha256_fingerprint.hex(),
        "expired": key.has_expired,
        "lists": [
            {
                "sha1": use.found.sha1,
                "roles": [_role(role) for role in use.roles],
                "is_signer": use.is_signer,
            }
            for use in key.uses
        ],
    }


def _given_document(given: GivenRecord) -> Document:
    return {
        "role": _role(given.role),
        "subject": given.certificate.subject_name,
        "sha1": given.certificate.sha1_fingerprint.hex(),
        "place": given.place,
    }


def _made_document(made: Made) -> Document:
    return {
        "event": made.event,
        "signer": made.signer or None,
        "kept": made.is_kept,
        "remark": made.remark or None,
    }


def _answer_document(answer: Answer) -> Document:
    return {"accepted": answer.accepted, "reason": answer.reason}


def _role(role: int | None) -> str | None:
    if role is None:
        return None
    return Role(role).name if role in set(Role) else str(role)
