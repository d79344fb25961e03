"""What docs/architecture.md says of the house is so: paths exist, rows name some."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PATH = re.compile(
    r"`((?:cucmsh|commands|tests|docs|benchmarks)/[\w./-]+\.\w+)`( \(new\))?"
)
CHANGES = dict(
    re.findall(
        r"^\| ([^|]+?) \| ([^|]+?) \|$",
        PAGE.split("## Where to put what\n")[1].split("|---|---|\n")[1],
        re.MULTILINE,
    )
)
MOST = 4
ASKED_FOR = (
    *("an alarm sink", "a release", "an EC signer", "a node's second service"),
    *("a way in", "a certificate unit", "a TFTP log format", "an SFTP server's quirk"),
    *("a phone family", "a page"),
)


def test_every_path_is_there() -> None:
    for path, is_new in PATH.findall(PAGE):
        place = ROOT / path
        assert (place.parent if is_new else place).exists(), path


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_names_four_files_at_most(change: str) -> None:
    """Its test, which the page leaves out, is one of the four."""
    files = dict(PATH.findall(CHANGES[change]))
    tests = [path for path in files if path.startswith("tests/")]
    assert 1 <= len(files) - len(tests) <= MOST - 1
    assert len(files) <= MOST


@pytest.mark.parametrize("start", ASKED_FOR)
def test_the_page_says_where_it_goes(start: str) -> None:
    assert any(change.startswith(start) for change in CHANGES)


def test_twenty_changes_are_there() -> None:
    assert len(CHANGES) >= 20


def test_every_room_is_on_the_map() -> None:
    drawn = set(re.findall(r"^  (\w+)/", PAGE.split("```")[1], re.MULTILINE))
    rooms = {path.parent.name for path in ROOT.glob("cucmsh/*/__init__.py")}
    assert drawn == rooms
