"""Every command stands in the table of docs/cli.md, beside the original's."""

from __future__ import annotations

import re

import pytest

from tests.commands.calls import GRAMMAR
from tests.house.product import ROOT

pytestmark = pytest.mark.thorough

PAGE = ROOT / "docs/cli.md"
MARKS = {"yes", "-", "?", "not listed"}


def rows() -> dict[str, list[str]]:
    """The cells behind each command's phrase."""
    chapter = PAGE.read_text().partition("\n## Commands\n")[2].partition("\n## ")[0]
    found = {}
    for line in chapter.splitlines():
        if line.startswith("| `"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            phrase, *rest = (cell.strip() for cell in cells)
            found[phrase.strip("`").replace(r"\|", "|")] = rest
    return found


def test_every_command_is_in_the_table_and_no_other() -> None:
    known = set(rows())
    phrases = {command.phrase for command in GRAMMAR.commands}
    missing, gone = sorted(phrases - known), sorted(known - phrases)
    assert not missing, (
        "put a row for each of these into the table under `## Commands` of "
        "docs/cli.md, in alphabetical order: | `PHRASE` (with \\| for |) | 10.0 | "
        "12.5 | 15 | what "
        f"differs |, by what is known of the original's: {missing}"
    )
    assert not gone, f"take their rows out of docs/cli.md, under `## Commands`: {gone}"


def test_rows_say_what_is_known_of_each_release_and_are_in_order() -> None:
    found = rows()
    assert list(found) == sorted(found)
    for phrase, cells in found.items():
        *releases, differs = cells
        assert len(releases) == 3, phrase
        assert MARKS.issuperset(releases), phrase
        if set(releases) == {"-"}:
            assert differs.startswith("ours"), phrase
