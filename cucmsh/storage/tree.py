"""All that is below a folder. Follows no link, reads no file.

Names are as a store takes them. Hidden files and folders (names with a leading dot, our
temporary files among them) are left out.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from cucmsh.errors import StoreError
from cucmsh.storage.store import MAX_DEPTH

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Tree(NamedTuple):
    """Relative names with ``/``, sorted.

    Attributes:
        files: regular files.
        links: symbolic links, to whatever.
        closed: folders that could not be read, or lie too deep.
    """

    files: tuple[str, ...]
    links: tuple[str, ...]
    closed: tuple[str, ...]


def tree_below(root: str) -> Tree:
    """Everything below ``root``; nothing if it is not there.

    Raises:
        StoreError: ``root`` cannot be read.
    """
    tree: tuple[list[str], list[str], list[str]] = ([], [], [])
    try:
        descriptor = os.open(root, FOLDER_FLAGS & ~os.O_NOFOLLOW)
        try:
            _walk(descriptor, "", tree)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        pass
    except OSError as problem:
        raise StoreError(f"{root}: {problem.strerror}") from problem
    return Tree(*(tuple(sorted(names)) for names in tree))


def _walk(
    folder: int, prefix: str, tree: tuple[list[str], list[str], list[str]]
) -> None:
    """Each folder is opened by its parent's descriptor, never through a link (T12)."""
    files, links, closed = tree
    inner = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                links.append(prefix + entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.append(prefix + entry.name)
            elif entry.is_dir(follow_symlinks=False):
                inner.append(entry.name)
    for name in inner:
        path = prefix + name
        try:
            if path.count("/") >= MAX_DEPTH:
                closed.append(path)
                continue
            opened = os.open(name, FOLDER_FLAGS, dir_fd=folder)
            try:
                _walk(opened, f"{path}/", tree)
            finally:
                os.close(opened)
        except OSError:
            closed.append(path)
