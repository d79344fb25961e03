"""What logs say of phones, into the inventory.

A log says that a phone asked for a list, at best that one was sent; which one, this
node knows (``records.served_times``). Read twice, it says nothing new.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cucmsh.errors import CucmshError, StoreError, UsageError
from cucmsh.phones.known import Recorded
from cucmsh.phones.log_claims import LogClaims, nothing_known
from cucmsh.phones.log_counts import Counts
from cucmsh.phones.log_time import LogClock
from cucmsh.services.phones.keeper import BATCH, Keeper
from cucmsh.services.phones.log_file import BLOCK, LogFile
from cucmsh.services.phones.log_lines import WholeLines
from cucmsh.services.records.served_times import ServedThen
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

STANDARD_INPUT = "-"


class ImportedLog(NamedTuple):
    """One log.

    Attributes:
        name: as it was named.
        counts: what was in it.
        overlong: lines that were longer than any log's, and passed over.
    """

    name: str
    counts: Counts
    overlong: int


class Imported(NamedTuple):
    """What became of an import.

    Attributes:
        logs: those that were read, in their order.
        recorded: claims by what became of them.
        problem: why it broke off; what was recorded until then stays, and the same
            import again does the rest.
    """

    logs: tuple[ImportedLog, ...]
    recorded: Recorded
    problem: CucmshError | None = None


@use_case("phones import")
def import_logs(site: Site, names: Sequence[str], node: str = "") -> Imported:
    """Read logs to their end.

    Args:
        site: this node.
        names: paths; ``-`` for standard input.
        node: whose logs they are; this one's without it.

    Raises:
        UsageError: there is no such node.
    """
    node = whose_logs(site, node)
    logs: list[ImportedLog] = []
    with Keeper(site) as keeper:
        try:
            keeper.open()  # before a long log is read for nothing
            for name in names:
                logs.append(_import(site, name, node, keeper))  # noqa: PERF401 - one by one
            keeper.forget_old()
        except CucmshError as problem:
            return Imported(tuple(logs), keeper.recorded, problem)
        return Imported(tuple(logs), keeper.recorded)


def whose_logs(site: Site, node: str) -> str:
    """The node of that name, this one without a name.

    Raises:
        UsageError: there is none.
    """
    if node and site.settings.cluster.find(node) is None:
        raise UsageError(
            f"the cluster has no node {node}", "See `show network cluster`."
        )
    return node or site.node.name


class Served:
    """What a node served; of another node than this one nothing is known."""

    def __init__(self, site: Site, node: str) -> None:
        self._then = ServedThen(site) if node == site.node.name else None

    def renew(self) -> None:
        """See ``ServedThen.renew``."""
        if self._then is not None:
            self._then.renew()

    def digest(self, since: int, until: int) -> str:
        then = self._then
        return (
            nothing_known(since, until) if then is None else then.digest(since, until)
        )


def _import(site: Site, name: str, node: str, keeper: Keeper) -> ImportedLog:
    served = Served(site, node)
    if name == STANDARD_INPUT:
        reader = LogClaims(LogClock(site.clock.now()), node, served.digest)
        overlong = _read_stream(reader, keeper)
    else:
        log = LogFile(name)
        try:
            written = datetime.fromtimestamp(log.modified, UTC)
            clock = LogClock(min(written, site.clock.now()))
            reader = LogClaims(clock, node, served.digest)
            while (found := log.read()) is not None:
                keeper.take(reader.read(*found))
                if len(keeper.waiting) >= BATCH:
                    keeper.write()
            keeper.take(reader.read(*log.rest()))
            overlong = log.overlong
        finally:
            log.close()
    keeper.take(reader.finish())
    keeper.write()
    return ImportedLog(name, reader.counts, overlong)


def _read_stream(reader: LogClaims, keeper: Keeper) -> int:
    """Read standard input to its end; how many lines were too long."""
    lines = WholeLines()
    while piece := read_input():
        keeper.take(reader.read(lines.take(piece)))
        if len(keeper.waiting) >= BATCH:
            keeper.write()
    keeper.take(reader.read(lines.rest()))
    return lines.overlong


def read_input() -> bytes:
    """A piece of standard input, once there is one; empty at its end.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        return os.read(0, BLOCK)
    except OSError as problem:
        raise StoreError(f"standard input: {problem.strerror}") from problem
