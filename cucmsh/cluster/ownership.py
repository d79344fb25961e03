"""Who could change what lies at a path: its owner, its group, others, those above it.

Looks at every step from ``/`` on, through symbolic links, as the kernel would. Changes
nothing and reads no file.
"""

from __future__ import annotations

import os
import stat

from cucmsh.shapes import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_LINKS = 40  # as in the kernel
WRITABLE = stat.S_IWGRP | stat.S_IWOTH


class WeakPoint(NamedTuple):
    """A step that somebody can change who should not, and what mends it."""

    path: str
    why: str
    mend: tuple[str, ...]


class Trail:
    """Looks at paths, at each step of them once.

    Args:
        owners: the user ids whose property a step may be. Whoever owns a thing can
            change it, whatever its mode says.
    """

    def __init__(self, owners: Iterable[int]) -> None:
        self._owners = frozenset(owners)
        self._seen: dict[str, str] = {}  # a step, and where its link leads
        self._folders: dict[str, str] = {}  # a folder that was walked, and the real one

    def weak_points(self, path: str) -> Iterator[WeakPoint]:
        """Those of an absolute path that were not given before.

        A step that is not there ends the path: who may make it was looked at. A folder
        with the sticky bit may be open to all, as each step in it has a right owner.
        """
        rest, at = self._beginning(path)
        head, links = os.path.dirname(path), 0
        while rest and links <= MAX_LINKS:
            part = rest.pop()
            if part in ("", ".", "..") and at != "/":
                at = os.path.dirname(at) if part == ".." else at
                continue
            if not rest:
                self._folders.setdefault(head, at)  # not where a last link leads to
            step = f"{at.rstrip('/')}/{part}" if part not in ("", ".", "..") else "/"
            if step not in self._seen:
                try:
                    found = os.lstat(step)
                    leads = os.readlink(step) if stat.S_ISLNK(found.st_mode) else ""
                except (FileNotFoundError, NotADirectoryError):
                    return
                except OSError as problem:
                    why = f"cannot be looked at: {problem.strerror}"
                    yield WeakPoint(step, why, ("ls", "-ld", os.path.dirname(step)))
                    return
                self._seen[step] = leads
                yield from self._faults(step, found)
            if leads := self._seen[step]:
                links += 1
                rest += leads.split("/")[::-1]
                at = "/" if leads.startswith("/") else at
            else:
                at = step

    def weak_points_below(self, folder: str) -> Iterator[WeakPoint]:
        """Those of an absolute path and of every file and folder below it.

        Looks at each once, with one call: thousands are below, and every login waits.
        """
        yield from self.weak_points(folder)
        pending = [os.path.realpath(folder)]
        while pending:
            inner = pending.pop()
            self._folders[inner] = inner
            try:
                entries = [*os.scandir(inner)]
            except OSError:
                continue  # the walk to it has said why
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # a compiler put it in place just now
                    continue
                except OSError:  # the folder can be listed only
                    yield from self.weak_points(entry.path)
                    continue
                if stat.S_ISLNK(found.st_mode):
                    yield from self.weak_points(entry.path)
                    continue
                if stat.S_ISDIR(found.st_mode):
                    pending.append(entry.path)
                if entry.path not in self._seen:
                    self._seen[entry.path] = ""
                    if found.st_uid not in self._owners or found.st_mode & WRITABLE:
                        yield from self._faults(entry.path, found)

    def _beginning(self, path: str) -> tuple[list[str], str]:
        """What is left to be walked, last step first, and where from.

        Most paths are of a folder that was walked before, and every login waits.
        """
        head, _, tail = path.rpartition("/")
        if tail and head in self._folders:
            return [tail], self._folders[head]
        return path.split("/")[::-1], "/"

    def _faults(self, step: str, found: os.stat_result) -> Iterator[WeakPoint]:
        if found.st_uid not in self._owners:
            why = f"belongs to user id {found.st_uid}"
            yield WeakPoint(step, why, ("chown", "-h", str(max(self._owners)), step))
        mode = found.st_mode
        is_open_for_all = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
        if mode & WRITABLE and not is_open_for_all and not stat.S_ISLNK(mode):
            who = "others" if mode & stat.S_IWOTH else f"group id {found.st_gid}"
            yield WeakPoint(step, f"can be changed by {who}", ("chmod", "go-w", step))
