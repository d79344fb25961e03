"""Checks where a pack would be imported from, before any of its code runs.

A pack runs with all that the shell may do. So whoever could change it must be able to
change the shell itself already: root, and the owner of the installation. The account
that logs in is neither (docs/decisions/022). What counts is every step of the way
that Python takes, links and what they lead to included.
"""

from __future__ import annotations

import importlib.util
import os
import stat

from cucmsh.errors import PackError
from cucmsh.ownership import Trail

_MOST_FILES = 10_000  # of a pack
_STRANGER = "Remove the stranger from the path, or start with python -I."
_ROOT = 0


def require_beside(name: str, directory: str) -> None:
    """Refuse a package that does not lie in the directory; a missing one is let pass.

    Raises:
        PackError: it names where the package would come from.
    """
    top = name.partition(".")[0]
    folders = [os.path.realpath(folder) for folder in _folders_of(top)]
    wanted = os.path.join(os.path.realpath(directory), top)
    if folders and folders != [wanted]:
        shown = ", ".join(folders)
        raise PackError(
            f"The command pack '{name}' would come from {shown}, not from {wanted}.",
            _STRANGER,
        )


def require_trusted(name: str, ours: str) -> None:
    """Refuse a package that others than those may change who may change `ours`.

    A pack of this very program (that of the lab) is let pass: its package is imported
    already, and whoever may change it has changed the shell.

    Raises:
        PackError: it names the place and who else may write to it; or the package
            would come from the working directory, or holds what cannot be looked at.
    """
    if name.partition(".")[0] == __name__.partition(".")[0]:
        return
    trail = _trail_of(ours)
    if trail is None:
        return
    for folder in _folders_of(name.partition(".")[0]):
        place = os.path.dirname(os.path.realpath(folder))
        if place == _working_directory() != os.path.dirname(os.path.realpath(ours)):
            raise PackError(
                f"The command pack '{name}' would come from the working directory "
                f"({folder}), and is not loaded.",
                _STRANGER,
            )
        _require_readable(name, folder)
        # Whoever may put a new name beside it may take its name away from it, or put
        # a module of its own before one that it imports.
        beside = trail.weak_points(os.path.dirname(folder), is_searched=True)
        for weak in (*beside, *trail.weak_points_below(folder)):
            raise PackError(
                f"The command pack '{name}' is not loaded: {weak.path} {weak.why}",
                "Install it where only root may write, as cucmsh itself.",
            )


def _folders_of(top: str) -> list[str]:
    """The places of a top-level package or module, without importing it.

    As Python finds them: links are not resolved. Of a namespace package all, of a
    module its file; none if there is none, which the import that follows says.
    """
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None and spec.origin is None:
        return [os.path.abspath(each) for each in spec.submodule_search_locations]
    origin = os.path.abspath(spec.origin or "")
    if os.path.basename(origin) == "__init__.py":
        return [os.path.dirname(origin)]
    return [origin] if os.path.exists(origin) else []  # or built in


def _require_readable(name: str, folder: str) -> None:
    """Refuse what Python could not look at either, and what is endless.

    A link that leads nowhere may lead somewhere when the pack is imported.
    """
    count = 0
    for root, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        if count > _MOST_FILES:
            raise PackError(
                f"The command pack '{name}' is not loaded: {folder} holds more than "
                f"{_MOST_FILES} files"
            )
        for each in (*folders, *files):
            path = os.path.join(root, each)
            try:
                os.stat(path)
            except OSError as problem:
                raise PackError(
                    f"The command pack '{name}' is not loaded: {path} cannot be "
                    f"looked at: {problem.strerror}",
                    "Remove it; an editor that has the file open leaves such a link.",
                ) from problem


def _trail_of(ours: str) -> Trail | None:
    """Something that lets pass whoever may change what lies there already.

    None if everybody may.
    """
    owners, groups = {_ROOT}, set()
    at = os.path.realpath(ours)
    while True:
        seen = os.stat(at)
        owners.add(seen.st_uid)
        is_shared = stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX
        if seen.st_mode & stat.S_IWOTH and not is_shared:
            return None
        if seen.st_mode & stat.S_IWGRP and not is_shared:
            groups.add(seen.st_gid)
        if at == os.path.dirname(at):
            return Trail(owners, groups)
        at = os.path.dirname(at)


def _working_directory() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was removed
        return ""
