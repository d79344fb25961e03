"""What running a fixed list of words gives, here or on a node. Runs nothing itself.

Apart from ``process`` and ``ssh``, which run them, so that whoever names an outcome
imports neither ``subprocess`` nor paramiko.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Completed(NamedTuple):
    """How a command ended.

    Attributes:
        status: exit status; 128 + n for signal n.
        output: what it wrote to standard output, decoded, without the last line end.
        stderr: the same for standard error.
    """

    status: int
    output: str
    stderr: str


class Runner(Protocol):
    """Runs words as they are, without a shell."""

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        """Run ``words`` to the end.

        Raises:
            ServiceError: it cannot be started, or takes longer.
        """
