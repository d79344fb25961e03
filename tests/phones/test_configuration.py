"""A phone's configuration: what it says, and bytes that say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import PhoneFileError
from cucmsh.phones.configuration import (
    MAX_SIZE,
    MOST_SETTINGS,
    Configuration,
    Server,
    read_configuration,
)

WHOLE = b"""<?xml version="1.0" encoding="UTF-8"?>
<device>
<devicePool><callManagerGroup><members>
<member priority="1"><callManager><processNodeName>two.example</processNodeName>
</callManager></member>
<member priority="0"><callManager><processNodeName>one.example</processNodeName>
</callManager></member>
</members></callManagerGroup></devicePool>
<TVS><members>
<member priority="1"><port>2446</port><address>two.example</address></member>
<member priority="0"><address>one.example</address></member>
</members></TVS>
<sipProfile><sipLines><line button="1"><name>1001</name></line></sipLines></sipProfile>
<loadInformation>sip88xx.14-3-1</loadInformation>
<vendorConfig><webAccess>0</webAccess><sshAccess> 1 </sshAccess></vendorConfig>
<capfList><capf><processNodeName>one.example</processNodeName></capf></capfList>
</device>"""


def tvs(members: str) -> tuple[Server, ...]:
    text = f"<device><TVS><members>{members}</members></TVS></device>"
    return read_configuration(text.encode()).tvs


def test_a_whole_file_says_all() -> None:
    found = read_configuration(WHOLE)
    assert found == Configuration(
        call_managers=("one.example", "two.example"),
        tvs=(Server("one.example", 2445), Server("two.example", 2446)),
        capf="one.example",
        label="1001",
        load="sip88xx.14-3-1",
        settings=(("webAccess", "0"), ("sshAccess", "1")),
    )
    assert found.setting("sshAccess") == "1"
    assert found.setting("spanToPCPort", "none") == "none"


@pytest.mark.parametrize(
    "member",
    [
        '<member priority="5"><address>a</address></member>',
        '<member priority="-1"><address>a</address></member>',
        "<member><address>a</address></member>",
        '<member priority="0"><port>2445</port></member>',
        '<member priority="0"><port>0</port><address>a</address></member>',
        '<member priority="0"><port>65536</port><address>a</address></member>',
        '<member priority="0"><port>x</port><address>a</address></member>',
        f'<member priority="0"><address>{"a" * 51}</address></member>',
    ],
)
def test_what_a_phone_would_not_use_is_left_out(member: str) -> None:
    good = '<member priority="3"><address>good</address></member>'
    assert tvs(member + good) == (Server("good", 2445),)


def test_no_more_than_five_members_count() -> None:
    members = [
        f'<member priority="{number % 5}"><address>a{number}</address></member>'
        for number in range(9)
    ]
    assert len(tvs("".join(members))) == 5


def test_no_more_settings_are_kept_than_a_page_can_show() -> None:
    many = "<a>1</a>" * (MOST_SETTINGS + 1)
    found = read_configuration(f"<d><vendorConfig>{many}</vendorConfig></d>".encode())
    assert len(found.settings) == MOST_SETTINGS


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"# comment",
        WHOLE[:-1],
        b'<?xml version="1.0" encoding="none-such"?><device/>',
        b"<!DOCTYPE device><device/>",
        b'<!DOCTYPE device [<!ENTITY a "b">]><device>&a;</device>',
        b"<device>" + b" " * MAX_SIZE + b"</device>",
    ],
)
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(PhoneFileError):
        read_configuration(raw)


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_a_value_or_the_one_error(place: int, byte: int) -> None:
    raw = WHOLE[:place] + bytes([byte]) + WHOLE[place + 1 :]
    try:
        found = read_configuration(raw)
    except PhoneFileError:
        return
    assert isinstance(found, Configuration)
