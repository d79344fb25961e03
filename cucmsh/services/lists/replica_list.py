"""The list of one replica: read, staged beside the one it replaces, renamed into place.

What a reset and a push to the replicas do alike; what else each of them brings, and
what it looks at before, is in ``reset_update`` and ``replica_push``.
"""

from __future__ import annotations

from cucmsh.errors import MissingFileError
from cucmsh.layout import LIST_FILE, SERVED_MODE
from cucmsh.storage.store import Store


class ReplicaList:
    """A list on its way into the TFTP directory of a replica.

    Attributes:
        has_begun: the list that lay there may have been replaced.
    """

    def __init__(self, store: Store, raw: bytes) -> None:
        self.has_begun = False
        self._store = store
        self._raw = raw
        self._temporary = ""

    def read(self) -> bytes | None:
        """The list that lies there now; None without one.

        Raises:
            StoreError, ConnectionFailedError: it cannot be read.
        """
        try:
            return self._store.read(LIST_FILE)
        except MissingFileError:
            return None

    def stage(self) -> None:
        """Put the new list beside the other one, for a caller that swept the folder.

        Raises:
            StoreError, ConnectionFailedError: nothing is left of it.
        """
        self._temporary = self._store.stage(LIST_FILE, self._raw, SERVED_MODE)

    def stage_swept(self) -> None:
        """The same, and what interrupted writes left in the folder goes.

        It is ours: nobody else writes there under the publisher's lock.
        """
        self._temporary = self._store.stage_swept(LIST_FILE, self._raw, SERVED_MODE)

    def commit(self) -> bool:
        """Rename what was staged into place; whether anything was staged.

        Raises:
            StoreError, ConnectionFailedError: see ``Store.commit``.
        """
        if not self._temporary:
            return False
        self.has_begun = True
        self._store.commit(self._temporary, LIST_FILE)
        self._temporary = ""
        return True

    def discard(self) -> None:
        """Remove what was staged, as far as the connection still does it."""
        if self._temporary:
            self._store.discard(self._temporary)
