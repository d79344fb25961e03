"""A store, and the folder behind it that a test can look into by itself."""

from pathlib import Path
from typing import NamedTuple

from cucmsh.storage.store import Store

OLD, NEW = b"the old list", bytes(range(256)) * 300
NAME = "ITLFile.tlv"


class Stored(NamedTuple):
    """``tells`` is False for a server that calls every failure "Failure"."""

    store: Store
    root: Path
    tells: bool = True

    def files(self) -> dict[str, bytes]:
        """All files, with temporary ones, as the disk has them."""
        return {path.name: path.read_bytes() for path in self.root.iterdir()}
