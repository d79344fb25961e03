"""What lies below a folder, and what only seems to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.storage.store import MAX_DEPTH
from cucmsh.storage.tree import Tree, tree_below


def test_files_of_all_folders_are_found_and_links_are_not_followed(
    tmp_path: Path,
) -> None:
    root = tmp_path / "root"
    for name in ("a/b/deep", "top", "a/ä b", ".hidden/file", ".dot", "a/.cucmsh-1.tmp"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    (root / "way").symlink_to(tmp_path / "outside")
    (root / "a" / "link").symlink_to("b/deep")
    os.mkfifo(root / "fifo")
    (root / "empty").mkdir()
    assert tree_below(str(root)) == Tree(
        ("a/b/deep", "a/ä b", "top"), ("a/link", "way"), ()
    )


def test_root_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").touch()
    (tmp_path / "root").symlink_to("real")
    assert tree_below(str(tmp_path / "root")).files == ("file",)


def test_missing_root_is_empty_and_a_file_is_an_error(tmp_path: Path) -> None:
    assert tree_below(str(tmp_path / "nowhere")) == Tree((), (), ())
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="Not a directory"):
        tree_below(str(tmp_path / "file"))


def test_folders_without_end_are_named(tmp_path: Path) -> None:
    deep = "/".join("d" * (MAX_DEPTH + 3))
    (tmp_path / deep).mkdir(parents=True)
    assert tree_below(str(tmp_path)).closed == ("/".join("d" * (MAX_DEPTH + 1)),)
    descriptors = os.listdir("/proc/self/fd")
    tree_below(str(tmp_path))
    assert len(os.listdir("/proc/self/fd")) == len(descriptors)
