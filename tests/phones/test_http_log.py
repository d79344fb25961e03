"""Lines of web servers that give phones their lists."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.log_claims import LogClaims
from cucmsh.phones.log_time import LogClock

NOW = datetime(2026, 12, 4, 12, tzinfo=UTC)
AT = int(datetime(2026, 12, 3, 4, 5, 6, tzinfo=UTC).timestamp())
COMBINED = (
    "10.1.1.9 - - [03/Dec/2026:04:05:06 +0000] "
    '"GET /ITLFile.tlv HTTP/1.1" 200 8003 "-" "-"'
)
UVICORN = 'INFO:     10.1.1.9:49152 - "GET /ITLFile.tlv HTTP/1.1" 200 OK'


def claims_of(line: str, arrival: int | None = None) -> list[Claim]:
    coming = None if arrival is None else lambda: arrival
    clock = LogClock(NOW, UTC)
    reader = LogClaims(clock, "pub", lambda _since, _until: "ab" * 16, coming)
    return [*reader.read(f"{line}\n".encode()), *reader.finish()]


@pytest.mark.parametrize(
    "line",
    [
        COMBINED,
        f"pub:6970 {COMBINED}",
        COMBINED.replace("/ITLFile.tlv", "/ITLFile.tlv?a=b"),
        "Dec  3 04:05:06 pub uvicorn[3]: " + UVICORN,
        "2026-12-03T04:05:06.1+00:00 pub cucmsh[3]: " + UVICORN,
    ],
)
def test_a_whole_answer_is_a_claim_of_the_list(line: str) -> None:
    assert claims_of(line) == [
        Claim(
            "",
            Source.HTTP_LOG,
            AT,
            address="10.1.1.9",
            node="pub",
            file="ITLFile.tlv",
            itl="ab" * 16,
        )
    ]


def test_uvicorn_s_own_line_has_no_time() -> None:
    assert not claims_of(UVICORN)
    (claim,) = claims_of(UVICORN.replace("10.1.1.9:", "::1:"), arrival=AT)
    assert (claim.at, claim.address) == (AT, "::1")


@pytest.mark.parametrize(
    "line",
    [
        COMBINED.replace(" 200 ", " 404 "),
        COMBINED.replace(" 200 ", " 304 "),
        COMBINED.replace("GET", "HEAD"),
    ],
)
def test_any_other_answer_gave_no_list(line: str) -> None:
    (claim,) = claims_of(line)
    assert (claim.address, claim.itl) == ("10.1.1.9", "")
    assert claim.text.startswith("ITLFile.tlv: HTTP ")


@pytest.mark.parametrize(
    "line",
    [
        COMBINED.replace("/ITLFile.tlv", "/x.xml"),
        COMBINED.replace("Dec/", "Foo/") + " ITLFile.tlv",
        '10.1.1.9 - - "GET /ITLFile.tlv HTTP/1.1" 200 1',
    ],
)
def test_other_lines_are_none(line: str) -> None:
    assert not claims_of(line)
