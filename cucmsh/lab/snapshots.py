"""A lab's directory kept under a name, and put back: keys, lists, state, phones' flash.

Whoever calls this sees to it that nobody writes meanwhile. Files are put back in place,
folders stay the same ones, so that whoever waits for a lock on one goes on to do so. A
file of the same size and time is left as it is.

Left out: what belongs to the running lab (its lock, sockets, line of JSON) and the
snapshots themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cucmsh.errors import MissingFileError, StoreError, UsageError
from cucmsh.layout import LAB_FILE, LAB_LOCK, LAB_SNAPSHOT_STATE, LAB_SNAPSHOTS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LEFT_OUT = frozenset({LAB_FILE, LAB_LOCK, LAB_SNAPSHOTS})
_FILES = "files"
_NEW = ".new"
_OLD = ".old"


class Snapshots:
    """Those of the lab in one directory.

    Args:
        root: the lab's directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / LAB_SNAPSHOTS

    def names(self) -> list[str]:
        """Sorted."""
        try:
            found = os.listdir(self._folder)
        except FileNotFoundError:
            return []
        names = {name.removeprefix(f"{_OLD}-") for name in found}
        return sorted(name for name in names if _NAME.fullmatch(name))

    def save(self, name: str, state: Mapping[str, object]) -> None:
        """Keep the directory as it is now; one of that name is replaced.

        Args:
            name: letters, digits, dots, dashes.
            state: what ran, for ``state_of``.

        Raises:
            UsageError: that is no name.
            StoreError: it cannot be written; an earlier one is still there.
        """
        kept = self.place(name)
        new = self._folder / f"{_NEW}-{name}"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(new, ignore_errors=True)
            new.mkdir(mode=0o700)
            mirror(self._root, new / _FILES, _LEFT_OUT)
            (new / LAB_SNAPSHOT_STATE).write_text(json.dumps(state))
            self._exchange(new, kept)
        except OSError as problem:
            shutil.rmtree(new, ignore_errors=True)
            raise StoreError(
                f"the snapshot {name} cannot be written: {problem.strerror}"
            ) from problem

    def state_of(self, name: str) -> dict[str, Any]:
        """What ran then.

        Raises:
            MissingFileError: there is no such snapshot.
            StoreError: it is damaged.
        """
        place = self.place(name)
        if name not in self.names():
            known = ", ".join(self.names()) or "none"
            raise MissingFileError(
                f"there is no snapshot {name}", f"There are: {known}."
            )
        try:
            read = json.loads((place / LAB_SNAPSHOT_STATE).read_text())
        except (OSError, ValueError) as problem:
            raise StoreError(f"the snapshot {name} is damaged") from problem
        return dict(read)

    def put_back(self, name: str) -> None:
        """Make the directory what it was.

        Raises:
            StoreError: not all of it could be written; running it again goes on.
        """
        try:
            mirror(self.place(name) / _FILES, self._root, _LEFT_OUT)
        except OSError as problem:
            raise StoreError(
                f"the snapshot {name} was put back in part: {problem.strerror}",
                "Run it again.",
            ) from problem

    def _exchange(self, new: Path, kept: Path) -> None:
        """Put a whole one in the place of another, which is there until then."""
        old = self._aside(kept)
        shutil.rmtree(old, ignore_errors=True)
        if kept.exists():
            kept.rename(old)
        try:
            new.rename(kept)
        except OSError:
            self._settle(kept)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _settle(self, kept: Path) -> None:
        """One that was moved aside, and nothing came in its place: bring it back."""
        old = self._aside(kept)
        if old.exists() and not kept.exists():
            with contextlib.suppress(OSError):
                old.rename(kept)

    def _aside(self, kept: Path) -> Path:
        return kept.with_name(f"{_OLD}-{kept.name}")

    def place(self, name: str) -> Path:
        """The folder of the one of that name.

        Raises:
            UsageError: that is no name.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} is no name of a snapshot",
                "Use letters, digits, dots and dashes.",
            )
        kept = self._folder / name
        self._settle(kept)  # whoever replaced it may have been killed
        return kept


def mirror(source: Path, target: Path, left_out: frozenset[str]) -> None:
    """Make ``target`` hold what ``source`` does, but for sockets and what is left out.

    Args:
        source: a folder.
        target: one that is made if it is not there.
        left_out: names in both that are neither brought nor removed.

    Raises:
        OSError: not all of it could be written.
    """
    target.mkdir(mode=0o700, exist_ok=True)
    with os.scandir(source) as entries:
        wanted = {each.name: each for each in entries if each.name not in left_out}
    with os.scandir(target) as entries:
        there = {each.name: each for each in entries if each.name not in left_out}
    for name, found in there.items():
        if name not in wanted and not _is_special(found):
            _remove(found)
    for name, entry in wanted.items():
        place = target / name
        other = there.get(name)
        if _is_special(entry):
            continue
        if other is not None and _kind(other) != _kind(entry):
            _remove(other)
            other = None
        if entry.is_dir(follow_symlinks=False):
            mirror(Path(entry.path), place, frozenset())
            shutil.copystat(entry.path, place)
        elif other is None or not _is_same(entry, other):
            _bring(entry, place)


def _bring(entry: os.DirEntry[str], place: Path) -> None:
    half = place.with_name(f"{place.name[:200]}{_NEW}")
    half.unlink(missing_ok=True)
    shutil.copy2(entry.path, half, follow_symlinks=False)
    half.replace(place)


def _is_same(one: os.DirEntry[str], other: os.DirEntry[str]) -> bool:
    first, second = (each.stat(follow_symlinks=False) for each in (one, other))
    return (first.st_size, first.st_mtime_ns, first.st_mode) == (
        second.st_size,
        second.st_mtime_ns,
        second.st_mode,
    )


def _kind(entry: os.DirEntry[str]) -> int:
    return stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)


def _is_special(entry: os.DirEntry[str]) -> bool:
    """A socket or a FIFO: it belongs to a process."""
    return _kind(entry) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)
