"""What this publisher has to bring to its replicas: a look at its TFTP directory.

A file that cannot be read here is not one that is gone here. A folder whose mode has
changed, or a disk that gives errors, must not take from the phones of a branch what
they have: such files are named, and what a replica has of them stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.quoting import shown
from cucmsh.services.lists.secret_files import Secrets, secrets_of
from cucmsh.services.site import Site
from cucmsh.storage.tree import tree_below

_File = TypeVar("_File")


class FilesToBring(NamedTuple, Generic[_File]):
    """Files by their names relative to the TFTP directory.

    Attributes:
        files: what was found of each.
        unread: those that are there and cannot be read, and why.
        closed: folders that cannot be read.
    """

    files: dict[str, _File]
    unread: dict[str, str]
    closed: tuple[str, ...]

    def unknown(self, brought: Iterable[str]) -> dict[str, str]:
        """The files of which it cannot be told what they are here, and why.

        Args:
            brought: names of files that a replica has from here; those in a closed
                folder may still be in it.
        """
        found = dict(self.unread)
        for name in brought:
            for folder in self.closed:
                if name.startswith(f"{folder}/"):
                    found[name] = f"the folder {folder} cannot be read here"
        return found


def files_to_bring(
    site: Site,
    is_wanted: Callable[[str], bool],
    look: Callable[[str, Secrets], _File | None],
) -> FilesToBring[_File]:
    """Look at the files of the TFTP directory, but not at secrets of this node.

    Args:
        site: this publisher.
        is_wanted: whether a file of that name is brought.
        look: reads the file of that name; None if it must not be brought after all.

    Raises:
        StoreError: the directory, or this node's home, cannot be looked at.
    """
    secrets, tree = secrets_of(site), tree_below(site.tftp.root)
    found = FilesToBring[_File]({}, {}, tree.closed)
    for name in tree.files:
        if not is_wanted(name) or secrets.is_one(os.path.join(site.tftp.root, name)):
            continue
        try:
            file = look(name, secrets)
        except MissingFileError:  # it went just now
            continue
        except StoreError as problem:
            found.unread[name if name.isprintable() else shown(name)] = problem.message
            continue
        if file is not None:
            found.files[name] = file
    return found
