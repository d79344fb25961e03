"""Golden text of ``show itl``; the layout is docs/cli.md#show."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from cucmsh.trustlist.check import SignatureVerdict
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.model import Field, Header, Record, TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.tags import Digest
from cucmsh.views.trust_list import show_trust_list

VALID = SignatureVerdict(is_valid=True, reason="", signer=None)
MODIFIED = "Wed Feb 26 10:24:27 PST 2014"
# The frame of an RSA key: 128 bytes of modulus and the exponent 65537.
KEY = bytes.fromhex("308189028181 00") + b"\xff" * 128 + bytes.fromhex("0203010001")


class Certificate(NamedTuple):
    subject_name: str
    serial: bytes

    @property
    def issuer_name(self) -> str:
        return self.subject_name

    @property
    def public_key(self) -> bytes:
        return KEY

    @property
    def signature(self) -> bytes:
        return b"s" * 128

    @property
    def der(self) -> bytes:
        name = self.subject_name.encode()
        key = b"\x03\x81\x8d\0" + KEY
        return name + key + b"\x03\x81\x81\0" + self.signature


CALL_MANAGER = Certificate("CN=pub;O=cisco", bytes.fromhex("614052e9"))
RECOVERY = Certificate("CN=ITLRECOVERY_pub;O=cisco", bytes.fromhex("0a0b"))


class CountingSigner:
    """A signature of the bytes 0, 1, 2 ...: the screen shows every one of them."""

    certificate = CALL_MANAGER

    def sign(self, message: bytes, hash_name: str) -> bytes:  # noqa: ARG002 - a role
        return bytes(range(128))


@pytest.fixture
def trust_list() -> TrustList:
    records = [
        full_record(0, CALL_MANAGER),
        hashed_record(21, CALL_MANAGER),
        full_record(0, RECOVERY),
    ]
    return seal(records, CountingSigner(), timestamp=0, digest=Digest.SHA1)


def shown(trust_list: TrustList, kind: str = "ITL") -> list[str]:
    return show_trust_list(trust_list.raw, trust_list, VALID, MODIFIED, kind=kind)


TOP = """\
The checksum value of the ITL file:
71161cac72917a2076eacb62c7501f85(MD5)
f797d05f2732503f5421c7282825b611df6fc193(SHA1)


Length of ITL file: 1871
The ITL File was last modified on Wed Feb 26 10:24:27 PST 2014

        Parse ITL File
        ----------------

Version:        1.2
HeaderLength:   228 (BYTES)

BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
3       SIGNERID        2       43
4       SIGNERNAME      15      CN=pub;O=cisco
5       SERIALNUMBER    4       61:40:52:E9
6       CANAME          15      CN=pub;O=cisco
7       SIGNATUREINFO   2       15
8       DIGESTALGORTITHM        1
9       SIGNATUREALGOINFO       2       8
10      SIGNATUREALGORTITHM     1
11      SIGNATUREMODULUS        1
12      SIGNATURE       128
        0   1   2   3   4   5   6   7
        8   9   a   b   c   d   e   f
        10  11  12  13  14  15  16  17
"""
BOTTOM = """\
        78  79  7a  7b  7c  7d  7e  7f
14      FILENAME        12
15      TIMESTAMP       4

        ITL Record #:1
          ----
BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
1       RECORDLENGTH    2       625
2       DNSNAME         2
3       SUBJECTNAME     15      CN=pub;O=cisco
4       FUNCTION        2       System Administrator Security Token
5       ISSUERNAME      15      CN=pub;O=cisco
6       SERIALNUMBER    4       61:40:52:E9
7       PUBLICKEY       140
8       SIGNATURE       128
9       CERTIFICATE     290     {full} (SHA1 Hash HEX)
This etoken was used to sign the ITL file.

        ITL Record #:2
          ----
BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
1       RECORDLENGTH    2       359
2       DNSNAME         2
3       SUBJECTNAME     15      CN=pub;O=cisco
4       FUNCTION        2       TVS
5       ISSUERNAME      15      CN=pub;O=cisco
6       SERIALNUMBER    4       61:40:52:E9
7       PUBLICKEY       140
8       SIGNATURE       128
11      CERTHASH        20      {full}
12      HASH ALGORITHM  1       SHA-1

        ITL Record #:3
          ----
BYTEPOS TAG             LENGTH  VALUE
------- ---             ------  -----
1       RECORDLENGTH    2       659
2       DNSNAME         2
3       SUBJECTNAME     27      CN=ITLRECOVERY_pub;O=cisco
4       FUNCTION        2       System Administrator Security Token
5       ISSUERNAME      27      CN=ITLRECOVERY_pub;O=cisco
6       SERIALNUMBER    2       0A:0B
7       PUBLICKEY       140
8       SIGNATURE       128
9       CERTIFICATE     302     {recovery} (SHA1 Hash HEX)
This etoken was not used to sign the ITL file.

The ITL file was verified successfully.
"""


def test_screen_is_that_of_cucm(trust_list: TrustList) -> None:
    text = "".join(f"{line.expandtabs()}\n" for line in shown(trust_list))
    assert text.startswith(TOP)
    assert text.endswith(
        BOTTOM.format(
            full="01 BF 53 FA 4F 55 A8 29 BF F7 01 E4 77 D6 B1 17 58 A1 4B 85",
            recovery="2F B2 13 83 C3 E8 F0 60 25 F4 F3 68 B2 75 4F 8B 9A BA 6F 0E",
        )
    )
    assert len(text.splitlines()) == 91


def test_columns_are_made_of_tabs_and_lines_end_with_words(
    trust_list: TrustList,
) -> None:
    lines = shown(trust_list)
    assert "4\tSIGNERNAME\t15\tCN=pub;O=cisco" in lines
    assert "6\tCANAME\t\t15\tCN=pub;O=cisco" in lines
    assert [line for line in lines if line != line.rstrip()] == []


def test_ctl_is_called_ctl_everywhere(trust_list: TrustList) -> None:
    text = "\n".join(shown(trust_list, "CTL"))
    assert "ITL" not in text.replace("ITLRECOVERY", "")
    assert text.count("CTL") == 10


def test_list_that_is_not_valid_says_why(trust_list: TrustList) -> None:
    verdict = SignatureVerdict(is_valid=False, reason="because", signer=None)
    lines = show_trust_list(trust_list.raw, trust_list, verdict, MODIFIED)
    assert lines[-1] == "The ITL file was not verified: because"


def rows(*fields: Field) -> list[str]:
    """The table rows of one record with these fields behind its length."""
    header = Header((Field(1, b"\1\2"), Field(2, b"\0\5"), Field(28, b"\1\1")))
    trust_list = TrustList(header, (Record(fields),))
    lines = show_trust_list(b"", trust_list, VALID, MODIFIED)
    assert "28\tSIGNERVERSION\t2" in lines
    return lines[lines.index("\t  ----") + 3 : -2]


def test_fields_of_other_writers_are_shown_as_stored() -> None:
    windows = b'cn="SAST-ADN0054f509        ";ou=IPCBU;o="Cisco Systems\0'
    assert rows(
        Field(2, b"10.48.47.153\0"),
        Field(3, windows),
        Field(4, b"\0\7"),
        Field(10, bytes(4)),
        Field(12, b"\3"),
        Field(12, b"\x09"),
        Field(77, b"\x1b[2J"),
    ) == [
        "2\tDNSNAME\t\t13\t10.48.47.153",
        '3\tSUBJECTNAME\t56\tcn="SAST-ADN0054f509        ";ou=IPCBU;o="Cisco Systems',
        "4\tFUNCTION\t2\tAPP-SERVER",
        "10\tIPADDRESS\t4",
        "12\tHASH ALGORITHM\t1\tSHA-512",
        "12\tHASH ALGORITHM\t1\t9",
        "77\tUNKNOWN\t\t4",
    ]


def test_only_tokens_get_the_sentence() -> None:
    row = "4\tFUNCTION\t2\tSystem Administrator Security Token"
    sentence = "This etoken was not used to sign the ITL file."
    assert rows(Field(4, b"\0\0"), Field(5, b"CN=a\0"))[::2] == [row, sentence]
    assert rows(Field(4, b"\0\3")) == ["4\tFUNCTION\t2\tTFTP"]
