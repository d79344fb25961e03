"""``cucmsh verify`` of several files and held lists: a table, and one document."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cucmsh.cli.verify import run
from cucmsh.errors import MissingFileError, StoreError, UsageError
from cucmsh.trustlist.signed import seal_signed
from cucmsh.trustlist.tags import Digest
from tests.services.adoption.elsewhere import Elsewhere, credential

pytestmark = pytest.mark.thorough

OLD, OTHER = "old/ITLFile.tlv", "other/held.itl"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two held lists and two new ones; ``new/theirs.tlv`` is of the other's key."""
    monkeypatch.chdir(tmp_path)
    old, other = Elsewhere(tmp_path / "old"), Elsewhere(tmp_path / "other")
    old.serve()
    other.signer = credential("stranger.example")
    other.serve(name="held.itl")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "ours.tlv").write_bytes(old.sealed().raw)
    (tmp_path / "new" / "theirs.tlv").write_bytes(other.sealed().raw)
    return tmp_path


def said(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return capfd.readouterr().out.splitlines()


def cells(line: str) -> list[str]:
    return line.split(maxsplit=3)[:3]


def test_one_file_and_one_held_list_keep_their_form(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["new/ours.tlv", "--against", OLD]) == 0
    lines = said(capfd)
    assert lines[0].startswith("File:      new/ours.tlv (")
    assert lines[-1].startswith("A phone with the held list accepts it: ")
    assert run(["new/ours.tlv"]) == 0
    assert said(capfd)[-1] == "The list was verified successfully."
    assert place


@pytest.mark.parametrize(
    "words",
    [
        ["new", "--against", OLD, "--against", OTHER],
        ["new/*.tlv", "--against", "old", "--against", "other"],
        ["new/ours.tlv", "new/theirs.tlv", "--against", "o*/*.[it]*"],
        ["./new/../new/*", "--against", "o*"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("place")
def test_each_file_is_judged_by_each_holder(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 1
    lines = said(capfd)
    assert cells(lines[0]) == ["File", "Held", "Phone"]
    assert [
        (os.path.basename(file), held, phone)
        for file, held, phone in map(cells, lines[1:])
    ] == [
        ("ours.tlv", OLD, "accepts"),
        ("ours.tlv", OTHER, "refuses"),
        ("theirs.tlv", OLD, "refuses"),
        ("theirs.tlv", OTHER, "accepts"),
    ]
    assert "is not in the held list" in lines[2]


def test_all_accepted_is_0(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (place / "copy").mkdir()
    (place / "copy" / "a.tlv").write_bytes((place / OLD).read_bytes())
    assert run(["new/ours.tlv", "--against", "old", "--against", "copy"]) == 0
    assert [cells(line)[2] for line in said(capfd)[1:]] == ["accepts", "accepts"]
    assert run(["new"]) == 0
    assert "verifies" in said(capfd)[1]


def test_what_cannot_be_read_is_told_and_is_no_yes(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (place / "new" / "theirs.tlv").write_bytes(b"no list")
    assert run(["new", "--against", OLD]) == 1
    lines = said(capfd)
    assert cells(lines[1])[2] == "accepts"
    assert cells(lines[2]) == ["new/theirs.tlv", "-", "unreadable"]
    (place / "old" / "bad.tlv").write_bytes(b"no list")
    assert run(["new/ours.tlv", "--against", "old"]) == 1
    assert said(capfd)[-1].startswith("Not looked at: old/bad.tlv: ")
    (place / "old" / "bad.tlv").write_bytes(b"")  # no list, and nobody holds it
    assert run(["new/ours.tlv", "--against", "old"]) == 0


def test_list_that_does_not_verify_is_refused_by_all(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = bytearray((place / "new" / "ours.tlv").read_bytes())
    raw[-1] ^= 1
    (place / "new" / "ours.tlv").write_bytes(raw)
    assert run(["new/ours.tlv", "--against", OLD, "--against", OTHER]) == 1
    assert [cells(line)[2] for line in said(capfd)[1:]] == ["refuses", "refuses"]


@pytest.mark.usefixtures("place")
def test_what_cannot_be_meant_is_said_at_once() -> None:
    for words in (["none/*"], ["new", "--against", "none/*"]):
        with pytest.raises(MissingFileError, match="no file matches none"):
            run(words)
    with pytest.raises(MissingFileError, match="none is not there"):
        run(["new", "--against", "none"])
    Path("none").mkdir()
    with pytest.raises(MissingFileError, match="none has no file that ends in"):
        run(["none"])
    Path("none", "empty.tlv").touch()
    with pytest.raises(StoreError, match="none has no list that can be read"):
        run(["new", "--against", "none"])
    with pytest.raises(UsageError, match="--as names what one file"):
        run(["new", "--as", "a.sgn"])


def test_file_with_the_signs_of_a_pattern_in_its_name_is_that_file(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = (place / OLD).read_bytes()
    (place / "[ab]*.tlv").write_bytes(raw)
    (place / "a.tlv").write_bytes(raw)
    assert run(["[ab]*.tlv"]) == 0
    assert said(capfd)[0].startswith("File:      [ab]*.tlv (")


def document(words: list[str], capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    status = run([*words, "--json"])
    (line,) = said(capfd)
    found: dict[str, Any] = json.loads(line)
    assert found["status"] == status
    assert (found["command"], found["schema"]) == ("verify", "cucmsh/1")
    return found


def test_document_has_what_the_table_says(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (place / "new" / "bad.tlv").write_bytes(b"no list")
    found = document(["new", "--against", OLD, "--against", "other"], capfd)
    assert (found["status"], found["error"]) == (1, None)
    result = found["result"]
    assert [held["file"] for held in result["held"]] == [OLD, OTHER]
    bad, ours, theirs = result["files"]
    assert bad.keys() == ours.keys()
    assert (bad["sha256"], bad["verified"], bad["held"]) == (None, False, [])
    assert bad["reason"]
    assert ours["sha256"] == result["held"][0]["sha256"]
    assert (ours["is_list"], ours["verified"], ours["reason"]) == (True, True, None)
    assert ours["signer"].startswith("CN=old.example")
    for file, accepted in ((ours, [True, False]), (theirs, [False, True])):
        assert [held["accepted"] for held in file["held"]] == accepted
    good = document(["new/ours.tlv", "--against", OLD], capfd)
    assert (good["status"], good["error"]) == (0, None)


@pytest.mark.usefixtures("place")
def test_document_of_a_failure_names_it(capfd: pytest.CaptureFixture[str]) -> None:
    found = document(["new", "--against", "none"], capfd)
    assert (found["status"], found["result"]) == (1, None)
    assert found["error"]["message"] == "none is not there"


def test_signed_file_needs_a_held_list(
    place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old = Elsewhere(place / "signing")
    old.serve()
    record = old.records()[1]
    name = "SEP1.cnf.xml.sgn"
    signed = seal_signed(
        b"<device/>", name, (old.signer, record), timestamp=1, digest=Digest.SHA1
    )
    (place / name).write_bytes(signed.raw)
    assert run([name, "--against", "signing", "--against", OTHER]) == 1
    assert [cells(line)[2] for line in said(capfd)[1:]] == ["accepts", "refuses"]
    assert run([name, "--against", "signing"]) == 0
    said(capfd)
    assert run(["SEP*"]) == 1
    (line,) = said(capfd)[1:]
    assert cells(line) == [name, "-", "unverified"]
    (file,) = document([name, "--against", "signing"], capfd)["result"]["files"]
    assert (file["is_list"], file["verified"]) == (False, True)
