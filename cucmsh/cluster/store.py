"""A store: verbs on whole files below one folder. Knows no meaning of the bytes.

Invariant (threats-and-faults.md I1): whoever reads a file gets the bytes of one
complete ``write``, the old ones or the new ones, whatever happens to the writer. Every
implementation passes ``tests/cluster/test_store_contract.py``.
"""

from __future__ import annotations

import os
from typing import Protocol

from cucmsh.errors import StoreError

TEMPORARY_PREFIX = ".cucmsh-"
TEMPORARY_SUFFIX = ".tmp"
MAX_FILE_SIZE = 1 << 20  # bytes; lists and keys are small, and a liar must not fill us


class Store(Protocol):
    """Files by names such as ``security/TVS/TVS.pem``, relative, with ``/``."""

    def read(self, name: str) -> bytes:
        """All bytes of a regular file.

        Raises:
            MissingFileError: it is not there.
            StoreError: it is no regular file, too large, or cannot be read.
        """

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        """Replace the file atomically.

        Exclusive temporary name in the same folder, all bytes, sync, read back,
        compare, rename, sync the folder.

        Raises:
            StoreError: the old file is still whole (or the new one is, if only syncing
                the folder failed), and no temporary file is left. Refused before
                anything is touched: more than ``MAX_FILE_SIZE`` bytes.
        """

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        """The first half of ``write``: all but the rename.

        Returns:
            The temporary's name, for ``commit`` or ``discard``.

        Raises:
            StoreError: nothing is left of it.
        """

    def commit(self, temporary: str, name: str) -> None:
        """The second half of ``write``: put what was staged in the file's place.

        Raises:
            StoreError: the old file is still whole; the temporary is still there.
        """

    def discard(self, temporary: str) -> None:
        """Remove what was staged, if it can be removed. Raises nothing."""

    def sweep(self, folder: str = "") -> int:
        """Remove temporaries of dead writers."""

    def remove(self, name: str) -> None:
        """Remove the file; one that is not there is no error."""

    def names(self, folder: str = "") -> list[str]:
        """The sorted names of the regular files in ``folder``; none if it is missing.

        Temporary files of ``write`` are left out.
        """

    def close(self) -> None:
        """Give back what the store holds."""


def split_name(name: str) -> list[str]:
    """The parts of a name.

    Raises:
        StoreError: absolute, climbing, empty or unprintable names.
    """
    parts = name.split("/")
    if not all(part and part not in (".", "..") for part in parts):
        raise StoreError(f"{name!r} is not a file name below the folder")
    if not name.isprintable():
        raise StoreError(f"{name!r} holds characters that no file name may hold")
    return parts


def check_size(path: str, raw: bytes) -> None:
    """Refuse to write what no store would read back."""
    if len(raw) > MAX_FILE_SIZE:
        raise StoreError(
            f"{path}: {len(raw)} bytes are too many; a file has at most {MAX_FILE_SIZE}"
        )


def temporary_for(name: str) -> str:
    """An unpredictable name beside ``name``, so that nobody can lie in wait there."""
    *folders, _ = split_name(name)
    secret = os.urandom(8).hex()
    return "/".join([*folders, f"{TEMPORARY_PREFIX}{secret}{TEMPORARY_SUFFIX}"])


def is_temporary(name: str) -> bool:
    return name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)
