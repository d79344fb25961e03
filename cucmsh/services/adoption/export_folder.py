"""The folder that an export fills: empty or new, its owner's alone, all or nothing.

What is written into it are private keys. So the folder is 0700 before the first of them
is made, each file is 0600 from its first byte (``LocalStore.write``, whose temporary
files lie beside what they become), and nobody but root and this account can put
something else in the folder's place. An error takes everything away again; a killed
export leaves what it wrote, readable by its owner, and no ``README.txt``, which is
written last.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cucmsh.errors import CucmshError, HalfDoneError, RefusedError, StoreError
from cucmsh.ownership import Trail
from cucmsh.services.site import Site
from cucmsh.storage import folders
from cucmsh.storage.local import LocalStore

FOLDER_MODE = 0o700
ROOT = 0


def require_free(site: Site, folder: str) -> None:
    """Refuse a folder that must not get keys, or cannot. Changes nothing.

    Args:
        site: this node.
        folder: an absolute path.

    Raises:
        StoreError: it cannot be made or written to, or something else is there.
        RefusedError: it is not empty, is another account's, lies in the node's home or
            in the TFTP directory, or somebody else could put another in its place.
    """
    above = os.path.dirname(folder)
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        if folders.entries(above) is None:
            raise StoreError(
                f"{above} is not there", "Make it, or name another folder."
            ) from None
        folders.require_place(folder)
    except OSError as problem:
        raise StoreError(f"{folder}: {problem.strerror}") from problem
    else:
        _require_empty(folder, found)
    _require_outside(site, folder)
    real = os.path.realpath(above)
    trail = Trail({ROOT, os.geteuid()}, {os.getegid()})
    for weak in trail.weak_points(real):
        raise RefusedError(
            f"keys in {folder} would not be safe: {weak.path} {weak.why}",
            f"Name another folder, or mend it: {' '.join(weak.mend)}",
        )


def _require_empty(folder: str, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        what = "a symbolic link" if stat.S_ISLNK(found.st_mode) else "no folder"
        raise StoreError(
            f"{folder} is {what}",
            "Name a folder that is new or empty; nothing is written through a link.",
        )
    folders.require_own(folder)
    try:
        names = os.listdir(folder)
    except OSError as problem:
        raise StoreError(f"{folder}: {problem.strerror}") from problem
    if names:
        raise RefusedError(
            f"{folder} is not empty",
            "Name a folder that is new or empty. One without README.txt in it is of an "
            "export that broke off: remove it, for there are keys in it.",
        )


def _require_outside(site: Site, folder: str) -> None:
    """Refuse a place that TFTP serves, or that ``init --again`` moves away."""
    kept_out = {site.settings.home: "the home of this node"}
    if site.node.has_tftp:
        kept_out[site.node.tftp_directory] = "the TFTP directory"
    known = []
    for path, what in kept_out.items():
        with suppress(OSError):  # one that is not there holds nothing
            known.append((os.stat(path), what))
    at = os.path.realpath(folder)
    while True:
        with suppress(OSError):
            here = os.stat(at)
            for there, what in known:
                if os.path.samestat(here, there):
                    raise RefusedError(
                        f"{folder} lies in {what}, where no exported key may be",
                        "Name a folder elsewhere, such as one in your own home.",
                    )
        if at == "/":
            return
        at = os.path.dirname(at)


@contextmanager
def private_folder(folder: str) -> Iterator[LocalStore]:
    """Make the folder, or take an empty one, and have the body fill it.

    Args:
        folder: what ``require_free`` let pass.

    Raises:
        StoreError: it cannot be made.
        HalfDoneError: the body failed, and what it wrote cannot all be removed.
    """
    is_new = _make(folder)
    try:
        yield LocalStore(folder)
    except BaseException as problem:  # Ctrl-C, too: keys must not stay there
        _empty(folder, is_new=is_new)
        if isinstance(problem, CucmshError) and not _is_empty(folder):
            raise HalfDoneError(
                f"{problem.message}; what was written to {folder} cannot be removed",
                f"There are keys in it: remove it with `rm -r {folder}`.",
            ) from problem
        raise


def _make(folder: str) -> bool:
    """Whether it was made; one that is there is narrowed."""
    try:
        os.mkdir(folder, FOLDER_MODE)
    except FileExistsError:
        _require_empty(folder, os.lstat(folder))
        folders.narrow(folder, FOLDER_MODE)
        return False
    except OSError as problem:
        raise StoreError(f"{folder}: {problem.strerror}") from problem
    with suppress(OSError):  # it is there, or the export is made again
        folders.sync_folder(os.path.dirname(folder))
    return True


def _empty(folder: str, *, is_new: bool) -> None:
    """Remove what is in it, as far as it can be removed; follows no link."""
    with suppress(OSError):
        for entry in [*os.scandir(folder)]:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                with suppress(OSError):
                    os.unlink(entry.path)
        if is_new:
            os.rmdir(folder)


def _is_empty(folder: str) -> bool:
    try:
        return not os.listdir(folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
