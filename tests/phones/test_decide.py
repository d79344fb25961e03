"""What phones do is what the oracle says, over random cases, and over hostile bytes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

import pytest

from cucmsh.phones import texts
from cucmsh.phones.decide import (
    NO_ANSWER,
    NOT_ASKED,
    Decision,
    Held,
    Outcome,
    TvsSays,
    consider_file,
    consider_list,
    erase,
)
from cucmsh.phones.families import FAMILIES, ListKind, family_of
from cucmsh.pki.certificates import read_certificate
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.trustlist.decode import decode
from tests.phones import oracle
from tests.phones.cases import NAME, Case, as_large_as_loads, case
from tests.phones.made import Identity, blank_record, record, signed
from tests.rigs.draws import SEED, TIMES, drawn

pytestmark = pytest.mark.thorough

VERIFIER = SignatureVerifier()
FAMILY = {family.name: family for family in FAMILIES}


def held_of(one: Case) -> Held:
    lists = [(raw and decode(raw)) or None for raw in (one.ctl, one.itl)]
    return Held(FAMILY[one.family], lists[0], lists[1], dict(one.cache))


def as_bytes(held: Held) -> oracle.Phone:
    ctl, itl = (each and each.raw for each in (held.ctl, held.itl))
    return oracle.Phone(held.family.name, ctl, itl, dict(held.vouched))


class Tvs:
    """Answers both from the case, and keeps what each asked for."""

    def __init__(self, answers: Mapping[bytes, oracle.Answer]) -> None:
        self._answers = answers
        self.of_oracle: list[tuple[bytes, bytes, bytes]] = []
        self.of_phone: list[tuple[bytes, bytes, bytes]] = []

    def ask(self, subject: bytes, issuer: bytes, serial: bytes) -> oracle.Answer | None:
        self.of_oracle.append((subject, issuer, serial))
        return self._answers.get(serial)

    def through(self, consider: Callable[..., Decision]) -> Decision:
        """The last word of a phone: TVS is asked, if the phone wants to."""
        decision = consider(tvs=NOT_ASKED)
        if decision.ask is None:
            assert decision.outcome is not Outcome.ASK
            return decision
        subject, issuer, serial = decision.ask
        names = (subject.encode() + b"\0", issuer.encode() + b"\0")
        self.of_phone.append((*names, serial))
        answer = self._answers.get(serial)
        says = NO_ANSWER
        if answer is not None:
            known = answer.status == 0
            rest = (answer.server, known, answer.certificate, answer.roles)
            says = TvsSays(True, *rest)
        last = consider(tvs=says)
        assert last.ask is None
        assert last.outcome is not Outcome.ASK
        return last


def agree(one: Case) -> Counter[str]:
    """Both go through the case; what happened, for a look at the spread."""
    tvs = Tvs(one.answers)
    before = held_of(one)
    ends, after, told = oracle.boot(as_bytes(before), one.new_ctl, one.new_itl, tvs.ask)
    decisions: list[Decision] = []
    given = {ListKind.CTL: one.new_ctl, ListKind.ITL: one.new_itl}
    for kind, _names in before.family.lists:
        held = decisions[-1].held if decisions else before
        raw = given[kind]
        decisions.append(tvs.through(partial(consider_list, held, kind, raw, VERIFIER)))
    held = decisions[-1].held
    assert [each.outcome.value for each in decisions] == ends
    assert as_bytes(held) == after
    assert texts.told(before, *decisions) == told
    end = oracle.give_file(after, one.asked_name, one.file, tvs.ask)
    rest = (one.asked_name, one.file, VERIFIER, read_certificate)
    file = tvs.through(partial(consider_file, held, *rest))
    assert (file.outcome.value, file.payload) == (end.word, end.payload)
    assert as_bytes(file.held) == end.after
    assert tvs.of_phone == tvs.of_oracle
    by_tvs = sum(each.by_tvs for each in (*decisions, file))
    return Counter([*ends, f"file {end.word}", *["by tvs"] * by_tvs])


def test_phones_do_what_the_oracle_says(people: dict[str, Identity]) -> None:
    spread: Counter[str] = Counter()
    for number in range(10_000 if TIMES > 1 else 400):
        dice = random.Random(f"{SEED} {number}")
        spread += agree(case(dice, people))
    # Every way it can end was gone, and more than once.
    for way in ("taken", "refused", "missing", "file taken", "file refused", "by tvs"):
        assert spread[way] > 5, spread


def test_hostile_bytes_are_refused_and_raise_nothing(
    people: dict[str, Identity],
) -> None:
    dice = random.Random(SEED)
    who = people["recovery"]
    good = signed(record(0, who) + record(3, who) + record(21, people["tvs"]), who)
    held = Held(FAMILY["79xx"], itl=decode(good))
    file = signed(b"<device/>", who, name=NAME, version=b"\1\0")
    answers = [
        NO_ANSWER,
        TvsSays(True, people["tvs"].der, True, b"\x30\x82\xff\xff", (0, 3)),
    ]
    for whole in (good, file):
        for _ in range(drawn(150)):
            at = dice.randrange(len(whole))
            torn = whole[:at] + dice.randbytes(dice.randrange(4)) + whole[at + 2 :]
            for tvs in answers:
                for kind in ListKind:
                    end = consider_list(held, kind, torn, VERIFIER, tvs=tvs)
                    assert end.outcome in (Outcome.REFUSED, Outcome.SAME)
                end = consider_file(
                    held, NAME, torn, VERIFIER, read_certificate, tvs=tvs
                )
                assert end.outcome is Outcome.REFUSED or end.payload == b"<device/>"


def test_the_ctl_is_asked_before_the_itl(people: dict[str, Identity]) -> None:
    old, recovery = people["old"], people["recovery"]
    offered = signed(record(0, old), old)
    trusting = signed(record(0, old) + record(0, recovery), recovery)
    clashing = signed(record(0, people["impostor"]) + record(0, recovery), recovery)
    one = Case(ctl=clashing, itl=trusting, new_itl=offered)
    assert agree(one)["refused"] == 1
    assert agree(one._replace(ctl=trusting, itl=clashing))["taken"] == 1


def test_a_signed_file_is_for_one_name_and_one_key(people: dict[str, Identity]) -> None:
    old, other, tvs = people["old"], people["other"], people["tvs"]
    held = signed(record(0, old) + record(3, old) + record(21, tvs), old)
    file = partial(signed, b"<device/>", old, version=b"\1\0")
    assert agree(Case(itl=held, file=file(name=NAME)))["file taken"] == 1
    assert agree(Case(itl=held, file=file(name="X.sgn")))["file refused"] == 1
    # A TVS that knows the held token's issuer and serial number with another key.
    impostor = people["impostor"]
    token = signed(record(0, old) + record(21, tvs), old)
    answer = oracle.Answer(tvs.der, 0, impostor.der, (0, 3))
    forged = Case(
        itl=token,
        file=signed(b"<device/>", impostor, name=NAME, version=b"\1\0"),
        answers={impostor.serial: answer},
    )
    assert agree(forged)["file refused"] == 1
    stranger = oracle.Answer(tvs.der, 0, other.der, (0, 3))
    vouched = forged._replace(
        file=signed(b"<device/>", other, name=NAME, version=b"\1\0"),
        answers={other.serial: stranger},
    )
    assert agree(vouched)["by tvs"] == 1


def test_plain_configuration_is_for_phones_without_a_key(
    people: dict[str, Identity],
) -> None:
    recovery = people["recovery"]
    plain = Case(asked_name=NAME.removesuffix(".sgn"), file=b"<device/>")
    assert agree(plain)["file taken"] == 1
    blank = signed(blank_record(0), recovery)
    assert agree(plain._replace(itl=blank))["file taken"] == 1
    assert agree(plain._replace(itl=blank, new_itl=blank))["same"] == 1
    held = signed(record(0, recovery), recovery)
    assert agree(plain._replace(itl=held))["file refused"] == 1
    assert agree(plain._replace(itl=held, asked_name="AppDialRules.xml"))["file taken"]


@pytest.mark.parametrize(("more", "end"), [(0, "taken"), (1, "refused")])
def test_a_list_over_64_kib_does_not_load(
    people: dict[str, Identity], more: int, end: str
) -> None:
    assert agree(Case(new_itl=as_large_as_loads(people["recovery"], more)))[end] == 1


TOLD = {
    # the family, what is held, and what is given: both texts, StatusCode
    "first ITL": ("78xx/88xx", "", "i", ("ITL installed", 3)),
    "first CTL": ("79xx", "", "c", ("CTL Installed", 2)),
    "first of both": ("78xx/88xx", "", "ci", ("CTL and ITL installed", 4)),
    "nothing": ("78xx/88xx", "", "", ("No Trust List installed", -1)),
    "nothing, older": ("79xx", "", "", ("No Trust List Installed", -1)),
    "replaced": ("78xx/88xx", "I", "i", ("Trust List updated", 1)),
    "replaced, older": ("99xx", "I", "i", ("Trust List Updated", 1)),
    "first CTL beside an ITL": ("79xx", "I", "c", ("Trust List Updated", 2)),
    "the same": ("79xx", "I", "I", ("", -1)),
    "gone from the server": ("79xx", "I", "", ("", -1)),
    "refused": ("78xx/88xx", "I", "x", ("Trust List update failed", 8)),
    "refused, older": ("79xx", "I", "x", ("Trust List Update Failed", 8)),
    "refused with a CTL": ("79xx", "C", "x", ("Trust List Update Failed", 5)),
    "refused with both": ("79xx", "CI", "x", ("Trust List Update Failed", 9)),
    "refused with none": ("79xx", "", "x", ("Trust List Update Failed", 6)),
    "one of two": ("79xx", "I", "cx", ("Trust List Update Failed", 7)),
}


@pytest.mark.parametrize("name", TOLD)
def test_phones_tell_in_their_own_words(people: dict[str, Identity], name: str) -> None:
    family, had, given, told = TOLD[name]
    who = people["recovery"]
    both = record(0, who) + record(0, people["old"])
    held = {"I": signed(both, who), "C": signed(both, who, name="CTLFile.tlv")}
    new = {
        "i": signed(record(0, who), who),
        "c": signed(record(0, who), who, name="CTLFile.tlv"),
        "x": b"garbage",
        **held,
    }
    one = Case(
        family,
        itl=held["I"] if "I" in had else None,
        ctl=held["C"] if "C" in had else None,
        new_ctl=next((new[each] for each in given if each in "cC"), None),
        new_itl=next((new[each] for each in given if each in "iIx"), None),
    )
    agree(one)
    _ends, _after, said = oracle.boot(
        as_bytes(held_of(one)), one.new_ctl, one.new_itl, lambda *_: None
    )
    assert said == told


def test_a_status_line_has_the_clock_of_its_family() -> None:
    at = datetime(2019, 10, 1, 8, 52, 30, tzinfo=UTC)
    newer, older = FAMILY["78xx/88xx"], FAMILY["79xx"]
    line = texts.status_line(newer, at, texts.ITL_INSTALLED)
    assert line == "[8:52:30am 10/01/19] ITL installed"
    line = texts.status_line(older, at.replace(hour=13), "TFTP Error : NAME")
    assert line == "1:52:30p TFTP Error : NAME"


@pytest.mark.parametrize(
    ("model", "name"),
    [
        *(("7940", "7940"), ("CP-7965G", "79xx"), ("8845", "78xx/88xx")),
        *(("8875", "78xx/88xx"), ("9971", "99xx"), ("CP-8945", "99xx")),
        *(("ATA187", None), ("", None), ("7926", "79xx")),
    ],
)
def test_a_model_has_a_family(model: str, name: str | None) -> None:
    family = family_of(model)
    assert (family and family.name) == name


def test_phones_show_md5_or_sha_1() -> None:
    assert len(FAMILY["79xx"].digest(b"x")) == 32
    assert len(FAMILY["78xx/88xx"].digest(b"x", "8845")) == 40
    assert len(FAMILY["78xx/88xx"].digest(b"x", "8831")) == 32


def test_each_family_asks_for_its_files() -> None:
    mac = "001122334455"
    names = [name for _, more in FAMILY["79xx"].asked_lists(mac) for name in more]
    assert names == [f"CTLSEP{mac}.tlv", f"ITLSEP{mac}.tlv", "ITLFile.tlv"]
    newer = FAMILY["78xx/88xx"]
    assert [len(more) for _, more in newer.asked_lists(mac)] == [1, 1]
    assert newer.asked_configuration(mac, holds_list=True) == f"SEP{mac}.cnf.xml.sgn"
    assert newer.asked_configuration(mac, holds_list=False) == f"SEP{mac}.cnf.xml"


def test_a_phone_that_is_erased_takes_the_next_list(
    people: dict[str, Identity],
) -> None:
    old, new = people["old"], people["new"]
    held = held_of(Case(itl=signed(record(0, old), old)))
    offered = signed(record(0, new), new)
    assert not consider_list(held, ListKind.ITL, offered, VERIFIER).accepted
    assert consider_list(erase(held), ListKind.ITL, offered, VERIFIER).accepted
