"""The small views: what is left open, certificates, a list that was looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.pki.certificates import read_certificate
from cucmsh.pki.model import Certificate
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.lists.verify_file import Inspection, SignedInspection, inspect
from cucmsh.services.outcome import NodeOutcome, Report, State
from cucmsh.views.certificate import certificate_lines, certificate_rows
from cucmsh.views.inspection import inspection_lines
from cucmsh.views.report import delivery_lines, report_lines

VECTORS = Path(__file__).parents[1] / "vectors"
DONE = NodeOutcome("pub", State.UPDATED)
STOPPED = NodeOutcome("sub1", State.STOPPED)
PENDING = NodeOutcome("sub2", State.PENDING, "sub2 does not answer")
UNPROVEN = NodeOutcome("sub3", State.UNPROVEN)
CERTIFICATE = Certificate(
    der=b"der",
    subject_name="CN=pub;O=cisco",
    issuer_name="CN=authority;O=cisco",
    serial=b"\x0a\xbc",
    public_key=b"",
    signature=b"",
    key_bits=2048,
    key_type="RSA",
    signature_algorithm="SHA256withRSA (1.2.840.113549.1.1.11)",
    not_before=datetime(2014, 2, 26, tzinfo=UTC),
    not_after=datetime(2019, 2, 25, tzinfo=UTC),
)


def test_nothing_is_said_when_all_is_done() -> None:
    assert report_lines(Report((DONE,))) == []
    assert delivery_lines([DONE]) == []


def test_stopped_node_is_named_and_no_failure() -> None:
    assert report_lines(Report((DONE, STOPPED))) == [
        "sub1: updated, its TFTP service is stopped."
    ]


def test_pending_nodes_are_counted_and_named() -> None:
    lines = report_lines(Report((DONE, STOPPED, PENDING, UNPROVEN)))
    assert lines[1] == "2 of 4 nodes updated; pending: sub2, sub3"
    assert lines[-1] == "Executed command unsuccessfully"


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ((DONE,), 0),
        ((DONE, STOPPED), 0),
        ((DONE, PENDING), 3),
        ((STOPPED, UNPROVEN), 3),
        ((PENDING, UNPROVEN), 3),
        ((UNPROVEN,), 3),
        ((PENDING, PENDING), 1),
    ],
)
def test_exit_status_tells_all_some_and_none(
    outcomes: tuple[NodeOutcome, ...], status: int
) -> None:
    assert Report(outcomes).exit_status == status


def test_undelivered_certificate_is_told_with_its_reason() -> None:
    assert delivery_lines([DONE, PENDING]) == [
        "The certificate was not brought to sub2: sub2 does not answer"
    ]


def test_certificate_of_an_authority_names_it() -> None:
    assert certificate_rows([("TVS", CERTIFICATE)]) == [
        "TVS/TVS.pem: Certificate Signed by CN=authority, O=cisco"
    ]


def test_certificate_is_shown_line_by_line() -> None:
    lines = certificate_lines(CERTIFICATE, b"-----BEGIN\nend\n")
    assert lines[:4] == [
        "SignatureAlgorithm: SHA256withRSA (1.2.840.113549.1.1.11)",
        "Issuer Name: CN=authority, O=cisco",
        "Subject Name: CN=pub, O=cisco",
        "Serial Number: 0A:BC",
    ]
    assert lines[7] == "Key: RSA 2048 bits"
    assert lines[-2:] == ["-----BEGIN", "end"]


def looked_at(
    path: Path, held: Path | None = None, asked: str = ""
) -> Inspection | SignedInspection:
    return inspect(
        str(path), str(held or ""), SignatureVerifier(), read_certificate, asked
    )


def test_list_with_a_sound_signature_is_said_to_be_verified() -> None:
    path = VECTORS / "certutils-sha512.itl"
    inspection = looked_at(path, path)
    lines = inspection_lines(inspection)
    assert inspection.is_good
    assert "The list was verified successfully." in lines
    assert lines[-1].startswith("A phone with the held list accepts it: ")


def test_changed_list_is_never_said_to_be_verified(tmp_path: Path) -> None:
    raw = bytearray((VECTORS / "certutils-sha512.itl").read_bytes())
    raw[-1] ^= 1
    changed = tmp_path / "changed.itl"
    changed.write_bytes(raw)
    inspection = looked_at(changed)
    assert not inspection.is_good
    assert inspection_lines(inspection)[-1].startswith("The list was not verified: ")


SIGNED, HELD = VECTORS / "signed-sha512.sgn", VECTORS / "signed-held.itl"


def test_signed_file_is_judged_by_the_list_that_phones_hold() -> None:
    inspection = looked_at(SIGNED, HELD, "Desktops/320x212x12/List.xml.sgn")
    lines = inspection_lines(inspection)
    assert inspection.is_good
    assert lines[0] == (
        f"File:      {SIGNED} (501 bytes, Desktops/320x212x12/List.xml.sgn)"
    )
    assert "Digest:    sha512" in lines
    assert "Signed:    a file of 25 bytes" in lines
    assert not any("only if it asked for" in line for line in lines)
    assert lines[-2] == "The file was verified successfully."
    assert lines[-1].startswith("A phone with the held list accepts it: ")


def test_file_under_another_name_than_its_own_is_refused_until_the_name_is_given() -> (
    None
):
    inspection = looked_at(SIGNED, HELD)
    assert not inspection.is_good
    lines = inspection_lines(inspection)
    assert "A phone takes it only if it asked for Desktops/" in lines[-2]
    assert "--as" in lines[-2]
    assert "is named Desktops/320x212x12/List.xml.sgn inside, not" in lines[-1]


def test_signed_file_by_itself_verifies_nothing() -> None:
    inspection = looked_at(SIGNED)
    assert not inspection.is_good
    assert "--against" in inspection_lines(inspection)[-1]


def test_signed_file_that_the_holder_refuses_is_not_good(tmp_path: Path) -> None:
    raw = SIGNED.read_bytes()
    changed = tmp_path / "List.xml.sgn"
    changed.write_bytes(raw.replace(b"List/>", b"Lost/>"))
    for path, held in ((changed, HELD), (SIGNED, VECTORS / "cucm10-sha1.itl")):
        inspection = looked_at(path, held, "Desktops/320x212x12/List.xml.sgn")
        assert not inspection.is_good
        text = "\n".join(inspection_lines(inspection))
        assert "A phone with the held list refuses it: " in text
        assert "successfully" not in text


def test_encrypted_file_and_a_signed_one_as_held_list_are_named(
    tmp_path: Path,
) -> None:
    raw = SIGNED.read_bytes()
    encrypted = tmp_path / "SEP1.cnf.xml.enc.sgn"
    encrypted.write_bytes(raw[:3] + b"\2\0" + raw[5:])
    with pytest.raises(StoreError, match=r"encrypted .* not supported"):
        looked_at(encrypted)
    with pytest.raises(StoreError, match=r"1\.0 does not head a trust list"):
        looked_at(HELD, SIGNED)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\0" * 200_000])
def test_file_that_is_no_list_is_named(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(StoreError, match=str(path)):
        looked_at(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="nosuch is not there"):
        looked_at(tmp_path / "nosuch")
