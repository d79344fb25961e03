"""What adopting would do to every phone: tried out in memory, then judged.

The lists that phones hold, the first list that this node composes then, and the ones
after a restart, after each regeneration and after a reset are really made, by the code
that makes them, on a ``DraftSite``. Each is judged by each held list as a phone would.
Writes nothing, asks no other node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.adoption.decide import (
    Answers,
    Decided,
    Standing,
    decide,
    standing_of,
)
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.adoption.keep import keep, settings_with
from cucmsh.services.adoption.material import GivenRecord, Material, roles_in
from cucmsh.services.adoption.sources import FoundList, digest_for
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.lists.tried import regenerate_on_draft
from cucmsh.services.records.history import History, Kept
from cucmsh.services.site import Site
from cucmsh.trustlist.check import Verifier, check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import judge

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential

FIRST = "first list"
RESTART = "next restart"
CALL_MANAGER = "set cert regen CallManager"
RECOVERY = "set cert regen ITLRecovery"
RESET = "utils itl reset localkey"


class KeyUse(NamedTuple):
    """What a list makes of a key that was handed over."""

    found: FoundList
    roles: tuple[int, ...]
    is_signer: bool


class PlannedKey(NamedTuple):
    """A key that is adopted.

    Attributes:
        path: of its file.
        certificate: the one of its certificates that is meant.
        uses: the lists that name it.
        has_expired: whether the certificate is past its end.
    """

    path: str
    certificate: Certificate
    uses: tuple[KeyUse, ...]
    has_expired: bool


class Holding(NamedTuple):
    """What one phone holds: an ITL, a CTL, or both.

    Attributes:
        label: for the table: where the lists were found.
        lists: it takes what one of them believes.
        found: those of ``lists`` that were handed over; none for lists of this node.
    """

    label: str
    lists: tuple[TrustList, ...]
    found: tuple[FoundList, ...] = ()


class Made(NamedTuple):
    """A list that this node would serve after something happened.

    Attributes:
        event: what happened.
        trust_list: what is served then; None if nothing is.
        signer: the subject of who signed it; empty without a list.
        is_kept: whether it is the list that lay in the TFTP directory before.
        is_by_adopted: whether an adopted key signed it.
        remark: what an administrator is told about it, or why there is none.
    """

    event: str
    trust_list: TrustList | None
    signer: str
    is_kept: bool
    remark: str
    is_by_adopted: bool = False


class Answer(NamedTuple):
    """What a phone does with one of the lists, and why.

    ``accepted`` is None where it is served nothing.
    """

    accepted: bool | None
    reason: str


class Row(NamedTuple):
    """A held list in the table: an answer for each of ``AdoptionPlan.made``."""

    holding: Holding
    answers: tuple[Answer, ...]


class AdoptionPlan(NamedTuple):
    """What was understood, what is decided, and what phones will think of it.

    Attributes:
        lists: what was handed over, empty files too, and what our keys are to each.
        keys: what is adopted.
        capf: the CAPF certificate that this node takes over with its key.
        decided: which further certificates enter our lists, and which do not.
        noted: the lists that are kept in mind from now on.
        made: the lists of this node, event by event.
        rows: who takes which.
        lost: what is held by phones that no key of this node reaches.
        warnings: what an administrator should know besides.
    """

    lists: tuple[tuple[FoundList, Standing], ...]
    keys: tuple[PlannedKey, ...]
    capf: Certificate | None
    decided: Decided
    noted: tuple[FoundList, ...]
    made: tuple[Made, ...]
    rows: tuple[Row, ...]
    lost: tuple[Holding, ...]
    warnings: tuple[str, ...]

    @property
    def is_locking_out(self) -> bool:
        """Whether phones refuse a list that nobody has to ask for.

        A reset does not count: it asks by itself before it gives phones up.
        """
        daily = [at for at, made in enumerate(self.made) if made.event != RESET]
        refused = any(
            row.answers[at].accepted is False for row in self.rows for at in daily
        )
        return refused or bool(self.lost) or self.made[0].trust_list is None


def plan_adoption(
    site: Site, material: Material, answers: Answers, text: str
) -> AdoptionPlan:
    """What adopting ``material`` would do; changes nothing.

    Args:
        site: this node, whole.
        material: what was handed over.
        answers: decide what only a person decides.
        text: of this node's configuration.

    Raises:
        RefusedError: this node has ``keep_trust`` off, or no TFTP service.
        ConfigurationError: what enters cannot stand in the configuration.
        CucmshError: this node's own keys cannot be read.
    """
    require_able(site)
    decided = decide(site, material, answers)
    capf, warnings = _capf(site, material)
    warnings += [*_digest(site, material), *_files(material)]
    if material.capf and not capf:
        record = GivenRecord(Role.CAPF, material.capf.certificate, material.capf.path)
        decided = decided._replace(entering=(*decided.entering, record))
    holdings = [*_holdings(material.lists)]
    ours = {key.certificate.der for key in material.keys} | _own_signers(site)
    plan = AdoptionPlan(
        lists=tuple((at, standing_of(at, material)) for at in material.lists),
        keys=tuple(_planned_keys(site, material)),
        capf=capf,
        decided=decided,
        noted=tuple(_noted(holdings, ours)),
        made=(),
        rows=(),
        lost=tuple(at for at in holdings if not _reaches(at.lists, ours)),
        warnings=tuple(warnings),
    )
    draft = DraftSite(site, settings_with(site, text, decided.entering))
    keep(draft, material, capf_key(plan, material), plan.noted)
    made = tuple(_make(draft))
    holdings += _own_holdings(site, holdings)
    verifier = site.backends.verifier()
    first = made[0].trust_list
    if first is not None and not made[0].is_kept:
        holdings.append(Holding(f"the {FIRST}", (first,)))
    rows = tuple(
        Row(at, tuple(_answer(at.lists, each, verifier) for each in made))
        for at in holdings
    )
    return plan._replace(made=made, rows=rows)


def require_able(site: Site) -> None:
    """Refuse where adopting means nothing.

    Raises:
        RefusedError: ``keep_trust`` is off, or there is no TFTP service.
    """
    if not site.settings.keep_trust:
        raise RefusedError(
            "keep_trust is off: this node signs with its own key whatever phones hold",
            f"Set keep_trust = true in {site.settings.path}, and run it again.",
        )
    if not site.node.has_tftp:
        raise RefusedError(
            f"{site.node.name} does not run Cisco Tftp, so it serves no list",
            "Adopt on the node that serves those phones.",
        )


def capf_key(plan: AdoptionPlan, material: Material) -> Credential | None:
    """The CAPF key that this node takes over; None where it takes none."""
    return material.capf.credential if plan.capf and material.capf else None


def _capf(site: Site, material: Material) -> tuple[Certificate | None, list[str]]:
    if material.capf is None:
        return None, []
    if Unit.CAPF in Keystore(site).units:
        return material.capf.certificate, []
    warning = (
        f"{site.node.name} has no CAPF service: its lists name the CAPF certificate, "
        "and its key is not kept."
    )
    return None, [warning]


def _digest(site: Site, material: Material) -> Iterator[str]:
    if digest_for(material.lists) != site.settings.digest == "sha512":
        yield (
            "Phones hold lists that are signed with SHA-1, and this node signs lists "
            "and files with SHA-512. Phones that know SHA-1 alone need digest = "
            f'"sha1" under [cluster] in {site.settings.path}, before the next start.'
        )


def _files(material: Material) -> Iterator[str]:
    """Who signs phones' files where the key that did was not handed over."""
    keys = {key.certificate.der for key in material.keys}
    for found in material.lists:
        records = found.trust_list.records if found.trust_list else ()
        signers = [at for at in records if at.role in CONFIGURATION_SIGNERS]
        if signers and not keys.intersection(at.certificate for at in signers):
            yield (
                f"Phones that hold {found.place} take signed files (.sgn) of "
                f"{signers[0].subject_name} alone, and its key was not handed over: "
                "this node signs them with its CallManager key, which those phones "
                "know from the first list on, and refuse until they have taken that."
            )


def _planned_keys(site: Site, material: Material) -> Iterator[PlannedKey]:
    now = site.clock.now()
    for path, credential in material.keys:
        certificate = credential.certificate
        uses = tuple(
            KeyUse(at, roles, _signed(at, certificate))
            for at in material.lists
            if (roles := roles_in(at, certificate))
        )
        yield PlannedKey(path, certificate, uses, certificate.has_expired(now))


def _signed(found: FoundList, certificate: Certificate) -> bool:
    signer = found.signer
    return signer is not None and signer.certificate == certificate.der


def _holdings(lists: Iterable[FoundList]) -> Iterator[Holding]:
    """A phone holds the one ITL and the one CTL of a folder together."""
    folders: dict[str, list[FoundList]] = {}
    for found in lists:
        if found.trust_list is not None:
            folder = found.place.rpartition("/")[0]
            folders.setdefault(folder, []).append(found)
    for together in folders.values():
        ctls = [found for found in together if found.is_ctl]
        if len(together) == 2 and len(ctls) == 1:
            together.sort(key=lambda found: found.is_ctl)
            yield _holding(*together)
        else:
            yield from map(_holding, together)


def _holding(*found: FoundList) -> Holding:
    label = " + ".join([found[0].place, *(at.name for at in found[1:])])
    lists = tuple(at.trust_list for at in found if at.trust_list is not None)
    return Holding(label, lists, found)


def _own_holdings(site: Site, given: Iterable[Holding]) -> Iterator[Holding]:
    """What phones of this node hold, besides what was handed over."""
    known = {at.raw for holding in given for at in holding.lists}
    history, raw = History(site), served_list(site)
    if raw is not None:
        history.consider(site.node.name, raw)
    for kept in history.binding:
        if kept.trust_list.raw not in known:
            yield Holding(_label(kept), (kept.trust_list,))


def _label(kept: Kept) -> str:
    return f"served here before (SHA-1 {kept.digests.sha1[:8]}...)"


def _noted(holdings: Iterable[Holding], ours: set[bytes]) -> Iterator[FoundList]:
    """Of each phone's lists the one by which it takes ours; none where none does."""
    for holding in holdings:
        for found in holding.found:
            if found.trust_list and _reaches((found.trust_list,), ours):
                yield found
                break


def _reaches(lists: Iterable[TrustList], ours: set[bytes]) -> bool:
    """Whether one of the lists names one of our keys as SAST, or none at all."""
    return any(
        record.role == Role.SAST and record.certificate in ours
        for trust_list in lists
        for record in trust_list.records
    ) or all(record.public_key is None for at in lists for record in at.records)


def _own_signers(site: Site) -> set[bytes]:
    """The certificates (DER) of the keys with which this node can sign lists."""
    keystore = Keystore(site)
    units = [Unit.CALL_MANAGER]
    if site.node.is_publisher:
        units.append(Unit.ITL_RECOVERY)
    own = {keystore.certificate(unit).der for unit in units}
    earlier = [at for unit in units for at in keystore.earlier(unit)]
    return own | {at.certificate.der for at in (*earlier, *keystore.adopted())}


def _make(draft: DraftSite) -> Iterator[Made]:
    """The lists of the draft, event by event; each but the first from the second on."""
    yield _started(draft, FIRST)
    yield _started(draft.copy(), RESTART)
    for event, unit in (
        (CALL_MANAGER, Unit.CALL_MANAGER),
        (RECOVERY, Unit.ITL_RECOVERY),
    ):
        if unit is Unit.ITL_RECOVERY and not draft.node.is_publisher:
            continue
        at = draft.copy()
        regenerate_on_draft(at, unit)
        yield _started(at, event)
    if draft.node.is_publisher:
        yield _reset(draft.copy())


def _started(draft: DraftSite, event: str) -> Made:
    try:
        composed = compose_for_start(draft)
    except CucmshError as problem:
        return Made(event, None, "", is_kept=False, remark=problem.message)
    trust_list = decode(composed.raw)
    return _made(draft, event, trust_list, composed.is_kept, composed.remark)


def _made(
    draft: DraftSite, event: str, trust_list: TrustList, is_kept: bool, remark: str
) -> Made:
    signer = check(trust_list, draft.backends.verifier()).signer
    name, der = (signer.subject_name, signer.certificate) if signer else ("", None)
    adopted = [key.certificate.der for key in Keystore(draft).adopted()]
    return Made(event, trust_list, name, is_kept, remark, der in adopted)


def _reset(draft: DraftSite) -> Made:
    try:
        planned = plan_local_reset(draft)
    except CucmshError as problem:
        return Made(RESET, None, "", is_kept=False, remark=problem.message)
    return _made(draft, RESET, planned.trust_list, False, "")


def _answer(lists: tuple[TrustList, ...], made: Made, verifier: Verifier) -> Answer:
    if made.trust_list is None:
        return Answer(None, made.remark)
    verdicts = [judge(held, made.trust_list, verifier) for held in lists]
    told = next((v for v in verdicts if v.accepted), verdicts[0])
    return Answer(told.accepted, told.reason)
