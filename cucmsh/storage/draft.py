"""A folder on this disk as it would be: what is written stays in memory.

For plans that try a change out with the code that makes it. Reads what lies on the disk
until it is written or removed here; nothing on the disk is ever touched. No one else
sees a draft, so nothing is staged in it and nothing is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

from cucmsh.errors import MissingFileError
from cucmsh.storage.local import LocalStore
from cucmsh.storage.rotation import Rotation
from cucmsh.storage.store import (
    FOLDER_MODE,
    Listed,
    check_size,
    is_temporary,
    split_name,
    temporary_for,
)

NOTHING: Mapping[str, bytes | None] = MappingProxyType({})


class DraftStore(LocalStore):
    """See the module; ``Store`` has the contract of the verbs that are here."""

    def __init__(
        self, root: str, written: Mapping[str, bytes | None] = NOTHING
    ) -> None:
        super().__init__(root)
        self._written = dict(written)  # None: removed

    def copy(self) -> Self:
        """Another draft, which goes on from this one."""
        return type(self)(self.root, self._written)

    def read(self, name: str) -> bytes:
        if name not in self._written:
            return super().read(name)
        raw = self._written[name]
        if raw is None:
            raise MissingFileError(f"{self._path(name)} is not there")
        return raw

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        del mode  # nobody reads it here
        split_name(name)
        check_size(self._path(name), raw)
        self._written[name] = raw

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        temporary = temporary_for(name)
        self.write(temporary, raw, mode)
        return temporary

    def commit(self, temporary: str, name: str) -> None:
        self.write(name, self.read(temporary))
        del self._written[temporary]

    def discard(self, temporary: str) -> None:
        self._written.pop(temporary, None)

    def remove(self, name: str) -> None:
        self._written[name] = None

    def append(
        self,
        name: str,
        line: str,
        rotation: Rotation | None = None,
        *,
        make: bool = False,
    ) -> None:
        """Drops the line: what is only tried out is in no log."""

    def sweep(self, folder: str = "") -> int:
        del folder
        return 0

    def listing(self, folder: str = "") -> dict[str, Listed]:
        found = super().listing(folder)
        for name, raw in self._written.items():
            inside, _, last = name.rpartition("/")
            if inside != folder or is_temporary(last):
                continue
            if raw is None:
                found.pop(last, None)
            else:
                found[last] = Listed(len(raw), 0)
        return found

    def folders(self, folder: str = "") -> list[str]:
        inside = f"{folder}/" if folder else ""
        made = {
            name.removeprefix(inside).partition("/")[0]
            for name, raw in self._written.items()
            if raw is not None
            and name.startswith(inside)
            and "/" in name.removeprefix(inside)
        }
        return sorted({*super().folders(folder), *made})

    def make_folder(self, folder: str, mode: int = FOLDER_MODE) -> None:
        """Nothing is made: a draft's files need no folder."""
