"""The bugs that are put into a copy still fit the program they are put into."""

from __future__ import annotations

import pytest

from tests.faults.seeded_bugs import BUGS, ROOT, Bug


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_text_that_a_seeded_bug_replaces_is_there_once(bug: Bug) -> None:
    for edit in bug.edits:
        assert (ROOT / edit.file).read_text().count(edit.old) == 1, edit.file
    assert (ROOT / bug.file).exists()
