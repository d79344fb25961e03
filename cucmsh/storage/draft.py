"""A folder on this disk as it would be: what is written stays in memory.

For plans that try a change out with the code that makes it. Reads what lies on the disk
until it is written or removed here; nothing on the disk is ever touched. No one else
sees a draft, so nothing is staged in it and nothing is locked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Self

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


class Written(NamedTuple):
    """A file as it would be."""

    raw: bytes
    mode: int


NOTHING: Mapping[str, Written | None] = MappingProxyType({})


class DraftStore(LocalStore):
    """See the module; ``Store`` has the contract of the verbs that are here.

    Attributes:
        written: the files that were written by their names; None for a removed one.
    """

    def __init__(
        self, root: str, written: Mapping[str, Written | None] = NOTHING
    ) -> None:
        super().__init__(root)
        self.written = dict(written)

    def copy(self) -> Self:
        """Another draft, which goes on from this one."""
        return type(self)(self.root, self.written)

    def read(self, name: str) -> bytes:
        if name not in self.written:
            return super().read(name)
        written = self.written[name]
        if written is None:
            raise MissingFileError(f"{self._path(name)} is not there")
        return written.raw

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        split_name(name)
        check_size(self._path(name), raw)
        self.written[name] = Written(raw, mode)

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        temporary = temporary_for(name)
        self.write(temporary, raw, mode)
        return temporary

    def commit(self, temporary: str, name: str) -> None:
        self.written[name] = self.written.pop(temporary)

    def discard(self, temporary: str) -> None:
        self.written.pop(temporary, None)

    def remove(self, name: str) -> None:
        self.written[name] = None

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
        for name, written in self.written.items():
            inside, _, last = name.rpartition("/")
            if inside != folder or is_temporary(last):
                continue
            if written is None:
                found.pop(last, None)
            else:
                found[last] = Listed(len(written.raw), 0)
        return found

    def folders(self, folder: str = "") -> list[str]:
        inside = f"{folder}/" if folder else ""
        made = {
            name.removeprefix(inside).partition("/")[0]
            for name, written in self.written.items()
            if written is not None
            and name.startswith(inside)
            and "/" in name.removeprefix(inside)
        }
        return sorted({*super().folders(folder), *made})

    def make_folder(self, folder: str, mode: int = FOLDER_MODE) -> None:
        """Nothing is made: a draft's files need no folder."""
