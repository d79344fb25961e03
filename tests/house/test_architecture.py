"""What the papers say of the house is so: paths exist, rows of the map name some."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PATH = re.compile(
    r"`((?:cucmsh|commands|tests|docs|benchmarks)/[\w./-]+\.\w+)`( \(new\))?"
)
PAPERS = sorted(
    [
        *ROOT.glob("docs/**/*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
        ROOT / "findings" / "README.md",
    ]
)
# A path or folder of ours as code, alone or in a command, with an anchor or row behind
# it. CAPITALS stand for a name; a decision is cited by its number; cucmsh/1 is no
# path.
NAMED = re.compile(
    r"`(?:[\w.-]+ )*((?:cucmsh|commands|tests|docs|benchmarks|findings)/(?!1`)[\w./-]*)"
    r"[^`\n]*`( \(new\))?"
)
STANDS_FOR_A_NAME = re.compile(r"/(?!README\b)[A-Z]+\b")
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


def missing(text: str) -> list[str]:
    """Paths that a page names and that are not there; a new one needs its folder."""
    found = []
    for path, is_new in NAMED.findall(text):
        place = ROOT / path
        is_there = (place.parent if is_new else place).exists()
        is_decision = re.fullmatch(r"docs/decisions/\d{3}", path)
        is_there |= bool(is_decision and any(place.parent.glob(f"{place.name}-*")))
        if not is_there and not STANDS_FOR_A_NAME.search(path):
            found.append(path)
    return found


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_every_path_is_there(paper: Path) -> None:
    assert not missing(paper.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "in `tests/login`, too",
        "run `pytest tests/nowhere -x`",
        "`docs/nowhere.md#heading`",
        "`docs/decisions/999`",
        "`cucmsh/nowhere/page.py` (new)",
    ],
)
def test_a_path_that_is_not_there_is_found(text: str) -> None:
    assert len(missing(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "`tests/cli/login`, `commands/`, `docs/security.md T13`, `docs/decisions/009`",
        "`pytest tests/ROOM`, `docs/PAGE.md#heading`, `findings/README.md`",
        "`cucmsh/cli/rename.py` (new), `/etc/cucmsh/nowhere`, `cucmsh/cli/hooks/X.py`",
    ],
)
def test_others_are_not(text: str) -> None:
    assert not missing(text)


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
