"""The security password and all key files under it change as one.

They are several files, and a rename replaces one. So the new bytes of all are staged
first, then a note in ``state/`` says which files they are for: from then on the change
is made, and every reader here takes the staged bytes of a file (``read``). Afterwards
each file is put in its place, and the note goes last. A kill before the note decides
leaves the old state, one after it the new state; ``finish`` clears up either way, and
is called by the next change, TFTP start and login (docs/decisions/041).

Whoever writes here holds the node's lock.
"""

from __future__ import annotations

from collections.abc import Mapping

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.layout import REKEYING, REKEYING_FOLDER
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from cucmsh.storage.store import folder_of

DECIDED = "decided"  # names of the files, in the order of their numbers


def read(home: LocalStore, name: str) -> bytes:
    """The bytes of a file that a change of the security password may be replacing.

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
    return staged if last in home.names(REKEYING_FOLDER) else name


def is_open(home: LocalStore) -> bool:
    """Whether a change was begun and is not finished. Reads one file."""
    return bool(recall(home, REKEYING))


def replace(site: Site, files: Mapping[str, bytes]) -> None:
    """Give each file its new bytes: all of them, or none.

    Args:
        site: the node; its lock is held.
        files: the bytes by name.

    Raises:
        StoreError: nothing was changed; or all was, and the next ``finish`` clears up:
            the message says so.
    """
    home = site.home
    finish(site)
    try:
        remember(home, REKEYING, {DECIDED: []})
        for number, raw in enumerate(files.values()):
            home.write(_staged(number), raw)
        remember(home, REKEYING, {DECIDED: list(files)})
    except StoreError:
        if not _decided(home):
            finish(site)
            raise
    try:
        finish(site)
    except StoreError as problem:
        raise StoreError(
            f"The new password holds, and not every file is in its place yet: "
            f"{problem.message}",
            "The next login, or the next start of Cisco Tftp, goes on with it.",
        ) from problem


def finish(site: Site) -> None:
    """Put what was decided in place; take away what was not. Does nothing mostly."""
    home = site.home
    if not is_open(home):
        return
    for number, name in enumerate(_decided(home)):
        try:
            home.write(name, home.read(_staged(number)))
        except MissingFileError:
            continue  # an earlier call did it
        home.remove(_staged(number))
    for folder in {REKEYING_FOLDER, *map(folder_of, _decided(home))}:
        home.sweep(folder)  # of what a kill left, some hold the password
    for left in home.names(REKEYING_FOLDER):
        home.remove(f"{REKEYING_FOLDER}/{left}")
    forget(home, REKEYING)


def finish_alone(site: Site) -> None:
    """``finish`` for who does not hold the node's lock, where there is a need.

    Raises:
        BusyError: somebody else is writing for half a minute.
        StoreError: a full disk, for instance.
    """
    if is_open(site.home):
        with site.node_lock("a change of the security password"):
            finish(site)


def _decided(home: LocalStore) -> list[str]:
    names = recall(home, REKEYING).get(DECIDED)
    return [str(name) for name in names] if isinstance(names, list) else []


def _staged(number: int) -> str:
    return f"{REKEYING_FOLDER}/{number}"
