"""The places that ``file`` commands know, ``tftp`` and ``activelog``. Changes nothing.

``ITLRecovery.p12`` is called ``tftp/ITLRecovery.p12`` in the CLI and lives outside the
directory that TFTP serves (docs/decisions/018). ``activelog`` is the folder of the
node's own logs. No other place of the disk is read.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from cucmsh.errors import MissingFileError, RefusedError, UsageError
from cucmsh.layout import LOG_FOLDER, RECOVERY_FILE, RECOVERY_NAME
from cucmsh.services.lists.secret_files import secrets_of, why_kept
from cucmsh.services.records import as_one
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore, OpenFile
from cucmsh.storage.store import MAX_DEPTH
from cucmsh.storage.tree import tree_below

WILD = frozenset("*?[")
TFTP, ACTIVELOG = "tftp", "activelog"


class Listing(NamedTuple):
    """The sorted names in one folder, without the path of the folder."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


class Area(Protocol):
    """One of the places, on one node.

    Attributes:
        name: how it is typed.
    """

    name: str

    def entries(self, folder: str) -> Listing:
        """Everything in a folder; the first one is empty."""

    def paths(self) -> list[str]:
        """Every file by its path, hidden ones left out; for completion."""

    def opened(self, path: str) -> AbstractContextManager[OpenFile]:
        """One regular file that is there.

        Raises:
            RefusedError: it is a private key under another name.
        """

    def place(self, path: str) -> tuple[LocalStore, str]:
        """The store that a file lies in, and its name there."""

    def where_else(self, path: str, /) -> str:
        """What to do where nothing of that name is there."""


def area_of(site: Site, name: str) -> Area:
    """The place of that name."""
    return _Logs(site) if name == ACTIVELOG else _TftpDirectory(site)


def open_in(area: Area, path: str) -> AbstractContextManager[OpenFile]:
    """One regular file, of any size; folders and links are not opened.

    Raises:
        MissingFileError: it is not there; on a subscriber, the key file never is.
        RefusedError: it is a private key under another name.
    """
    folder, _, name = path.rpartition("/")
    if name not in area.entries(folder).files:
        raise not_found(area, path)
    return area.opened(path)


def not_found(area: Area, spec: str) -> MissingFileError:
    """Nothing matches ``spec`` there."""
    return MissingFileError("File not found", area.where_else(spec))


def matching(area: Area, spec: str) -> tuple[str, Listing]:
    """The folder of ``spec`` and what matches in it; its last part may have wildcards.

    A path that names a folder stands for everything in it.

    Raises:
        UsageError: there are wildcards before the last part.
        StoreError: a folder cannot be read, or a link is on the way.
    """
    folder, _, pattern = spec.rpartition("/")
    if WILD & set(folder):
        raise UsageError(
            f"'*' and '?' may stand in the last part only, not in {folder}",
            "Name the folder in full.",
        )
    folders, files = area.entries(folder)
    if not WILD & set(pattern) and pattern in folders:
        folder = spec
        folders, files = area.entries(folder)
        pattern = "*"
    found = (
        tuple(sorted(fnmatch.filter(names, pattern))) for names in (folders, files)
    )
    return folder, Listing(*found)


def files_of(area: Area, spec: str, *, is_recursive: bool = False) -> list[str]:
    """The paths of the files that match ``spec``, and with it in folders below.

    Raises:
        UsageError, StoreError: see ``matching``.
    """
    folder, listing = matching(area, spec)
    found = [_joined(folder, name) for name in listing.files]
    if is_recursive:
        pattern = "*" if folder == spec else spec.rpartition("/")[2]
        found += _below(area, folder, pattern)
    return found


def _below(area: Area, folder: str, pattern: str) -> Iterator[str]:
    if folder.count("/") >= MAX_DEPTH:
        return
    for name in area.entries(folder).folders:
        inner = _joined(folder, name)
        for file in fnmatch.filter(area.entries(inner).files, pattern):
            yield _joined(inner, file)
        yield from _below(area, inner, pattern)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_climbing(folder: str) -> bool:
    return bool(folder) and any(part in ("", ".", "..") for part in folder.split("/"))


class _TftpDirectory:
    """What TFTP serves, and on a publisher the key file, which it does not."""

    name = TFTP

    def __init__(self, site: Site) -> None:
        self._site = site

    def entries(self, folder: str) -> Listing:
        site = self._site
        if _is_climbing(folder):
            return Listing((), ())
        folders: list[str] = []
        files: set[str] = set()
        if site.node.has_tftp:
            folders = site.tftp.folders(folder)
            files = set(site.tftp.names(folder))
        if not folder:
            files.discard(RECOVERY_NAME)  # a file planted there is not the key file
            if site.node.is_publisher:
                files.add(RECOVERY_NAME)
        return Listing(tuple(folders), tuple(sorted(files)))

    def paths(self) -> list[str]:
        site = self._site
        below = set(tree_below(site.tftp.root).files) if site.node.has_tftp else set()
        below.discard(RECOVERY_NAME)
        if site.node.is_publisher:
            below.add(RECOVERY_NAME)
        return sorted(below)

    def opened(self, path: str) -> AbstractContextManager[OpenFile]:
        site = self._site
        if path != RECOVERY_NAME:
            kept = why_kept(site, secrets_of(site), path)
            if kept:
                raise RefusedError(
                    f"{path} is neither shown nor sent: {kept}",
                    "It does not belong into the TFTP directory: move it out of there.",
                )
        store, name = self.place(path)
        return store.opened(name)

    def where_else(self, _path: str) -> str:
        return f"See `file list {TFTP} *`."

    def place(self, path: str) -> tuple[LocalStore, str]:
        if path == RECOVERY_NAME:
            home = self._site.home
            return home, as_one.current_name(home, RECOVERY_FILE)
        return self._site.tftp, path


class _Logs:
    """The node's own logs, and the folders among them: HOME/log."""

    name = ACTIVELOG

    def __init__(self, site: Site) -> None:
        self._home = site.home

    def entries(self, folder: str) -> Listing:
        if _is_climbing(folder):
            return Listing((), ())
        _, place = self.place(folder)
        place = place.rstrip("/")
        names = (self._home.folders(place), self._home.names(place))
        return Listing(*(tuple(each) for each in names))

    def paths(self) -> list[str]:
        return sorted(tree_below(f"{self._home.root}/{LOG_FOLDER}").files)

    def opened(self, path: str) -> AbstractContextManager[OpenFile]:
        store, name = self.place(path)
        return store.opened(name)

    def place(self, path: str) -> tuple[LocalStore, str]:
        return self._home, f"{LOG_FOLDER}/{path}"

    def where_else(self, path: str) -> str:
        folder = path.partition("/")[0]
        if "/" not in path or folder in self.entries("").folders:
            return f"See `file list {ACTIVELOG} *`."
        return (  # platform/log, cm/trace and such of the original
            f"There is no folder {folder} among the logs of this node: audit has what "
            "was typed, syslog/CiscoSyslog the alarms, errors what broke."
        )
