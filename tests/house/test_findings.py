"""Each script in findings/ says what was expected, seen, with what, and when."""

import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))
HEAD = ("Expected", "Seen", "Versions", "Source", "Date", "Exit status")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_finding_keeps_the_rules(path: Path) -> None:
    text = path.read_text()
    head = re.match(r"(?:#.*\n)+", text)
    assert head is not None
    for word in HEAD:
        assert f"\n# {word}: " in head[0], word
    assert re.search(r"^# Date: \d{4}-\d\d-\d\d$", head[0], re.MULTILINE)
    assert "cucmsh" not in text
    assert "mktemp -d" in text or "Writes nothing" in head[0]
    assert os.access(path, os.X_OK)


def test_every_finding_is_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text()
    listed = re.findall(r"^\| `(\S+\.sh)` \|", index, re.MULTILINE)
    assert listed == [path.name for path in SCRIPTS]
