"""What a phone does with a list or file that it is given. Pure: no I/O, no clock.

The rule is that of ``trustlist.trust`` and ``trustlist.signed_trust``, which
``keep_trust`` and ``verify --against`` ask too; here it is asked as a phone of a family
does (docs/formats.md#phones): the CTL before the ITL, what TVS answered earlier before
TVS, and lists that it cannot load not at all. Hostile bytes never raise anything; they
are refused.

A decision with ``ask`` set is not the last word: the caller asks a TVS (or finds none)
and calls again with what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache, partial
from threading import Lock
from types import MappingProxyType
from typing import NamedTuple

from cucmsh.errors import CertificateError, TrustListError
from cucmsh.phones.families import Family, ListKind
from cucmsh.trustlist.check import Verifier
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import CertificateFields
from cucmsh.trustlist.model import Header, TrustList
from cucmsh.trustlist.offer import Offer
from cucmsh.trustlist.signed import SUFFIX, SignedFile, decode_signed
from cucmsh.trustlist.signed_trust import judge_signed_holder
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import is_same_name, is_tvs_of, judge_holder

Vouched = Mapping[bytes, tuple[int, ...]]
NOBODY: Vouched = MappingProxyType({})

_CONFIGURATION = ".cnf.xml"


class Held(NamedTuple):
    """What a phone has in its flash and memory.

    Attributes:
        family: how it behaves.
        ctl: the CTL, or ``None``.
        itl: the ITL, or ``None``.
        vouched: what TVS answered and is not yet too old: certificates (DER) and the
            roles that TVS gave them. The caller drops what is too old.
    """

    family: Family
    ctl: TrustList | None = None
    itl: TrustList | None = None
    vouched: Vouched = NOBODY

    @property
    def has_list(self) -> bool:
        """Some list is there, blank or not."""
        return self.ctl is not None or self.itl is not None

    @property
    def can_check(self) -> bool:
        """Some list has a key, so that the phone asks for signed configuration."""
        return any(
            each is not None and not each.is_blank for each in (self.ctl, self.itl)
        )

    def of(self, kind: ListKind) -> TrustList | None:
        """The list of this kind."""
        return self.ctl if kind is ListKind.CTL else self.itl


class Query(NamedTuple):
    """What a phone asks TVS about a signer: three look-up keys.

    Attributes:
        subject: as the header spells it, without the NUL.
        issuer: the same.
        serial: big-endian.
    """

    subject: str
    issuer: str
    serial: bytes


class TvsSays(NamedTuple):
    """What came of asking TVS: ``NOT_ASKED``, ``NO_ANSWER``, or an answer.

    Attributes:
        was_asked: false until somebody tried.
        server: the certificate (DER) that the server showed; empty without an answer.
            An answer counts only if the held ITL names that server.
        is_known: the status of the answer.
        certificate: the signer's, DER.
        roles: what it may do.
    """

    was_asked: bool = True
    server: bytes = b""
    is_known: bool = False
    certificate: bytes = b""
    roles: tuple[int, ...] = ()


NOT_ASKED = TvsSays(was_asked=False)
NO_ANSWER = TvsSays()


class Outcome(StrEnum):
    """What became of a list or file."""

    TAKEN = "taken"
    SAME = "same"  # the very bytes that it holds already
    REFUSED = "refused"
    MISSING = "missing"  # no file, or one without any byte
    ASK = "ask"  # a TVS has to be asked first


class Decision(NamedTuple):
    """What a phone did.

    Attributes:
        outcome: in one word.
        held: what it has now.
        said: the sentence of ``reason``, or what makes it: most are never read.
        ask: what TVS has to be asked first; the rest is not the last word then.
        by_tvs: it was taken because of what TVS answered.
        payload: the plain file, of a signed or plain one that was taken.
    """

    outcome: Outcome
    held: Held
    said: str | Callable[[], str]
    ask: Query | None = None
    by_tvs: bool = False
    payload: bytes = b""

    @property
    def reason(self) -> str:
        """One sentence for an administrator, whatever the outcome."""
        return self.said if isinstance(self.said, str) else self.said()

    @property
    def accepted(self) -> bool:
        """It holds or uses what it was given."""
        return self.outcome in (Outcome.TAKEN, Outcome.SAME)


def trusts_server(held: Held, certificate: bytes) -> bool:
    """Whether a phone talks to a TVS that shows this certificate (DER)."""
    return held.family.has_tvs and is_tvs_of(held.itl, certificate)


def consider_list(
    held: Held,
    kind: ListKind,
    raw: bytes | None,
    verifier: Verifier,
    *,
    tvs: TvsSays = NOT_ASKED,
) -> Decision:
    """What a phone does with a list that it downloaded.

    Args:
        held: what it has.
        kind: which list it asked for.
        raw: the whole file; ``None`` if no server has one.
        verifier: does the operation with the key.
        tvs: what came of asking TVS, if it was asked.
    """
    offered = _loaded(held, kind, raw)
    if isinstance(offered, Decision):
        return offered
    known = ""
    if tvs.was_asked:
        held, known = _with_answer(held, tvs)
    vouched = held.vouched and [
        der for der, roles in held.vouched.items() if Role.SAST in roles
    ]
    verdict = judge_holder(held.ctl, held.itl, offered.offer, verifier, vouched=vouched)
    if verdict.accepted:
        after = _with_list(held, kind, offered.trust_list)
        return Decision(Outcome.TAKEN, after, verdict.sentence, by_tvs=verdict.by_tvs)
    if not (verdict.tvs_may_help and held.family.has_tvs):
        return Decision(Outcome.REFUSED, held, verdict.sentence)
    if verdict.signer and verdict.signer.certificate in held.vouched:
        known = "TVS knows it as one that may not sign lists."
    elif not tvs.was_asked:
        return Decision(Outcome.ASK, held, verdict.sentence, offered.question)
    return Decision(Outcome.REFUSED, held, partial(_both, verdict.sentence, known))


def _both(sentence: Callable[[], str], other: str) -> str:
    return f"{sentence()} {other}"


def load_list(raw: bytes) -> TrustList | None:
    """A list out of a phone's flash; ``None`` for bytes that are none.

    Lists that were read lately are kept, for many phones hold the same one.
    """
    loaded = _read_list(raw)
    return None if isinstance(loaded, str) else loaded.trust_list


class _Loaded(NamedTuple):
    trust_list: TrustList
    offer: Offer
    question: Query


def _loaded(held: Held, kind: ListKind, raw: bytes | None) -> _Loaded | Decision:
    """The list, or what becomes of a file that needs no judgement."""
    family = held.family
    if not raw:
        return _missing(held, raw)
    if kind not in family.kinds:
        reason = f"A {family.name} knows no such list."
    elif len(raw) > family.max_list:
        reason = f"A list of {len(raw)} bytes does not load ({family.max_list} do)."
    else:
        offered = _read_list(raw)
        if isinstance(offered, str):
            reason = f"It is no trust list: {offered}."
        elif offered.trust_list == held.of(kind):
            return Decision(Outcome.SAME, held, "It is the list that the phone holds.")
        else:
            return offered
    return Decision(Outcome.REFUSED, held, reason)


def _missing(held: Held, raw: bytes | None) -> Decision:
    there = "is not there" if raw is None else "is empty"
    return Decision(Outcome.MISSING, held, f"The file {there}; nothing changes.")


def consider_file(  # noqa: PLR0913 - what a phone has, and what it is given
    held: Held,
    asked_name: str,
    raw: bytes | None,
    verifier: Verifier,
    read: Callable[[bytes], CertificateFields],
    *,
    tvs: TvsSays = NOT_ASKED,
) -> Decision:
    """What a phone does with a file that is no list.

    One whose name ends with ``.sgn`` must be signed for that name. A plain
    configuration is taken only by a phone whose lists, if any, have no key; other plain
    files are taken by all.

    Args:
        held: what it has.
        asked_name: what it asked for.
        raw: the whole file; ``None`` if no server has one.
        verifier: does the operation with the key.
        read: reads a certificate in DER, raises CertificateError for anything else.
        tvs: what came of asking TVS, if it was asked.
    """
    signed = _opened(held, asked_name, raw)
    if isinstance(signed, Decision):
        return signed
    held, known = _with_answer(held, tvs)
    verdict = judge_signed_holder(held.ctl, held.itl, signed, verifier, path=asked_name)
    is_turned = False
    reason = verdict.reason
    if verdict.tvs_may_help and held.family.has_tvs:
        vouched, may_sign = _vouched_for(held, signed.header, read)
        if vouched is None and not tvs.was_asked:
            return Decision(Outcome.ASK, held, reason, _question(signed.header))
        if vouched is None:
            reason = f"{reason} {known}"
        elif not may_sign:
            reason = f"{reason} TVS knows it as one that may not sign files."
        else:
            verdict = judge_signed_holder(
                held.ctl, held.itl, signed, verifier, path=asked_name, vouched=vouched
            )
            is_turned, reason = verdict.accepted, verdict.reason
    if not verdict.accepted:
        return Decision(Outcome.REFUSED, held, reason)
    return Decision(
        Outcome.TAKEN, held, reason, by_tvs=is_turned, payload=signed.payload
    )


def _opened(held: Held, asked_name: str, raw: bytes | None) -> SignedFile | Decision:
    """The signed file, or what becomes of a file that needs no judgement."""
    if not raw:
        return _missing(held, raw)
    if len(raw) > held.family.max_download:
        reason = f"A file of {len(raw)} bytes is too large."
    elif asked_name.endswith(SUFFIX):
        signed = _read_signed(bytes(raw))
        if isinstance(signed, SignedFile):
            return signed
        reason = f"It is no signed file: {signed}."
    elif asked_name.endswith(_CONFIGURATION) and held.can_check:
        reason = "The phone holds a list, and the configuration is not signed."
    else:
        return Decision(Outcome.TAKEN, held, "The file is plain.", payload=bytes(raw))
    return Decision(Outcome.REFUSED, held, reason)


def erase(held: Held) -> Held:
    """What is left when a person erases the lists by hand: nothing."""
    return Held(held.family)


def _question(header: Header) -> Query:
    return Query(header.signer_name, header.ca_name, header.serial)


def _with_answer(held: Held, tvs: TvsSays) -> tuple[Held, str]:
    """What is held with the answer in mind, and what is to say of it otherwise."""
    if not tvs.server:
        return held, "No TVS answered."
    if not trusts_server(held, tvs.server):
        return held, "The TVS that answered is not one of the held list."
    if not tvs.is_known:
        return held, "TVS does not know it."
    if not tvs.certificate:
        return held, "TVS answered without a certificate."
    vouched = MappingProxyType({**held.vouched, tvs.certificate: tvs.roles})
    return held._replace(vouched=vouched), "TVS answered with another certificate."


def _with_list(held: Held, kind: ListKind, new: TrustList) -> Held:
    ctl, itl = (new, held.itl) if kind is ListKind.CTL else (held.ctl, new)
    vouched = NOBODY if held.family.flushes_answers else held.vouched
    return Held(held.family, ctl, itl, vouched)


def _vouched_for(
    held: Held, header: Header, read: Callable[[bytes], CertificateFields]
) -> tuple[CertificateFields | None, bool]:
    """The certificate that TVS answered for the signer, and whether it may sign files.

    Names are compared in any spelling: the answer was to a question with the header's.
    """
    for der, roles in held.vouched.items():
        try:
            fields = read(der)
        except CertificateError:
            continue
        if fields.serial.lstrip(b"\0") == header.serial.lstrip(b"\0") and is_same_name(
            fields.issuer_name, header.ca_name
        ):
            return fields, not held.family.configuration_signers.isdisjoint(roles)
    return None, False


# Lists that were read lately, found by a part of their headers and compared byte for
# byte: to hash all bytes of each would cost more, and what is here in a list of CUCM is
# its signature, or most of it.
# What is kept is what the bytes say, never a verdict: that costs each phone its own
# operation with a key. At most 64 KiB a list, and some copies of it.
_MOST_LISTS = 256
_PART = slice(128, 384)
_lately: dict[bytes, tuple[bytes, _Loaded | str]] = {}
_changing = Lock()


def _read_list(raw: bytes) -> _Loaded | str:
    part = raw[_PART]
    found = _lately.get(part)
    if found is not None and found[0] == raw:
        return found[1]
    loaded = _decoded(raw)
    with _changing:
        _lately.pop(part, None)
        while len(_lately) >= _MOST_LISTS:  # the one that came first goes
            del _lately[next(iter(_lately))]
        _lately[part] = raw, loaded
    return loaded


def _decoded(raw: bytes) -> _Loaded | str:
    try:
        trust_list = decode(raw)
    except TrustListError as error:
        return error.message
    return _Loaded(trust_list, Offer.of(trust_list), _question(trust_list.header))


@lru_cache(maxsize=32)
def _read_signed(raw: bytes) -> SignedFile | str:
    try:
        return decode_signed(raw)
    except TrustListError as error:
        return error.message
