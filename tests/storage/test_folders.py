"""What is there, what is not, and what cannot be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.storage.folders import is_gone, move


def test_only_what_is_surely_not_there_is_gone(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_bytes(b"")
    assert is_gone(str(tmp_path / "none"))
    assert is_gone(str(tmp_path / "none" / "none"))
    assert is_gone(str(tmp_path / "file" / "none"))
    assert not is_gone(str(tmp_path / "loop"))
    assert not is_gone(str(tmp_path / "loop" / "file"))
    assert not is_gone(str(tmp_path / ("n" * 300)))


def test_what_cannot_be_looked_at_does_not_count_as_moved_before(
    tmp_path: Path,
) -> None:
    move(str(tmp_path / "none"), str(tmp_path / "target"))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StoreError, match="cannot be moved"):
        move(str(tmp_path / "loop" / "file"), str(tmp_path / "target"))
