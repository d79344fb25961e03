"""Would a holder of one list take another (docs/formats.md#phones)?

Asks no TVS: what one would answer is an argument (``vouched``), and without it a
holder that refuses here may still be helped by one. Trust comes from the held list
alone, never from the offered one. Phones compare no timestamps, so an
older list that is signed well is accepted, here as there.

Decided: a *blank* held list is one without any key. A list whose SAST records stay
while its TFTP and TVS entries are empty may be blank to a phone too (its bytes are
unknown, docs/formats.md#unknown); calling it blank here could call a lost phone safe,
so it is judged by its SAST records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container
from functools import partial
from typing import NamedTuple

from cucmsh.trustlist.check import Verifier
from cucmsh.trustlist.model import Record, TrustList, colons, name_parts
from cucmsh.trustlist.offer import Offer, SignerSays, sha1_of
from cucmsh.trustlist.tags import Role, role_label


class TrustVerdict(NamedTuple):
    """``reason`` is one sentence for an administrator, whatever the answer.

    ``signer`` is the offered list's record of its signer, if the list is consistent.
    ``tvs_may_help`` is true of a refusal that a TVS of the held ITL could turn, and
    ``by_tvs`` of what is taken because of one.
    """

    accepted: bool
    reason: str
    signer: Record | None
    tvs_may_help: bool = False
    by_tvs: bool = False


class HolderVerdict(NamedTuple):
    """A ``TrustVerdict`` whose sentence is made when it is read: few ever are."""

    accepted: bool
    sentence: Callable[[], str]
    signer: Record | None
    tvs_may_help: bool = False
    by_tvs: bool = False

    @property
    def reason(self) -> str:
        return self.sentence()


def judge(
    held: TrustList | None,
    offered: TrustList,
    verifier: Verifier,
    *,
    tftp_may_sign: bool = False,
    vouched: Collection[bytes] = (),
) -> TrustVerdict:
    """Say whether a phone that holds ``held`` takes ``offered``.

    Args:
        held: the list it holds; ``None`` for a phone that holds none.
        offered: the list it is given.
        verifier: does the operation with the key.
        tftp_may_sign: let the held TFTP and CCM+TFTP records vouch for a signer too
            (a Cisco note says that they do, certutils that they do not).
        vouched: certificates (DER) for which a TVS of the held list answers; empty for
            a phone that none answers. Previews use it. ``keep_trust`` never does: a TVS
            that answers us need not answer phones.
    """
    found = judge_holder(
        None,
        held,
        Offer.of(offered),
        verifier,
        tftp_may_sign=tftp_may_sign,
        vouched=vouched,
    )
    return TrustVerdict(
        found.accepted, found.reason, found.signer, found.tvs_may_help, found.by_tvs
    )


def judge_holder(  # noqa: PLR0913 - what a phone has, and what it is given
    ctl: TrustList | None,
    itl: TrustList | None,
    offered: Offer,
    verifier: Verifier,
    *,
    tftp_may_sign: bool = False,
    vouched: Collection[bytes] = (),
) -> HolderVerdict:
    """``judge`` for a phone that may hold a CTL too, which it asks first.

    CTL or ITL, what is offered is judged by both. The TVS is one that the held ITL
    names, since a CTL names none (docs/formats.md#phones). A phone that holds lists is
    blank only if all of them are.
    """
    fault, signer = offered.claim.why_not(verifier), offered.signer
    if fault or signer is None:
        sentence = partial(_not_valid, fault)
        return HolderVerdict(accepted=False, sentence=sentence, signer=None)
    return judge_signer(ctl, itl, signer, tftp_may_sign=tftp_may_sign, vouched=vouched)


def judge_signer(
    ctl: TrustList | None,
    itl: TrustList | None,
    says: SignerSays,
    *,
    tftp_may_sign: bool = False,
    vouched: Collection[bytes] = (),
) -> HolderVerdict:
    """``judge_holder`` of any list with a good signature of that signer.

    Args:
        ctl: the CTL that the phone holds, or ``None``.
        itl: the ITL that it holds, or ``None``.
        says: ``SignerSays.of`` the record of the signer, as lists of it have it.
        tftp_may_sign: see ``judge``.
        vouched: the same.
    """
    signer = says.record
    if (ctl is None or ctl.is_blank) and (itl is None or itl.is_blank):
        sentence = _on_faith if ctl is None and itl is None else _by_blank
        return HolderVerdict(accepted=True, sentence=sentence, signer=signer)
    first: Callable[[], str] | None = None
    for each in (ctl, itl):
        if each is None:
            continue
        if not each.keys_by_name.get(says.name, _NO_KEYS) <= says.keys:
            sentence = partial(_another_key, signer)
            return HolderVerdict(accepted=False, sentence=sentence, signer=signer)
        refusal = _refusal(each, says, tftp_may_sign=tftp_may_sign)
        if refusal is None:
            sentence = partial(_trusted, signer)
            return HolderVerdict(accepted=True, sentence=sentence, signer=signer)
        first = first or refusal
    sentence = first or _on_faith  # some list was asked
    may_ask = bool(says.certificate) and names_tvs(itl)
    if may_ask and says.certificate in vouched:
        sentence = partial(_trusted_by_tvs, signer)
        return HolderVerdict(
            accepted=True, sentence=sentence, signer=signer, by_tvs=True
        )
    return HolderVerdict(
        accepted=False, sentence=sentence, signer=signer, tvs_may_help=may_ask
    )


_NO_KEYS: frozenset[bytes | None] = frozenset()


def _not_valid(fault: str) -> str:
    return f"The new list is not valid: {fault}."


def _on_faith() -> str:
    return "The first list is taken on faith."


def _by_blank() -> str:
    return "The held list is blank, so any list is taken."


def _trusted(signer: Record) -> str:
    return f"The held list trusts the signer {signer.subject_name}."


def _trusted_by_tvs(signer: Record) -> str:
    return f"A TVS of the held list trusts the signer {signer.subject_name}."


def _another_key(signer: Record) -> str:
    return f"The held list knows the signer {signer.subject_name} with another key."


def names_tvs(itl: TrustList | None) -> bool:
    """Whether a holder of this ITL may ask any TVS at all."""
    return itl is not None and _TVS in itl.roles


def is_tvs_of(itl: TrustList | None, certificate: bytes) -> bool:
    """Whether a server with this certificate is a TVS to a holder of the list.

    A record of role 21 has the very certificate, or its hash (docs/formats.md#phones).
    Nobody else is ever asked about it.

    Args:
        itl: the ITL that a phone holds; ``None`` for none.
        certificate: DER, as the server showed it.
    """
    return itl is not None and names_as(itl, (Role.TVS,), certificate)


def names_as(named_in: TrustList, roles: Container[int], certificate: bytes) -> bool:
    """Whether a list has a record of this certificate (DER) in one of the roles."""
    digest = sha1_of(certificate)
    return any(
        bearer.role in roles
        and (bearer.certificate == certificate or bearer.sha1 == digest)
        for bearers in named_in.by_key.values()
        for bearer in bearers
    )


# Looked up once: to name the member of an enum costs as much as a call in Python 3.11.
_SAST, _TVS = Role.SAST, Role.TVS
_MAY_SIGN_TOO = frozenset((Role.TFTP, Role.CCM_TFTP))


def _refusal(
    held: TrustList, says: SignerSays, *, tftp_may_sign: bool
) -> Callable[[], str] | None:
    """Makes the sentence why the held list does not vouch for the signer, or None."""
    if says.certificate is None:
        return partial(_without_certificate, says.record)
    # The key of the offered record is only said to be the certificate's, so it must be
    # the one that the held record has: nothing else ties it to what is trusted.
    roles: list[int | None] = []
    for role, certificate, digest in held.by_key.get(says.key, ()):
        if certificate == says.certificate or digest == says.sha1:
            if role == _SAST:
                return None
            roles.append(role)
    if not roles:
        return partial(_stranger, held, says.record)
    if tftp_may_sign and not _MAY_SIGN_TOO.isdisjoint(roles):
        return None
    return partial(_without_right, says.record, roles)


def _without_certificate(signer: Record) -> str:
    name = signer.subject_name
    return f"The new list does not carry the certificate of its signer {name}."


def _stranger(held: TrustList, signer: Record) -> str:
    return unknown_signer(held, signer.subject_name, signer.serial)


def _without_right(signer: Record, roles: list[int | None]) -> str:
    labels = ", ".join(role_label(-1 if role is None else role) for role in roles)
    return (
        f"The held list knows the signer {signer.subject_name} only as {labels}, "
        "which may not sign lists."
    )


def unknown_signer(held: TrustList, name: str, serial: bytes) -> str:
    """Why a signer is a stranger to the held list, one sentence.

    A certificate that was made anew keeps its name, so the serial numbers of others of
    that name are told. Names that differ in separators and order are the same here, for
    writers differ in that; nothing is decided by it.

    Args:
        held: the list, which does not hold the signer's certificate.
        name: the signer's, as the offered list or file writes it.
        serial: that of its certificate.
    """
    stranger = f"The signer {name} is not in the held list."
    namesakes = held.by_subject.get(name_parts(name)) if name else None
    if namesakes is None:
        return stranger
    known, spelled = namesakes.serials, namesakes.spelled.get(serial)
    if spelled is not None:
        if name not in spelled:
            return (
                f"The signer is called {name}, and in the held list "
                f"{' or '.join(sorted(spelled))}: names may be compared as they are "
                "written."
            )
        known = colons(namesakes.spelled.keys() - {serial})
    if not known:
        return stranger
    return (
        f"The signer {name} (serial {serial.hex(':').upper()}) is not in the held "
        f"list, which knows another certificate of that name (serial {known})."
    )


def is_same_name(one: str, other: str) -> bool:
    """Whether two names are one, however their writers join and order the parts."""
    return name_parts(one) == name_parts(other)
