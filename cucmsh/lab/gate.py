"""What stands before the servers of one lab process: lets in, delays, makes fail.

The servers ask it; its conditions change while they run. A partitioned node closes the
connections of other nodes at once and leaves their TFTP requests unanswered, and so do
the others with its own.
"""

from __future__ import annotations

import io
import resource
from collections.abc import Callable
from typing import BinaryIO

from cucmsh.lab.callers import configuration_of
from cucmsh.lab.conditions import (
    DISK_FULL,
    READ_BACK_DIFFERS,
    TFTP_SILENT,
    Conditions,
)
from cucmsh.layout import LIST_FILE
from cucmsh.tftp.server import Conduct


class Gate(Conduct):
    """The gate of one process.

    Args:
        own: the node's configuration file; empty for the backup server.
        publisher: the publisher's.
        names: gives the name of the file for a name that is asked for.
    """

    def __init__(
        self, own: str, publisher: str, names: Callable[[str], str] = str
    ) -> None:
        self._own, self._publisher = own, publisher
        self._names = names
        self._told: list[Callable[[], None]] = []
        self.conditions = Conditions()

    def apply(self, conditions: Conditions) -> None:
        """Behave so from now on."""
        self.conditions = conditions
        _limit_files(is_full=self.fails(DISK_FULL))
        for tell in self._told:
            tell()

    def on_change(self, tell: Callable[[], None]) -> None:
        """Call this after each change, too."""
        self._told.append(tell)

    def fails(self, name: str) -> bool:
        """Whether that failure is asked for here."""
        return name in self.conditions.failures

    @property
    def delay_seconds(self) -> float:
        return self.conditions.delay_ms / 1000

    def lets_in(self, port: int, table: str = "tcp") -> bool:
        """Whether the peer with that port may come in: no node across a partition."""
        cut = self.conditions.cut_off
        if not cut or not self._own:
            return True
        caller = configuration_of(port, table, self.conditions.prompt, self._publisher)
        return caller in ("", self._own) or not cut & {caller, self._own}

    def answers(self, client: tuple[str, int], table: str = "udp") -> bool:
        return not self.fails(TFTP_SILENT) and self.lets_in(client[1], table)

    def file_of(self, name: str) -> str:
        return self._names(name)

    def served(self, name: str, stream: BinaryIO) -> BinaryIO:
        if not self.fails(READ_BACK_DIFFERS) or name.lstrip("/") != LIST_FILE:
            return stream
        with stream:
            raw = stream.read()
        return io.BytesIO(raw[:-1] + bytes(255 - byte for byte in raw[-1:]))


def _limit_files(*, is_full: bool) -> None:
    """Let no file grow in this process and those that it starts, or let them again.

    What is written fails with EFBIG, as on a disk with no room: Python ignores the
    signal that comes with it.
    """
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0 if is_full else most, most))
