"""``init --again``: moves the node that is there aside, and deletes nothing of it.

Keys, SSH key and state go to ``HOME/earlier/N`` by renames, with a copy of the
configuration; ``log`` and the TFTP directory stay, so that phones are served what they
were until the new node composes. A mark says where to and how far it came: an
interrupted call is finished by running it again. Takes the locks of the node, so that
no list is composed and no file signed in between.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import NamedTuple

from cucmsh.config.settings import read_settings
from cucmsh.errors import ConfigurationError, MissingFileError, RefusedError
from cucmsh.layout import (
    EARLIER,
    IDENTITY_FOLDER,
    INIT_AGAIN,
    LOCK_SUFFIX,
    SECURITY_FOLDER,
    STATE_FOLDER,
)
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.site import Site
from cucmsh.storage import folders

WHOLE = (SECURITY_FOLDER, IDENTITY_FOLDER)  # folders that are moved as they are
MOVING, MAKING = "moving", "making"


class Mark(NamedTuple):
    """An unfinished ``init --again``.

    Attributes:
        folder: where the earlier node goes, relative to the home.
        is_moving: whether it may not be there completely yet.
    """

    folder: str
    is_moving: bool


def read_mark(site: Site) -> Mark | None:
    """The mark, if there is one.

    Raises:
        RefusedError: it cannot be read as one.
    """
    try:
        words = site.home.read(INIT_AGAIN).decode(errors="replace").split()
    except MissingFileError:
        return None
    match words:
        case [("moving" | "making") as phase, number] if number.isdecimal():
            return Mark(f"{EARLIER}/{number}", phase == MOVING)
    raise RefusedError(
        f"{site.settings.home}/{INIT_AGAIN} is unreadable",
        f"Look at {site.settings.home}/{EARLIER}, and remove the file.",
    )


def refuse_unfinished(mark: Mark | None) -> None:
    """Refuse a plain init over an interrupted ``--again``."""
    if mark:
        raise RefusedError(
            "an `init --again` was interrupted here; nothing was made",
            "Run it again, with --again, to finish it.",
        )


def plan(site: Site, mark: Mark | None) -> str:
    """The folder to which the present node is going to be moved, relative.

    Raises:
        RefusedError: there is no node; the configuration describes one in another
            home; the home belongs to another account.
    """
    home, path = site.settings.home, site.settings.path
    names = folders.entries(home)
    if names is not None:
        folders.require_own(home)
    folders.require_place(home)
    folders.require_place(os.path.dirname(path))
    if mark:
        return mark.folder
    store, name = split_path(path)
    if not (names or set()).intersection(WHOLE) and folders.is_gone(path):
        raise RefusedError(
            f"there is no node in {home} that could be made anew; nothing was made",
            "Leave out --again, or name the node's --home and --config.",
        )
    if not folders.is_gone(path):
        _require_same_home(path, home)
        store.read(name)
    taken = folders.entries(os.path.join(home, EARLIER)) or set()
    numbers = [int(entry) for entry in taken if entry.isdecimal()]
    return f"{EARLIER}/{max(numbers, default=0) + 1}"


def move(site: Site, folder: str) -> None:
    """Move what was not moved yet; the caller holds the cluster's lock.

    Raises:
        BusyError: another process is changing this node.
        StoreError: something cannot be moved; run it again.
    """
    mark = read_mark(site)
    if mark and not mark.is_moving:
        return
    home = site.settings.home
    target = os.path.join(home, folder)
    with ExitStack() as locks:
        locks.enter_context(site.node_lock("cucmsh init"))
        if not folders.is_gone(os.path.join(home, SECURITY_FOLDER)):
            locks.enter_context(site.signing_lock())
        _write_mark(site, MOVING, folder)
        folders.make(os.path.join(home, EARLIER), 0o700)
        folders.make(target, 0o700)
        folders.make(os.path.join(target, STATE_FOLDER), 0o700)
        _copy_configuration(site, target)
        for name in WHOLE:
            folders.move(os.path.join(home, name), os.path.join(target, name))
        for name in sorted(folders.entries(os.path.join(home, STATE_FOLDER)) or ()):
            # Who holds a lock stays here, as the locked folder does.
            if name.endswith(LOCK_SUFFIX) or name == os.path.basename(INIT_AGAIN):
                continue
            inside = os.path.join(STATE_FOLDER, name)
            folders.move(os.path.join(home, inside), os.path.join(target, inside))
        _write_mark(site, MAKING, folder)


def finish(site: Site) -> None:
    """Remove the mark: the new node is whole."""
    site.home.remove(INIT_AGAIN)


def _write_mark(site: Site, phase: str, folder: str) -> None:
    site.home.write(INIT_AGAIN, f"{phase} {os.path.basename(folder)}\n".encode())


def _copy_configuration(site: Site, target: str) -> None:
    """Copy the configuration, once: it is replaced when the new node is whole."""
    store, name = split_path(site.settings.path)
    there, _ = split_path(os.path.join(target, name))
    try:
        raw = store.read(name)
    except MissingFileError:
        return
    there.write(name, raw)


def _require_same_home(path: str, home: str) -> None:
    try:
        present = read_settings(path).home
    except ConfigurationError:
        return  # a broken configuration may be why the node is made anew
    if os.path.realpath(present) != os.path.realpath(home):
        raise RefusedError(
            f"{path} describes the node in {present}; nothing was made",
            f"Give --home {present}, or another file with --config.",
        )
