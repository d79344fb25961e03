"""What a tar may put into a folder, and how its files come into place."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from cucmsh.errors import StoreError
from cucmsh.storage import unpack


def packed(*members: tuple[str, bytes | None]) -> io.BytesIO:
    """A tar with these files; None makes a link to /etc/passwd of one."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, content in members:
            about = tarfile.TarInfo(name)
            if content is None:
                about.type, about.linkname = tarfile.SYMTYPE, "/etc/passwd"
            about.size = len(content or b"")
            archive.addfile(about, io.BytesIO(content or b""))
    raw.seek(0)
    return raw


def placed(root: Path) -> int:
    """Put what was unpacked into place; gives how many files that were."""
    staged = str(root / ".staged")
    count = unpack.prepare(staged, str(root), f"{root}-kept")
    unpack.place(staged, str(root))
    return count


def test_files_come_into_place_and_what_differs_is_kept(tmp_path: Path) -> None:
    (tmp_path / "same").write_bytes(b"1")
    (tmp_path / "other").write_bytes(b"2")
    stream = packed(("same", b"1"), ("other", b"3"), ("a/b/new", b"4" * 600_000))
    assert unpack.unpack(stream, str(tmp_path / ".staged"), 0o644) == 3
    assert placed(tmp_path) == 2
    kept = Path(f"{tmp_path}-kept")
    assert os.listdir(kept) == ["other"]
    assert (kept / "other").read_bytes() == b"2"
    assert (tmp_path / "a/b/new").read_bytes() == b"4" * 600_000
    assert (tmp_path / "a/b/new").stat().st_mode & 0o777 == 0o644
    unpack.remove(str(tmp_path / ".staged"))
    assert sorted(os.listdir(tmp_path)) == ["a", "other", "same"]


@pytest.mark.parametrize(
    "name",
    [
        "/etc/x",
        "../x",
        "a/../../x",
        ".hidden",
        ".cucmsh-x/y",
        "a//b",
        "a\nb",
        "a/" * 20,
    ],
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError):
        unpack.unpack(packed((name, b"x")), str(tmp_path / ".staged"), 0o644)
    assert os.listdir(tmp_path) == [".staged"]


def test_what_is_in_the_way_is_seen_before_anything_changes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "z").mkdir()
    for name in ("a/inside", "z"):
        stream = packed(("0", b"0"), (name, b"2"))
        unpack.unpack(stream, str(tmp_path / ".staged"), 0o644)
        with pytest.raises(StoreError, match=r"no folder|no regular file"):
            placed(tmp_path)
        assert not (tmp_path / "0").exists()


def test_links_are_refused_in_the_tar_and_in_the_way(tmp_path: Path) -> None:
    staged = str(tmp_path / ".staged")
    with pytest.raises(StoreError, match="no file that may be restored"):
        unpack.unpack(packed(("x", None)), staged, 0o644)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "folder").symlink_to(elsewhere)
    (root / "file").symlink_to(elsewhere / "file")
    for name in ("folder/x", "file"):
        unpack.unpack(packed((name, b"x")), str(root / ".staged"), 0o644)
        with pytest.raises(StoreError):
            placed(root)
    assert not list(elsewhere.iterdir())


def test_what_is_no_tar_is_refused(tmp_path: Path) -> None:
    cut = io.BytesIO(packed(("x", b"x" * 5000)).getvalue()[:2000])
    for stream in (io.BytesIO(b"no tar" * 200), cut):
        with pytest.raises(StoreError):
            unpack.unpack(stream, str(tmp_path / ".staged"), 0o644)
