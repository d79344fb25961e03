"""A draft of a folder: what is written stays in memory, what is read is the disk's."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.storage.draft import DraftStore
from cucmsh.storage.local import LocalStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    store = LocalStore(str(tmp_path))
    store.write("a", b"1")
    store.write("in/b", b"2")
    return tmp_path


def on_disk(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_written_is_read_back_and_is_not_on_the_disk(folder: Path) -> None:
    draft = DraftStore(str(folder))
    draft.write("a", b"new")
    draft.write("in/c", b"3")
    draft.write("far/in/d", b"4")
    temporary = draft.stage("e", b"5")
    assert draft.names() == ["a"]
    draft.commit(temporary, "e")
    draft.discard(draft.stage("f", b"6"))
    draft.remove("in/b")
    draft.append("log", "a line")
    assert (draft.read("a"), draft.read("in/c")) == (b"new", b"3")
    assert draft.names() == ["a", "e"]
    assert draft.names("in") == ["c"]
    assert draft.folders() == ["far", "in"]
    assert draft.folders("far") == ["in"]
    assert draft.listing("in")["c"].size == 1
    with pytest.raises(MissingFileError):
        draft.read("in/b")
    draft.write("in/b", b"again")
    assert draft.read("in/b") == b"again"
    assert on_disk(folder) == {"a": b"1", "in/b": b"2"}


def test_a_copy_goes_on_alone(folder: Path) -> None:
    draft = DraftStore(str(folder))
    draft.write("a", b"new")
    other = draft.copy()
    other.write("a", b"newer")
    assert (draft.read("a"), other.read("a")) == (b"new", b"newer")


def test_it_refuses_what_a_store_refuses(folder: Path) -> None:
    draft = DraftStore(str(folder))
    with pytest.raises(StoreError):
        draft.write("../a", b"")
    with pytest.raises(StoreError):
        draft.write("a", bytes((1 << 20) + 1))


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    draft = DraftStore(str(tmp_path / "none"))
    assert (draft.names(), draft.folders()) == ([], [])
    draft.write("a/b", b"1")
    assert (draft.names("a"), draft.folders()) == (["b"], ["a"])
    assert not (tmp_path / "none").exists()
