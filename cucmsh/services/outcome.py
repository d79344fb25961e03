"""How a change to several nodes ended: one outcome a node.

One dead node is an outcome, not an exception (docs/decisions/014).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """What became of one node."""

    UPDATED = "updated"
    UNCHANGED = "unchanged: it serves the list already"
    STOPPED = "updated, its TFTP service is stopped"
    UNPROVEN = "list installed, but its TFTP service does not serve it"
    UNKNOWN = "not known: it fell silent while its list was being replaced"
    PENDING = "pending"


class NodeOutcome(NamedTuple):
    """What became of one node.

    Attributes:
        name: the node.
        state: how far it came.
        reason: why it came no further; empty if it is done.
        files: how many files it was brought, the list included.
    """

    name: str
    state: State
    reason: str = ""
    files: int = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do: in place, and proven where TFTP runs."""
        return self.state in (State.UPDATED, State.UNCHANGED, State.STOPPED)


class Report(NamedTuple):
    """How one change ended.

    Attributes:
        outcomes: of all its nodes, in the cluster's order.
        is_key_new: another recovery key was installed before the first list.
    """

    outcomes: tuple[NodeOutcome, ...]
    is_key_new: bool = False

    @property
    def pending(self) -> tuple[NodeOutcome, ...]:
        """The outcomes that are not done."""
        return tuple(outcome for outcome in self.outcomes if not outcome.is_done)

    @property
    def problems(self) -> dict[str, str]:
        """Why each pending node is pending."""
        return {each.name: each.reason or each.state.value for each in self.pending}

    @property
    def written(self) -> dict[str, int]:
        """How many files each of the others was brought."""
        return {each.name: each.files for each in self.outcomes if each.is_done}

    @property
    def exit_status(self) -> int:
        """0 all done, 1 nothing changed anywhere, else 3 (docs/decisions/003)."""
        if not self.pending:
            return 0
        states = {outcome.state for outcome in self.outcomes}
        return 1 if states == {State.PENDING} and not self.is_key_new else 3


class Step(StrEnum):
    """What a running change tells about a node, as it happens.

    READY names none: the last moment at which nothing is changed yet, and who is told
    may still raise CancelledError. SETTLED comes last for each node, whatever became
    of it.
    """

    READY = "ready"
    RESTARTING = "restarting"
    RESTARTED = "restarted"
    TRANSFERRED = "transferred"
    FAILED = "failed"
    SETTLED = "settled"


Progress = Callable[[Step, str], None]
