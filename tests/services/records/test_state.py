"""Small facts: kept, given out, and read anew."""

from __future__ import annotations

from pathlib import Path

from cucmsh.layout import facts_file
from cucmsh.services.records.state import recall, remember
from cucmsh.storage.local import LocalStore

NAME = "facts"


def test_facts_that_were_changed_are_read_anew(tmp_path: Path) -> None:
    home = LocalStore(str(tmp_path))
    for number in range(3):
        remember(home, NAME, {"number": number})
        assert recall(home, NAME) == {"number": number}


def test_what_a_caller_does_to_its_facts_is_nobody_elses(tmp_path: Path) -> None:
    home = LocalStore(str(tmp_path))
    remember(home, NAME, {"names": ["one"]})
    given = recall(home, NAME)
    names = given["names"]
    assert isinstance(names, list)
    names.append("two")
    given["more"] = "three"
    assert recall(home, NAME) == {"names": ["one"]}


def test_nor_is_what_it_does_to_a_table_inside(tmp_path: Path) -> None:
    home = LocalStore(str(tmp_path))
    home.write(facts_file(NAME), b"[ids]\none = ['a']\n")
    inside = recall(home, NAME)["ids"]
    assert isinstance(inside, dict)
    inside["one"].append("b")
    inside["two"] = []
    assert recall(home, NAME) == {"ids": {"one": ["a"]}}


def test_broken_facts_are_none(tmp_path: Path) -> None:
    home = LocalStore(str(tmp_path))
    remember(home, NAME, {"number": 1})
    path = next(path for path in tmp_path.rglob("*") if path.is_file())
    path.write_bytes(b"number = \xff")
    assert recall(home, NAME) == {}
    path.unlink()
    assert recall(home, NAME) == {}
