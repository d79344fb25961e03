"""A CiscoLog line, byte for byte; and that no content can make it another one."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.alarms import ITL_RECOVERY_CERT_BACKUP, NO_RECOVERY_BACKUP
from cucmsh.events import Event, Severity, Value
from cucmsh.services.records.ciscolog import MOST_OCTETS, Numbers, lines_of, stored

# A line as a real node stored it, but for the name (docs/formats.md#ciscolog).
SEEN = (
    "Jun 17 16:14:19 hcs862-hcm-f local7 2 : 6: hcs862-hcm-f.example.net: "
    "Jun 17 2019 14:14:19.781 UTC : %UC_SERVICEMANAGER-2-ServiceFailed: "
    "%[ServiceName=Cisco AXL Web Service][AppID=Cisco Service Manager][ClusterID=]"
    "[NodeID=hcs862-hcm-f]: Service terminated."
)
NODE = "hcs862-hcm-f"
AT = datetime(2019, 6, 17, 14, 14, 19, 781_000, UTC)
LINE = re.compile(
    r"(?P<number>\d+): (?P<host>[^ ]+): "
    r"[A-Z][a-z]{2} [ \d]\d \d{4} \d\d:\d\d:\d\d\.\d{1,3} UTC : "
    r"%(?P<what>\w+-[0-7]-\w+): %(?P<tags>(?:\[\w+=(?:[^\][\\]|\\[][\\])*\])+): "
    r"(?P<text>[ -~]*)"
)
TAG = re.compile(r"\[(\w+)=((?:[^\][\\]|\\[][\\])*)\]")
REPEATED = ("AppID", "ClusterID", "NodeID")


@pytest.fixture
def summer_time(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two hours before UTC, as where the line was stored."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def event(
    parameters: dict[str, Value], text: str = "Service terminated.", node: str = NODE
) -> Event:
    about = {
        **parameters,
        "AppID": "Cisco Service Manager",
        "ClusterID": "",
        "NodeID": node,
    }
    name = "ServiceFailed"
    facility, severity = "UC_SERVICEMANAGER", Severity.CRITICAL
    return Event(facility, name, severity, node, AT, about, text=text)


def told(lines: tuple[str, ...]) -> tuple[dict[str, str], str]:
    """What a reader makes of the parts: the tags, joined, unescaped; the text."""
    tags: dict[str, str] = {}
    text = ""
    for at, line in enumerate(lines, 1):
        assert len(line.encode()) <= MOST_OCTETS
        found = LINE.fullmatch(line)
        assert found is not None, line
        numbered = dict(TAG.findall(found["tags"]))
        if len(lines) > 1:
            first = LINE.fullmatch(lines[0])
            assert first is not None
            assert numbered.pop("part") == f"{first['number']}.{at}/{len(lines)}"
            assert int(found["number"]) == int(first["number"]) + at - 1
        for key, value in numbered.items():
            plain = re.sub(r"\\(.)", r"\1", value)
            tags[key] = plain if key in REPEATED else tags.get(key, "") + plain
        text += found["text"]
    return tags, text


@pytest.mark.usefixtures("summer_time")
def test_a_line_is_stored_as_a_real_node_stored_it() -> None:
    happened = event({"ServiceName": "Cisco AXL Web Service"})
    (line,) = lines_of(happened, "hcs862-hcm-f.example.net", Numbers(6))
    assert stored(happened, line) == SEEN


@pytest.mark.usefixtures("summer_time")
def test_days_are_padded_with_a_blank_and_milliseconds_are_not() -> None:
    happened = event({})._replace(time=datetime(2014, 2, 3, 9, 8, 7, 19_000, UTC))
    (line,) = lines_of(happened, "pub", Numbers())
    assert line.startswith("0: pub: Feb  3 2014 09:08:07.19 UTC : %UC_")
    assert stored(happened, line).startswith("Feb  3 10:08:07 hcs862-hcm-f local7 2 : ")


def test_the_backup_alarm_fits_into_one_line() -> None:
    alarm = ITL_RECOVERY_CERT_BACKUP
    about = {"Message": NO_RECOVERY_BACKUP, "AppID": alarm.app_id, "ClusterID": ""}
    happened = Event(
        *(alarm.application, alarm.name, alarm.severity, "test10pub", AT),
        {**about, "NodeID": "test10pub"},
        text=alarm.text,
    )
    (line,) = lines_of(happened, "test10pub", Numbers())
    assert len(line) < MOST_OCTETS
    assert line.endswith(
        f"%UC_CERT-4-ITLRecoveryCertBackup: %[Message={NO_RECOVERY_BACKUP}]"
        f"[AppID=Cisco Certificate Monitor][ClusterID=][NodeID=test10pub]: "
        f"{NO_RECOVERY_BACKUP}"
    )


def test_brackets_and_backslashes_are_escaped_in_tags_and_nowhere_else() -> None:
    (line,) = lines_of(event({"Reason": r"a]b[c\d"}, r"x]y[z\w"), "pub", Numbers())
    assert r"%[Reason=a\]b\[c\\d][AppID=" in line
    assert line.endswith(r": x]y[z\w")


def test_no_control_character_is_in_a_line() -> None:
    reason = "a\nb\r\0c\x1b[2J\td\x7f\x85\u2028é"
    (line,) = lines_of(event({"Reason": reason}), "pub", Numbers())
    assert r"[Reason=a?b??c?\[2J        d????]" in line


def test_ten_kilobytes_are_told_in_parts() -> None:
    message = "".join(chr(33 + at % 94) for at in range(10_000))
    lines = lines_of(event({"Message": message}, message[::-1]), "pub", Numbers(7))
    assert len(lines) > 20
    tags, text = told(lines)
    assert tags["Message"] == message
    assert text == message[::-1]
    assert tags["NodeID"] == NODE


def test_a_node_with_the_longest_name_has_room_left() -> None:
    node = "n" * 63
    host = f"{node}.{'.'.join(['d' * 63] * 3)}"[:253]
    numbers = Numbers(4_294_967_290)
    lines = lines_of(event({"Message": "x" * 900}, node=node), host, numbers)
    assert len(lines) > 2
    assert all(
        len(line) <= MOST_OCTETS and f"[NodeID={node}]" in line for line in lines
    )


def test_numbers_begin_at_nought_and_wrap() -> None:
    numbers = Numbers()
    assert [next(numbers) for _ in range(3)] == [0, 1, 2]
    last = Numbers(4_294_967_295)
    assert [next(last), next(last)] == [4_294_967_295, 0]


@given(
    st.dictionaries(
        st.sampled_from(["Message", "Reason", "UserID"]), st.text(max_size=1500)
    ),
    st.text(max_size=1500),
)
def test_a_reader_gets_everything_back(values: dict[str, Value], text: str) -> None:
    tags, said = told(lines_of(event(values, text), "pub.example.org", Numbers()))

    def shown(value: object) -> str:
        tabbed = str(value).replace("\t", " " * 8)
        return re.sub(r"[^ -~]", "?", tabbed)

    assert {key: tags[key] for key in values} == {
        key: shown(value) for key, value in values.items()
    }
    assert said == shown(text)
