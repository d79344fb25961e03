"""Lines of TFTP servers, in the frames in which log daemons and servers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.log_claims import LogClaims, Served, nothing_known
from cucmsh.phones.log_time import LogClock

NOW = datetime(2026, 12, 4, 12, tzinfo=UTC)
AT = int(datetime(2026, 12, 3, 4, 5, 6, tzinfo=UTC).timestamp())
MAC = "0011223344AA"
ISO = "2026-12-03T04:05:06.014357+00:00 pub in.tftpd[7]: "
OLD = "Dec  3 04:05:06 pub in.tftpd[7]: "
DNSMASQ = "Dec  3 04:05:06 dnsmasq-tftp[7]: "
RRQ = "RRQ from 10.1.1.9 filename ITLFile.tlv"


def always(_since: int, _until: int) -> str:
    return "ab" * 20


def reader_of(
    served: Served = nothing_known, arrival: int | None = None, zone: object = UTC
) -> LogClaims:
    assert isinstance(zone, timezone)
    coming = None if arrival is None else lambda: arrival
    return LogClaims(LogClock(NOW, zone), "pub", served, coming)


def claims_of(*lines: str, served: Served = always) -> list[Claim]:
    reader = reader_of(served)
    raw = "".join(f"{line}\n" for line in lines).encode()
    return [*reader.read(raw), *reader.finish()]


@pytest.mark.parametrize(
    "line",
    [
        ISO + RRQ,
        "2026-12-03T05:05:06+0100 pub in.tftpd[7]: " + RRQ,
        "2026-12-03T04:05:06Z pub in.tftpd[7]: " + RRQ,
        OLD + RRQ,
        "<29>" + OLD + RRQ,
        "Dec  3 04:05:06 in.tftpd[7]: " + RRQ,
        "Dec  3 04:05:06 dnsmasq-tftp[7]: sent /srv/tftp/ITLFile.tlv to 10.1.1.9",
        "Dec 03 04:05:06 pub atftpd[7.140]: Serving ITLFile.tlv to 10.1.1.9:2000",
        ISO + "RRQ from ::ffff:10.1.1.9 filename ITLFile.tlv",
        ISO + "RRQ from 10.1.1.9 filename /../ITLFile.tlv",
        ISO + "RRQ from 10.1.1.9 filename x.tlv remapped to /srv/tftp/ITLFile.tlv",
    ],
)
def test_a_request_for_the_list_is_a_claim_of_what_was_served(line: str) -> None:
    (claim,) = claims_of(line)
    assert claim == Claim(
        "",
        Source.TFTP_LOG,
        AT,
        address="10.1.1.9",
        node="pub",
        file="ITLFile.tlv",
        itl="ab" * 20,
    )


def test_what_the_node_served_is_asked_for_the_time_of_the_request() -> None:
    asked = []

    def served(since: int, until: int) -> str:
        asked.append((since - AT, until - AT))
        return ""

    sent = "Dec  3 04:05:06 dnsmasq-tftp[7]: sent /srv/tftp/ITLFile.tlv to 10.1.1.8"
    claims_of(ISO + RRQ, sent, served=served)
    assert sorted(asked) == [(-30, 0), (0, 0)]  # dnsmasq may say so half a minute late


def test_a_phone_s_own_name_names_it_and_proves_no_list() -> None:
    (claim,) = claims_of(
        ISO + f"RRQ from 10.1.1.9 filename ITLSEP{MAC.lower()}.tlv.sha512"
    )
    assert (claim.phone, claim.itl) == (f"SEP{MAC}", "")


@pytest.mark.parametrize(
    "lines",
    [
        (ISO + RRQ, ISO + "sending NAK (1, File not found) to 10.1.1.9"),
        (DNSMASQ + "file /s/ITLFile.tlv not found for 10.1.1.9",),
        (DNSMASQ + "failed sending /s/ITLFile.tlv to 10.1.1.9",),
        (
            "Dec 03 04:05:06 pub atftpd[7.14]: Serving ITLFile.tlv to 10.1.1.9:2000",
            "Dec 03 04:05:06 pub atftpd[7.14]: File /srv/ITLFile.tlv not found",
        ),
        (
            "Dec 03 04:05:06 pub atftpd[7.14]: Serving ITLFile.tlv to 10.1.1.9:2000",
            "Dec 03 04:05:07 pub atftpd[7.14]: Aborting transfer",
        ),
    ],
)
def test_who_got_no_file_was_there_and_holds_nothing_of_it(
    lines: tuple[str, ...],
) -> None:
    (claim,) = claims_of(*lines)
    assert (claim.address, claim.itl) == ("10.1.1.9", "")
    assert claim.text.startswith("ITLFile.tlv: no")


def test_another_process_s_refusal_takes_nothing_back() -> None:
    nak = ISO.replace("[7]", "[8]") + "sending NAK (1, File not found) to 10.1.1.9"
    (claim,) = claims_of(ISO + RRQ, nak)
    assert claim.itl


def test_a_refusal_in_the_next_block_still_takes_it_back() -> None:
    reader = reader_of(always)
    first = f"{ISO}{RRQ}\n".encode()
    nak = f"{ISO}sending NAK (1, File not found) to 10.1.1.9\n".encode()
    assert reader.read(first) == []
    assert reader.safe_offset == 0
    (claim,) = reader.read(nak, len(first))
    assert not claim.itl
    assert reader.counts.refused == 1


@pytest.mark.parametrize(
    "line",
    [
        ISO + "RRQ from 10.1.1.9 filename a remapped to ITLFile.tlv remapped to b",
        ISO + "WRQ from 10.1.1.9 filename ITLFile.tlv",
        ISO + "RRQ from 10.1.1.9 filename ITLFile.tlv ",
        ISO + "RRQ from nobody filename ITLFile.tlv",
        "Dec 03 04:05:06 pub atftpd[7.14]: Fetching from 10.1.1.9 to ITLFile.tlv",
        "Dec  3 04:05:06 dnsmasq-tftp[7]: cannot read /s/ITLFile.tlv: no",
        "\0\x07 ITLFile.tlv",
    ],
)
def test_what_nobody_can_tell_is_counted_and_no_claim(line: str) -> None:
    reader = reader_of(always)
    assert not reader.read(f"{line}\n".encode()) + reader.finish()
    assert reader.counts.unread == 1


def test_a_name_may_hold_the_words_of_the_log() -> None:
    to = "Dec  3 04:05:06 dnsmasq-tftp[7]: sent /s/a to 1.1.1.1/ITLFile.tlv to 10.1.1.9"
    (claim,) = claims_of(to)
    assert claim.address == "10.1.1.9"


def test_repeated_requests_within_a_minute_are_one() -> None:
    lines = [ISO.replace("[7]", f"[{pid}]") + RRQ for pid in range(5)]
    late = ISO.replace("04:05:06", "04:06:06") + RRQ
    assert [claim.at - AT for claim in claims_of(*lines, late)] == [0, 60]


def test_a_line_without_a_time_is_of_now_or_of_no_time() -> None:
    line = b"dnsmasq-tftp[7]: sent /srv/tftp/ITLFile.tlv to 10.1.1.9\n"
    reader = reader_of()
    assert not reader.read(line)
    assert reader.counts.timeless == 1
    (claim,) = reader_of(arrival=AT).read(line)
    assert claim.at == AT


@pytest.mark.parametrize(
    ("now", "stamp", "expected"),
    [
        ((2027, 1, 2), "Dec 31 23:59", (2026, 12, 31, 23, 59)),
        ((2026, 12, 31), "Jan  1 00:30", (2026, 1, 1, 0, 30)),
        ((2026, 12, 31, 23, 59), "Jan 01 00:30", (2027, 1, 1, 0, 30)),  # a clock ahead
        ((2027, 3, 1), "Feb 29 12:00", (2024, 2, 29, 12, 0)),
    ],
)
def test_the_year_is_the_latest_that_is_not_ahead(
    now: tuple[int, int, int], stamp: str, expected: tuple[int, int, int, int, int]
) -> None:
    clock = LogClock(datetime(*now, tzinfo=UTC), UTC)
    at = clock.without_year(stamp, "07")
    assert at == int(datetime(*expected, 7, tzinfo=UTC).timestamp())


def test_a_reader_that_runs_for_years_guesses_anew() -> None:
    clock = LogClock(NOW, UTC)
    assert clock.without_year("Dec  3 04:05", "06") == AT
    clock.renewed(NOW.replace(year=2027))
    again = datetime(2027, 12, 3, 4, 5, 6, tzinfo=UTC)
    assert clock.without_year("Dec  3 04:05", "06") == int(again.timestamp())


def test_a_form_without_zone_is_local_and_one_with_it_is_not() -> None:
    east = timezone(timedelta(hours=2))
    clock = LogClock(NOW, east)
    assert clock.without_year("Dec  3 06:05", "06") == AT
    assert clock.iso("2026-12-03 06:05", "06", "") == AT
    assert clock.iso("2026-12-03 04:05", "06", "Z") == AT
    assert clock.access("02/Dec/2026:23:05", "06", "-0500") == AT
    assert clock.access("31/Nov/2026:23:05", "06", "-0500") is None
    assert clock.without_year("Foo  3 06:05", "06") is None


def test_reading_on_where_it_was_safe_gives_what_was_given() -> None:
    lines = [
        ISO.replace("05:06", f"{minute:02}:{second:02}").replace("[7]", f"[{pid}]")
        + f"RRQ from 10.1.1.{pid % 3} filename ITLFile.tlv\n"
        for pid, (minute, second) in enumerate(
            (minute, second) for minute in range(3) for second in (1, 30, 58)
        )
    ]
    raw = "".join(lines).encode()
    whole = set(claims_of(*(line.rstrip("\n") for line in lines)))
    for broken_off in range(len(lines) + 1):
        cut = len("".join(lines[:broken_off]))
        first = reader_of(always)
        before = first.read(raw[:cut])
        safe = first.safe_offset
        second = reader_of(always)
        after = [*second.read(raw[safe:], safe), *second.finish()]
        assert set(before) | set(after) == whole
