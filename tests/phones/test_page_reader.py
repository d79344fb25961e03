"""What a real phone's page says, whatever its family made of HTML and XML."""

from __future__ import annotations

import pytest

from cucmsh.errors import PageError
from cucmsh.phones.claims import NOT_INSTALLED, Source
from cucmsh.phones.markup import MAX_BYTES
from cucmsh.phones.page_reader import PageSays, claims, join, read_page

SHA1 = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"
PAIRS = " ".join(SHA1[at : at + 2].upper() for at in range(0, 40, 2)) + " "


def page(heading: str, *rows: str) -> bytes:
    return (
        f"<HTML><BODY><TABLE><TR><td></TD><td><p><B>{heading}</FONT></B></TD></TR>"
        "<TR><td><TABLE><TR>\n<TD><a href='/x'>Device information</A></TD><TR>"
        "</TABLE></td><td VALIGN=top><DIV ALIGN=center><TABLE BORDER='0'>"
        + "".join(rows)
        + "</TABLE></DIV></TD></TR></TABLE></BODY></HTML>"
    ).encode()


def row(label: str, value: str) -> str:
    return f"<TR><TD><B> {label}</B></TD><td width=20></TD><TD><B>{value}</B></TD></TR>"


def test_an_8800_shows_sha1_in_pairs_and_writes_hyphens_as_numbers() -> None:
    said = read_page(
        page(
            "Cisco IP Phone CP-8845 ( SEP001122334455 )",
            row("Host name", "SEP001122334455"),
            row("CTL file", "Not installed"),
            row("ITL file", "Installed"),
            row("ITL signature", PAIRS),
            row("TVS", "cucm&#x2D;pub.example.com"),
            row("TVS", "cucm&#x2D;sub.example.com"),
            row("TFTP server 1", "192.0.2.1"),
        )
    )
    assert said == PageSays(
        name="SEP001122334455",
        model="8845",
        itl=SHA1,
        ctl=NOT_INSTALLED,
        tvs=("cucm-pub.example.com", "cucm-sub.example.com"),
        tftp_servers=("192.0.2.1",),
    )


def test_labels_of_other_families_mean_the_same() -> None:
    raw = page(
        "Cisco IP Phone CP-8945(</b> <strong>SEP001122334455</strong> <b>)",
        "<tr>\n<td><b>ITL Signature</b></td>\n<td width=20></td>\n"
        f"<td><b>{PAIRS}</b></td>\n</tr>",
        "<TR><TD><B> CTL File</B></TD><TD><B>Not Installed</B></TD></TR>",
    )
    assert read_page(raw) == PageSays(
        name="SEP001122334455", model="8945", itl=SHA1, ctl=NOT_INSTALLED
    )


@pytest.mark.parametrize("digits", [SHA1[:32], SHA1])
def test_md5_and_sha1_are_told_by_their_length(digits: str) -> None:
    assert read_page(page("", row("ITL Signature", digits))).itl == digits


def test_what_is_no_digest_is_none() -> None:
    raw = page("", row("ITL signature", PAIRS[:-6]), row("CTL file", "Installed"))
    with pytest.raises(PageError, match="says nothing"):
        read_page(raw)


@pytest.mark.parametrize(
    "line",
    [
        "1:33:26a TFTP Error : SEP001122334455.cnf.xml.sgn",
        "12:58:15 Trust List Update Failed",
        "[8:52:30am 10/01/19] ITL installed",
        "[5:48:09 AM 10/11/19] Trust List updated",
    ],
)
def test_status_messages_are_lines_that_begin_with_a_time(line: str) -> None:
    in_cells = line.replace("] ", "]\n")
    for raw in (
        page("", f"<TR><TD>{in_cells}</TD></TR>", row("Time", "3:21:34pm")),
        f"{line}<br>more<br>".encode(),
        f"<DeviceLog><status>{line}</status></DeviceLog>".encode(),
    ):
        assert read_page(raw).status == (line,)


def test_xml_with_several_declarations_is_read() -> None:
    head = '<?xml version="1.0" encoding="UTF-8"?>'
    raw = (
        f"{head}<DeviceLog>{head}<status>1:02:03p ITL installed</status>\n"
        f"{head}<status>1:02:04p Trust List Updated</status><x></DeviceLog>"
    )
    said = read_page(raw.encode())
    assert said.status == ("1:02:03p ITL installed", "1:02:04p Trust List Updated")
    assert said.trust_line == "1:02:04p Trust List Updated"


def test_the_pages_of_one_phone_say_one_claim() -> None:
    device = (
        "<DeviceInformation><HostName>SEP001122334455</HostName><TVS/>"
        "<modelNumber>CP-7965G</modelNumber><appLoadID>SCCP45.9</appLoadID>"
        "</DeviceInformation>"
    )
    network = page("", row("ITL signature", SHA1[:32]))
    log = b"<status>1:02:03p Trust List Update Failed</status>"
    together = join(map(read_page, [device.encode(), network, log]))
    (claim,) = claims(together, "", 1000, "192.0.2.9")
    assert claim.source is Source.PAGE
    assert claim.at == 1000
    assert claim.address == "192.0.2.9"
    assert claim.phone == "SEP001122334455"
    assert (claim.model, claim.load) == ("7965", "SCCP45.9")
    assert claim.itl == SHA1[:32]
    assert claim.text == "1:02:03p Trust List Update Failed"
    assert [claim] == list(claims(together, claim.phone, 1000, "192.0.2.9"))
    assert not list(claims(read_page(device.encode()), "", 1000))


def test_a_page_says_nothing_of_another_phone_than_was_asked() -> None:
    says = PageSays(name="SEP001122334455", itl=SHA1)
    with pytest.raises(PageError, match="another phone: SEP001122334455"):
        list(claims(says, "SEP000000000000", 1000))


@pytest.mark.parametrize(
    "raw",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><DeviceLog><status>1:02:03p x</status>',
        b'<!ENTITY b "c"><DeviceLog/>',
        b"",
        b"\0" * 100,
        b"<HTML>Please log in</HTML>",
    ],
)
def test_other_bytes_are_the_one_error(raw: bytes) -> None:
    with pytest.raises(PageError) as raised:
        read_page(raw)
    assert raised.value.message


def test_a_page_that_is_too_long_is_refused_however_it_begins() -> None:
    begun = page("", row("ITL signature", SHA1))
    assert read_page(begun.ljust(MAX_BYTES)).itl == SHA1
    with pytest.raises(PageError, match="more than"):
        read_page(begun.ljust(MAX_BYTES + 1))
