"""Who could change what lies at a path: its owner, its group, others, those above it.

Looks at every step from ``/`` on, through symbolic links, as the kernel would. Changes
nothing and reads no file. The one implementation: logins and ``doctor`` ask it about
the program (``services.nodes.health.isolation``), the shell about command packs before
it imports them (``shell.pack_place``).

The sticky bit of a folder protects the names that are there, not those to come. So a
folder with it may be open to all where its steps are walked by name, and may not where
names are looked up (Python's path, packages, ``PATH``) or where the next step is
missing: there a new name counts.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_LINKS = 40  # as in the kernel
MOST_LINKED = 10_000  # files and folders looked at because a link leads there
NULL_DEVICE = os.makedev(1, 3)  # /dev/null, to which people link what must be empty
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
        groups: the group ids that may have the right to write.
    """

    def __init__(self, owners: Iterable[int], groups: Iterable[int] = ()) -> None:
        self._owners = frozenset(owners)
        self._groups = frozenset(groups)
        self._seen: dict[str, str] = {}  # a step, and where its link leads
        self._folders: dict[str, str] = {}  # a folder that was walked, and the real one
        self._searched: set[str] = set()  # folders in which a new name counts
        self._listed: set[str] = set()  # folders whose content was looked at
        self._linked = 0  # files and folders that links have led to

    def weak_points(
        self, path: str, *, is_searched: bool = False
    ) -> Iterator[WeakPoint]:
        """Insecure components of an absolute path that were not reported earlier.

        Args:
            path: a step of it that is not there ends it: who may make that step is
                looked at.
            is_searched: names are looked up in what lies there, if it is a folder.
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
                    yield from self._new_names(at)
                    return
                except OSError as problem:
                    if problem.errno == errno.ENAMETOOLONG:
                        return  # no such name can ever be there
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
        if is_searched and not rest:
            yield from self._new_names(at)

    # One function: another call for each of thousands of files would be felt.
    def weak_points_below(  # noqa: C901, PLR0912
        self, folder: str
    ) -> Iterator[WeakPoint]:
        """Insecure components of an absolute path, and of all that lies below it.

        Names are looked up in each of these folders, and in those that links below
        them lead to. Looks at each once, with one call: thousands are below, and every
        login waits.
        """
        yield from self.weak_points(folder, is_searched=True)
        top = os.path.realpath(folder)
        pending = [(top, False)]
        while pending:
            inner, is_linked = pending.pop()
            if inner in self._listed:
                continue
            self._listed.add(inner)
            self._folders[inner] = inner
            try:
                entries = [*os.scandir(inner)]
            except OSError:
                continue  # the walk to it has said why
            self._linked += len(entries) if is_linked else 0
            if self._linked > MOST_LINKED:
                why = f"leads, by a link, to more than {MOST_LINKED} files"
                yield WeakPoint(folder, why, ("find", folder, "-type", "l"))
                return
            for entry in entries:
                try:
                    found = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # a compiler put it in place just now
                    continue
                except OSError:  # the folder can be listed only
                    yield from self.weak_points(entry.path)
                    continue
                mode = found.st_mode
                if stat.S_ISLNK(mode):
                    yield from self.weak_points(entry.path, is_searched=True)
                    leads = os.path.realpath(entry.path)
                    if not leads.startswith(f"{top}/"):
                        pending.append((leads, True))
                    continue
                if stat.S_ISDIR(mode):
                    pending.append((entry.path, is_linked))
                if entry.path not in self._seen:
                    self._seen[entry.path] = ""
                    if found.st_uid not in self._owners or mode & WRITABLE:
                        yield from self._faults(entry.path, found)
                if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:
                    yield from self._new_names(entry.path)

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
        if not is_open_for_all and not stat.S_ISLNK(mode):
            yield from self._writers(step, found)

    def _new_names(self, folder: str) -> Iterator[WeakPoint]:
        """Whether somebody could put a new name into a real folder, walked before."""
        if folder in self._searched:
            return
        self._searched.add(folder)
        try:
            found = os.lstat(folder)
        except OSError:
            return  # the walk to it has said why
        if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
            yield from self._writers(folder, found)

    def _writers(self, step: str, found: os.stat_result) -> Iterator[WeakPoint]:
        mode = found.st_mode
        if stat.S_ISCHR(mode) and found.st_rdev == NULL_DEVICE:
            return  # it holds nothing, whoever writes; the machine needs it writable
        is_group = mode & stat.S_IWGRP and found.st_gid not in self._groups
        if is_group or mode & stat.S_IWOTH:
            who = "others" if mode & stat.S_IWOTH else f"group id {found.st_gid}"
            yield WeakPoint(step, f"can be changed by {who}", ("chmod", "go-w", step))
