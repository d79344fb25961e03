"""Where a pack would come from, looked at before a line of it runs. Imports none.

A pack runs with all that the shell may do. So whoever could change it must be able to
change the shell itself already: root, and the owner of the installation. The account
that logs in is neither (design.md decision 22).
"""

from __future__ import annotations

import importlib.util
import os
import stat

from cucmsh.errors import PackError

_MOST_FILES = 10_000  # of a pack
_STRANGER = "Remove the stranger from the path, or start with python -I."
_ANYONE = ("anyone", 0)

Writer = tuple[str, int]


def require_beside(name: str, directory: str) -> None:
    """Refuse a package that does not lie in the directory; a missing one is let pass.

    Raises:
        PackError: it names where the package would come from.
    """
    top = name.partition(".")[0]
    folders = _folders_of(top)
    wanted = os.path.join(os.path.realpath(directory), top)
    if folders is not None and folders != [wanted]:
        shown = ", ".join(folders)
        raise PackError(
            f"The command pack '{name}' would come from {shown}, not from {wanted}.",
            _STRANGER,
        )


def require_trusted(name: str, ours: str) -> None:
    """Refuse a package that others than those may change who may change `ours`.

    Raises:
        PackError: it names the place and who else may write to it; or the package
            would come from the working directory.
    """
    trusted = {("user", 0), *_writers(ours)}
    for folder in _folders_of(name.partition(".")[0]) or ():
        if os.path.dirname(folder) == _working_directory() != os.path.dirname(ours):
            raise PackError(
                f"The command pack '{name}' would come from the working directory "
                f"({folder}), and is not loaded.",
                _STRANGER,
            )
        for path in (folder, *_below(folder)):
            if others := _writers(path) - trusted:
                raise PackError(
                    f"The command pack '{name}' is not loaded: {path} may be changed "
                    f"by {_named(others)}",
                    "Install it where only root may write, as cucmsh itself.",
                )


def _folders_of(top: str) -> list[str] | None:
    """The real folders of a top-level package or module, without importing it."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None  # the import that follows says so
    if spec is None:
        return None
    if spec.submodule_search_locations is not None and spec.origin is None:
        return [os.path.realpath(each) for each in spec.submodule_search_locations]
    origin = os.path.realpath(spec.origin or "")
    if os.path.basename(origin) == "__init__.py":
        return [os.path.dirname(origin)]
    return [origin] if os.path.exists(origin) else None  # or built in


def _below(folder: str) -> list[str]:
    found: list[str] = []
    for root, folders, files in os.walk(folder):
        found += [os.path.join(root, each) for each in (*folders, *files)]
        if len(found) > _MOST_FILES:
            raise PackError(f"{folder} holds more than {_MOST_FILES} files")
    return found


def _writers(path: str) -> set[Writer]:
    """Who may change what lies there, by its mode or by that of a folder above it."""
    found: set[Writer] = set()
    at = os.path.realpath(path)
    while True:
        seen = os.stat(at)
        found.add(("user", seen.st_uid))
        is_shared = stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX
        if seen.st_mode & stat.S_IWGRP and not is_shared:
            found.add(("group", seen.st_gid))
        if seen.st_mode & stat.S_IWOTH and not is_shared:
            found.add(_ANYONE)
        if at == os.path.dirname(at):
            return found
        at = os.path.dirname(at)


def _named(writers: set[Writer]) -> str:
    if _ANYONE in writers:
        return "anyone"
    return ", ".join(f"{kind} id {number}" for kind, number in sorted(writers))


def _working_directory() -> str:
    try:
        return os.path.realpath(os.getcwd())
    except OSError:  # it was removed
        return ""
