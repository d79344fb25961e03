"""What every inventory does, whichever database it is in."""

from __future__ import annotations

import pytest

from cucmsh.inventory.database import Inventory
from cucmsh.inventory.schema import PERIOD_SECONDS
from cucmsh.phones.claims import NOT_INSTALLED, Claim, Source
from cucmsh.phones.known import (
    ADDRESS_SECONDS,
    AHEAD_SECONDS,
    SHARED_ADDRESS_SECONDS,
    Counts,
    HeldBy,
    Known,
    Phone,
    PhoneState,
    Recorded,
    Wanted,
    states_of,
)
from tests.inventory.claims import EARLIER, FOREIGN, NOON, OURS, asked, name_of, said
from tests.rigs.inventories import Place

pytestmark = pytest.mark.thorough
NOTHING_KNOWN = Known(frozenset())
ALL = Wanted()


def one(inventory: Inventory, number: int = 1) -> Phone:
    (phone,) = inventory.find([name_of(number)])
    return phone


def test_what_was_said_is_there_for_the_next_who_opens_it(place: Place) -> None:
    claim = said(
        *(1, 5, Source.HTTP_LOG),
        address="192.0.2.1",
        node="pub",
        file="ITLFile.tlv",
        itl=OURS,
        ctl=NOT_INSTALLED,
        status=3,
        model="8845",
        load="sip8845.14-3",
        text="ITL installed",
    )
    place.open().record([claim], NOON)
    later = place.open()
    assert one(later) == Phone(
        name=name_of(1),
        address="192.0.2.1",
        node="pub",
        model="8845",
        load="sip8845.14-3",
        seen=NOON + 5,
        seen_by=Source.HTTP_LOG,
        itl=OURS,
        itl_at=NOON + 5,
        itl_by=Source.HTTP_LOG,
        itl_node="pub",
        said_itl="",
        said_at=0,
        said_by=None,
        ctl=NOT_INSTALLED,
        ctl_at=NOON + 5,
        status=3,
        text="ITL installed",
    )
    (sighting,) = later.sightings(name_of(1))
    assert sighting == (claim, NOON + 5)


def test_last_word_counts_for_each_thing_by_itself(inventory: Inventory) -> None:
    inventory.record([said(1, 9, itl=OURS, model="8845")], NOON)
    inventory.record([said(1, 5, itl=EARLIER, load="early"), said(1, 12)], NOON)
    phone = one(inventory)
    assert (phone.itl, phone.itl_at) == (OURS, NOON + 9)
    assert (phone.model, phone.load, phone.seen) == ("8845", "early", NOON + 12)


def test_only_a_log_says_which_node_a_phone_asks(inventory: Inventory) -> None:
    """Which node heard its alarms and REGISTERs is kept where they are."""
    inventory.record([said(1, 0, Source.TFTP_LOG, node="sub")], NOON)
    heard = [
        said(1, 5, Source.REGISTER, node="pub"),
        said(1, 6, Source.ALARM, node="pub", itl=OURS, status=3),
        said(2, 6, Source.REGISTER, node="pub"),
    ]
    inventory.record(heard, NOON)
    inventory.record([said(1, 7, Source.REGISTER, node="pub")], NOON)
    assert one(inventory).node == "sub"
    assert one(inventory, 2).node == ""
    assert [found.claim.node for found in inventory.sightings(name_of(2))] == ["pub"]
    inventory.record([said(1, 8, Source.HTTP_LOG, node="pub")], NOON)
    assert one(inventory).node == "pub"


def test_the_order_in_a_call_does_not_matter(inventory: Inventory) -> None:
    """An early line with an address behind a late one without."""
    log = Source.TFTP_LOG
    early = said(1, 5, log, address="192.0.2.1", node="pub")
    inventory.record([said(1, 9), early], NOON)
    phone = one(inventory)
    assert (phone.seen, phone.address, phone.node) == (NOON + 9, "192.0.2.1", "pub")
    inventory.record([said(1, 7, log, node="sub"), said(1, 6, log, node="pub")], NOON)
    assert one(inventory).node == "sub"


@pytest.mark.parametrize("calls", [1, 2])
def test_of_the_same_second_the_later_arrival_counts(
    inventory: Inventory, calls: int
) -> None:
    # A stored alarm is sent again first, with the hash of the list before.
    alarms = [
        said(1, 0, Source.ALARM, itl=EARLIER, status=3),
        said(1, 0, Source.ALARM, itl=OURS, status=1),
    ]
    for batch in (alarms,) if calls == 1 else ([alarms[0]], [alarms[1]]):
        inventory.record(batch, NOON)
    assert (one(inventory).said_itl, one(inventory).status) == (OURS, 1)
    assert [each.claim for each in inventory.latest(name_of(1))] == [alarms[1]]


def test_last_word_of_each_source_is_kept(inventory: Inventory) -> None:
    page, log = said(1, 2, itl=OURS), said(1, 1, Source.HTTP_LOG, itl=EARLIER)
    inventory.record([said(1, 0, itl=FOREIGN), log, page], NOON)
    assert [each.claim for each in inventory.latest(name_of(1))] == [page, log]


def test_same_words_again_are_one_sighting_within_a_period(
    inventory: Inventory,
) -> None:
    start = NOON - NOON % PERIOD_SECONDS
    times = (5, 1, 3, PERIOD_SECONDS - 1, PERIOD_SECONDS)
    for at in times:
        inventory.record([said(1, start - NOON + at, itl=OURS)], NOON * 2)
    found = [
        (each.first - start, each.claim.at - start)
        for each in inventory.sightings(name_of(1))
    ]
    assert found == [(PERIOD_SECONDS, PERIOD_SECONDS), (1, PERIOD_SECONDS - 1)]


def test_a_log_that_is_imported_twice_changes_nothing(inventory: Inventory) -> None:
    claims = [
        said(1, 0, Source.TFTP_LOG, address="192.0.2.1", file="CTLSEP.tlv"),
        asked("192.0.2.1", 1),
    ]
    for new in (2, 0):
        done = inventory.record(iter(claims), NOON)
        assert done == Recorded(claims=2, phones=1, new=new)
    # Of a batch that is half known, the other half is new; later times are kept.
    later = [said(1, 60, Source.TFTP_LOG, address="192.0.2.1", file="CTLSEP.tlv")]
    more = inventory.record([*later, said(2, 0)], NOON)
    assert more.new == 1
    assert len(inventory.sightings(name_of(1))) == 2
    assert inventory.counts(NOTHING_KNOWN).phones == 2


def test_a_line_without_a_name_is_of_who_was_at_that_address(
    inventory: Inventory,
) -> None:
    inventory.record([said(1, 0, address="192.0.2.1")], NOON)
    inventory.record([asked("192.0.2.1", ADDRESS_SECONDS)], NOON * 2)
    assert (one(inventory).itl, one(inventory).itl_node) == (OURS, "pub")


@pytest.mark.parametrize("at", [-1, ADDRESS_SECONDS + 1])
def test_a_line_of_another_time_is_nobodys(inventory: Inventory, at: int) -> None:
    inventory.record([said(1, 0, address="192.0.2.1")], NOON)
    done = inventory.record([asked("192.0.2.1", at)], NOON * 2)
    assert (done.phones, done.nameless) == (0, 1)
    assert one(inventory).itl == ""
    assert inventory.nameless(NOON - 1) == (1, 1)
    assert inventory.nameless(NOON + at + 1) == (0, 0)


def test_lines_of_a_shared_address_are_of_who_is_alone_just_then(
    inventory: Inventory,
) -> None:
    shared, wide = "192.0.2.1", SHARED_ADDRESS_SECONDS * 4
    done = inventory.record(
        [
            *(said(1, 0, address=shared), asked(shared, 1)),
            *(said(2, wide, address=shared), asked(shared, wide + 1, EARLIER)),
            *(said(3, wide + 2, address=shared), asked(shared, wide + 3)),
        ],
        NOON,
    )
    assert done.nameless == 1
    assert [one(inventory, number).itl for number in (1, 2, 3)] == [OURS, EARLIER, ""]


def test_what_is_dated_in_the_future_is_as_of_now(inventory: Inventory) -> None:
    wrong, right = said(1, AHEAD_SECONDS + 1, itl=EARLIER), said(1, 1, itl=OURS)
    done = inventory.record([wrong, said(2, AHEAD_SECONDS)], NOON)
    assert (done.ahead, one(inventory).seen) == (1, NOON)
    assert one(inventory, 2).seen == NOON + AHEAD_SECONDS
    inventory.record([right], NOON)
    assert one(inventory).itl == OURS


def test_no_time_breaks_it(inventory: Inventory) -> None:
    for number, at in enumerate((-(1 << 70), 0, 1 << 70)):
        inventory.record([said(number)._replace(at=at)], NOON)
        assert 0 < one(inventory, number).seen <= NOON


def test_no_text_breaks_it(inventory: Inventory) -> None:
    plain = ("'; --", "%s", "ü☎", "x" * 100)
    wild = ("a\0b", "\udc80", "\x1b[31m", "\u202e", "x" * 5000)
    for number, text in enumerate((*plain, *wild)):
        claim = said(number, text=text, load=text, file=text, itl=OURS)
        inventory.record([claim], NOON)
        phone = one(inventory, number)
        assert phone.itl == OURS
        assert phone.text.isprintable()
        assert len(phone.text) < 500
        assert phone.text == text or text in wild


def test_a_name_that_is_none_is_refused(inventory: Inventory) -> None:
    for name in ("SEP1", "sep000000000001", name_of(1) + "\n"):
        with pytest.raises(ValueError, match="no name of a phone"):
            inventory.record([said(2), said(1)._replace(phone=name)], NOON)
    assert inventory.counts(NOTHING_KNOWN).phones == 0


@pytest.fixture
def six(inventory: Inventory) -> Inventory:
    """Phones 1 to 6: ours, ours, an earlier list, a stranger's, none, nothing said."""
    held = zip(
        range(1, 7),
        (OURS, OURS, EARLIER, FOREIGN, NOT_INSTALLED, ""),
        ("sub", "pub") * 3,
        strict=True,
    )
    inventory.record(
        [
            said(*(number, number, Source.HTTP_LOG), itl=itl, node=node)
            for number, itl, node in held
        ],
        NOON,
    )
    return inventory


KNOWN = Known(frozenset({OURS}), frozenset({EARLIER, "d4" * 20}), NOON + 3)
MATCHING = Wanted(PhoneState.MATCH)
BY_STATE = {
    None: [1, 2, 3, 4, 5, 6],
    PhoneState.MATCH: [1, 2],
    PhoneState.MISMATCH: [3, 4, 5],
    PhoneState.UNKNOWN: [6],
    PhoneState.STALE: [1, 2],
    PhoneState.NO_RECOVERY: [3],
}


def test_phones_are_found_by_state(six: Inventory) -> None:
    for state, numbers in BY_STATE.items():
        found = [phone.name for phone in six.phones(Wanted(state), KNOWN)]
        assert found == [name_of(number) for number in numbers], state


def test_phones_are_counted_by_state(six: Inventory) -> None:
    assert six.counts(KNOWN) == Counts(6, 2, 3, 1, 2, 1)
    assert six.counts(KNOWN, ("pub",)) == Counts(3, 1, 1, 1, 1, 0)
    assert six.counts(KNOWN, ("nobody",)) == Counts(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("part", [name_of(3), name_of(3)[-6:].lower(), "%", "_"])
def test_phones_are_found_by_a_part_of_their_names(six: Inventory, part: str) -> None:
    found = [phone.name for phone in six.phones(Wanted(part=part), KNOWN)]
    assert found == ([] if part in "%_" else [name_of(3)])
    assert six.counts(KNOWN, part=part).phones == len(found)


# What page or log says, what an alarm says a second before (-1) or later, what it is.
DOUBTS = [
    ("", 1, OURS, "unknown"),
    ("", 1, EARLIER, "mismatch no-recovery"),
    ("", 1, NOT_INSTALLED, "mismatch"),
    (OURS, 1, OURS, "match"),
    (OURS, 1, FOREIGN, "mismatch"),
    (OURS, 0, FOREIGN, "mismatch"),
    (OURS, -1, FOREIGN, "match"),
    (OURS, 1, EARLIER, "mismatch no-recovery"),
    (EARLIER, 1, OURS, "mismatch no-recovery"),
    (EARLIER, 1, FOREIGN, "mismatch no-recovery"),
    (NOT_INSTALLED, 1, OURS, "mismatch"),
]


def test_an_alarm_makes_a_phone_no_safer(inventory: Inventory) -> None:
    for number, (itl, later, alarm, _) in enumerate(DOUBTS):
        source = (Source.ALARM, Source.REGISTER)[number % 2]
        proven = said(number, 5, itl=itl)
        inventory.record([said(number, 5 + later, source, itl=alarm), proven], NOON)
    for state in PhoneState:
        expected = [
            name_of(number)
            for number, (*_, states) in enumerate(DOUBTS)
            if state in states.split()
        ]
        found = [phone.name for phone in inventory.phones(Wanted(state), KNOWN)]
        assert found == expected, state
    for phone in inventory.phones(ALL, KNOWN):
        assert " ".join(states_of(phone, KNOWN)) == DOUBTS[int(phone.name[3:], 16)][3]
    assert inventory.counts(KNOWN) == Counts(11, 2, 8, 1, 0, 4)


def test_what_an_alarm_takes_back_is_what_an_alarm_said(inventory: Inventory) -> None:
    """A stored alarm, sent again before the present one, costs nothing in the end."""
    inventory.record([said(1, 0, itl=OURS), said(2, 0, itl=EARLIER)], NOON)
    for at, itl in enumerate((FOREIGN, OURS), 1):
        each = [said(number, at, Source.ALARM, itl=itl) for number in (1, 2)]
        inventory.record(each, NOON)
        matching = [phone.name for phone in inventory.phones(MATCHING, KNOWN)]
        assert matching == ([name_of(1)] if itl == OURS else [])
    assert {group.said for group in inventory.held()} == {OURS}
    inventory.record([said(2, 9, Source.TFTP_LOG, itl=OURS)], NOON)
    assert inventory.counts(KNOWN).match == 2


def test_phones_of_one_node_and_page_are_found(six: Inventory) -> None:
    found = six.phones(Wanted(nodes=("sub",), first=1, most=1), KNOWN)
    assert [phone.name for phone in found] == [name_of(3)]
    found = six.phones(Wanted(first=4), KNOWN)
    assert [phone.name for phone in found] == [name_of(5), name_of(6)]


def test_phones_that_are_alike_are_one_group(six: Inventory) -> None:
    six.record([said(7, 7, Source.HTTP_LOG, itl=OURS, node="sub")], NOON)
    first, *others = six.held()
    assert first == HeldBy(OURS, "", "", "sub", "", 2, NOON + 7)
    assert len(others) == 5
    assert {group.node for group in six.held("pub")} == {"pub"}


def test_thousands_of_digests_can_be_asked_for(six: Inventory) -> None:
    many = frozenset(f"{number:040x}" for number in range(70_000))
    known = Known(many | {OURS}, many | {EARLIER})
    assert six.counts(known)[:3] == (6, 2, 3)


def test_what_is_old_is_forgotten(six: Inventory) -> None:
    six.record([said(1, 9, Source.REGISTER, model="8845")], NOON)
    six.record([asked("192.0.2.9", 0)], NOON)
    assert six.prune(NOON + 3) == 3  # what was said of 1 and 2 first, and the request
    assert [phone.name for phone in six.phones(ALL, KNOWN)] == [
        name_of(number) for number in (1, 3, 4, 5, 6)
    ]
    assert [each.claim.source for each in six.sightings(name_of(1))] == ["register"]
    assert six.nameless(0) == (0, 0)


def test_nothing_is_known_of_nobody(inventory: Inventory) -> None:
    assert inventory.record([], NOON) == Recorded(0, 0)
    assert not inventory.find([]) + inventory.find([name_of(1)])
    assert not list(inventory.phones(ALL, NOTHING_KNOWN))
    assert not [*inventory.held(), *inventory.sightings(name_of(1))]
    assert inventory.counts(NOTHING_KNOWN) == Counts(0, 0, 0, 0, 0, 0)


def test_claims_may_come_from_anything_that_gives_them(inventory: Inventory) -> None:
    def read() -> list[Claim]:
        return [said(number) for number in range(3)]

    assert inventory.record((claim for claim in read()), NOON).phones == 3
