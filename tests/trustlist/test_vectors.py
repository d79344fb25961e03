"""The lists in tests/vectors: made by hand, with real certificates inside."""

from pathlib import Path

import pytest

from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import encode
from cucmsh.trustlist.sealing import check
from cucmsh.trustlist.signed import decode_signed
from cucmsh.trustlist.signed_trust import judge_signed
from cucmsh.trustlist.trust import judge
from tests.trustlist.builders import LibraryVerifier

VECTORS = Path(__file__).parents[1] / "vectors"
ROLES = {
    "cucm10-sha1.itl": [0, 3, 4, 21, 0],
    "cucm10-blank-record.ctl": [0, 2, 4, 2],
    "certutils-sha512.itl": [0, 2, 7],
    "signed-held.itl": [0, 3],
}


@pytest.mark.parametrize("name", ROLES)
def test_vector_is_read_written_and_valid(name: str, verifier: LibraryVerifier) -> None:
    raw = (VECTORS / name).read_bytes()
    trust_list = decode(raw)
    assert encode(trust_list) == raw
    assert check(trust_list, verifier).reason == ""
    assert [record.role for record in trust_list.records] == ROLES[name]
    assert judge(trust_list, trust_list, verifier).accepted


def test_every_vector_is_looked_at() -> None:
    others = {"README.md", "signed-sha512.sgn"}
    files = {path.name for path in VECTORS.iterdir() if path.is_file()}
    assert files - others == set(ROLES)


def test_blank_record_has_33_bytes() -> None:
    raw = (VECTORS / "cucm10-blank-record.ctl").read_bytes()
    assert decode(raw).records[-1].length == 33


def test_signed_file_is_read_written_and_taken(verifier: LibraryVerifier) -> None:
    raw = (VECTORS / "signed-sha512.sgn").read_bytes()
    held = decode((VECTORS / "signed-held.itl").read_bytes())
    signed = decode_signed(raw)
    assert signed.raw == raw
    assert signed.payload == b"<CiscoIPPhoneImageList/>\n"
    path = "Desktops/320x212x12/List.xml.sgn"
    assert judge_signed(held, signed, verifier, path=path).accepted
    other = decode((VECTORS / "cucm10-sha1.itl").read_bytes())
    assert not judge_signed(other, signed, verifier).accepted
