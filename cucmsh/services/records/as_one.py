"""Several files of a node that change as one: all of them, or none.

A rename replaces one file. So the new bytes of all are staged first, then a note in
``state/`` says which files they are for: from then on the change is made, and every
reader here takes the staged bytes of a file (``read``). Afterwards each file is put in
its place, and the note goes last. A kill before the note decides leaves the old state,
one after it the new state; ``finish`` clears up either way (docs/decisions/041). Who
takes the node's lock has it done first (``Site.node_lock``).

The security password changes so, with the key files under it, and what a restore
brings, with the phones' files: see ``finish_restore``.

Whoever writes here holds the node's lock.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple, Protocol

from cucmsh.config.settings import Settings
from cucmsh.errors import MissingFileError, StoreError
from cucmsh.layout import (
    LAB_CONFIGURATION,
    NEXT,
    NEXT_FOLDER,
    RESTORE_KEPT,
    RESTORE_STAGING,
)
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import advice_for, folder_of

CONFIGURATION = LAB_CONFIGURATION  # the node's own, whatever it is called here
DECIDED = "decided"  # names of the files, in the order of their numbers
MODES = "modes"  # of these files
RESTORE = "restore"  # the label of the set, if it is a restore
KEPT = "kept"  # where phones' files go that it replaces
MODE = 0o600


class Node(Protocol):
    """What a change needs of a ``Site``, which itself calls ``finish``."""

    @property
    def home(self) -> LocalStore: ...

    @property
    def configuration(self) -> LocalStore: ...

    @property
    def tftp(self) -> LocalStore: ...

    @property
    def settings(self) -> Settings: ...

    def node_lock(self, what: str) -> AbstractContextManager[None]: ...

    def ids_lock(self) -> AbstractContextManager[None]: ...


class Restore(NamedTuple):
    """That the change is a restore, which has unpacked the phones' files.

    Attributes:
        label: of the set.
        kept: if phones' files were unpacked: the folder, below the home, where the
            copies of those that they replace go; they lie in ``RESTORE_KEPT``.
    """

    label: str
    kept: str = ""


def read(home: LocalStore, name: str) -> bytes:
    """The bytes of a file that such a change may be replacing.

    Raises:
        MissingFileError: it is not there.
        StoreError: it cannot be read.
    """
    try:
        return home.read(current_name(home, name))
    except MissingFileError:
        return home.read(name)  # it was put in place just now


def current_name(home: LocalStore, name: str) -> str:
    """Where the bytes that hold for the file of that name lie now.

    Where that is no more a moment later, they lie under the name itself.
    """
    decided = _decided(home)
    if name not in decided:
        return name
    staged = _staged(decided.index(name))
    last = staged.rpartition("/")[2]
    return staged if last in home.names(NEXT_FOLDER) else name


def is_open(home: LocalStore) -> bool:
    """Whether a change was begun and is not finished. Reads one file."""
    return bool(recall(home, NEXT))


def replace(
    site: Node,
    files: Mapping[str, bytes],
    modes: Mapping[str, int] | None = None,
    restore: Restore | None = None,
) -> None:
    """Give each file its new bytes: all of them, or none.

    Args:
        site: the node; its lock is held.
        files: the bytes by name; ``CONFIGURATION`` is the node's configuration.
        modes: of those that are not 0600.
        restore: that it is one.

    Raises:
        StoreError: nothing was changed; or all was, and the next ``finish`` clears up:
            the message says so.
    """
    home = site.home
    finish(site)
    facts: dict[str, object] = {DECIDED: list(files)}
    if modes:
        facts[MODES] = [modes.get(name, MODE) for name in files]
    if restore:
        facts |= {RESTORE: restore.label, KEPT: restore.kept}
    try:
        remember(home, NEXT, {DECIDED: []})
        for number, raw in enumerate(files.values()):
            home.write(_staged(number), raw)
        remember(home, NEXT, facts)
    except StoreError:
        if recall(home, NEXT) != facts:
            finish(site)
            raise
    try:
        finish(site)
    except StoreError as problem:
        if restore:
            raise
        raise StoreError(
            f"The new password holds, and not every file is in its place yet: "
            f"{problem.message}",
            "The next login, or the next start of Cisco Tftp, goes on with it.",
        ) from problem


def finish(site: Node) -> None:
    """Put what was decided in place; take away what was not. Does nothing mostly."""
    facts = recall(site.home, NEXT)
    if not facts:
        return
    label = str(facts.get(RESTORE, ""))
    try:
        if kept := str(facts.get(KEPT, "")):
            _put_phone_files_in_place(site, kept)
        _put_in_place(site, facts)
        _clear(site.home)
    except StoreError as problem:
        if not label:
            raise
        raise StoreError(
            f"The restore of {label} was agreed to and is not finished: "
            f"{problem.message}",
            f"{problem.advice} The next command goes on with it.".strip(),
        ) from problem


def finish_alone(site: Node) -> None:
    """``finish`` for who does not hold the node's lock, where there is a need.

    Raises:
        BusyError: somebody else is writing for half a minute.
        StoreError: a full disk, for instance.
    """
    if is_open(site.home):
        with site.node_lock("the rest of a change"):
            finish(site)


def finish_restore(site: Node) -> bool:
    """Finish a restore that was killed, before this node answers anything.

    Gives whether there was one, whose configuration then is another.

    Raises:
        BusyError, StoreError: as ``finish_alone``.
    """
    if not recall(site.home, NEXT).get(RESTORE):
        return False
    finish_alone(site)
    return True


def _put_in_place(site: Node, facts: Mapping[str, object]) -> None:
    home, names, modes = site.home, _texts(facts), facts.get(MODES)
    modes = modes if isinstance(modes, list) else [MODE] * len(names)
    with site.ids_lock():  # some are names of other nodes
        for number, (name, mode) in enumerate(zip(names, modes, strict=True)):
            try:
                raw = home.read(_staged(number))
            except MissingFileError:
                continue  # an earlier call did it
            if name == CONFIGURATION:
                file = os.path.basename(site.settings.path)
                site.configuration.write(file, raw, int(mode))
            else:
                home.write(name, raw, int(mode))
            home.remove(_staged(number))
    for folder in map(folder_of, names):
        home.sweep(folder)  # of what a kill left, some hold the password


def _put_phone_files_in_place(site: Node, kept: str) -> None:
    from cucmsh.storage import unpack  # noqa: PLC0415 - tarfile, for restores alone

    source, target = (os.path.join(site.home.root, at) for at in (RESTORE_KEPT, kept))
    try:
        with suppress(FileNotFoundError):  # none was replaced, or it was done
            os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
            os.rename(source, target)
    except OSError as problem:
        raise StoreError(
            f"{target}: {problem.strerror}", advice_for(problem.errno)
        ) from problem
    staging = os.path.join(site.tftp.root, RESTORE_STAGING)
    if os.path.isdir(staging):
        unpack.place(staging, site.tftp.root)  # which syncs the folder above, too
        unpack.remove(staging)


def _clear(home: LocalStore) -> None:
    home.sweep(NEXT_FOLDER)
    for left in home.names(NEXT_FOLDER):
        home.remove(f"{NEXT_FOLDER}/{left}")
    forget(home, NEXT)


def _decided(home: LocalStore) -> list[str]:
    return _texts(recall(home, NEXT))


def _texts(facts: Mapping[str, object]) -> list[str]:
    names = facts.get(DECIDED)
    return [str(name) for name in names] if isinstance(names, list) else []


def _staged(number: int) -> str:
    return f"{NEXT_FOLDER}/{number}"
