"""The bugs that are put into a copy still fit the program they are put into."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.edits import Edit, NotFoundOnceError, edited, find_file
from tests.faults.seeded_bugs import BUGS, ROOT, Bug, product
from tests.house.product import PRODUCT

SOURCE = """\
class Store:
    def write(self, raw):  # a comment
        if raw  !=  self.read( \'name\' ):
            sync( raw )


def write(raw):
    sync(raw)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_what_a_seeded_bug_changes_is_there_once(bug: Bug) -> None:
    for edit in bug.edits:
        source = find_file(edit, PRODUCT).read_text(encoding="utf-8")
        compile(edited(source, edit), "edited", "exec")
    assert (ROOT / bug.file).exists()


def test_the_copys_product_is_the_whole_product() -> None:
    assert set(product(ROOT)) == set(PRODUCT)


def test_an_edit_changes_its_function_only_however_it_is_written() -> None:
    text = edited(SOURCE, Edit("Store.write", 'raw != self.read("name")', "False"))
    assert "if False:" in text
    text = edited(SOURCE, Edit("Store.write", "sync(raw)", "first()\nsecond()"))
    assert "            first()\n            second()\n" in text
    assert text.endswith("def write(raw):\n    sync(raw)")


@pytest.mark.parametrize(
    ("function", "find", "why"),
    [
        ("Store.write", "sync()", "nowhere"),
        ("Store.read", "sync(raw)", "nowhere"),
        ("Store.write", "raw", "store.py, .*store.py"),
    ],
)
def test_what_is_not_there_once_is_refused(
    tmp_path: Path, function: str, find: str, why: str
) -> None:
    (tmp_path / "store.py").write_text(SOURCE)
    with pytest.raises(NotFoundOnceError, match=why):
        find_file(Edit(function, find, "None"), [tmp_path / "store.py"])
