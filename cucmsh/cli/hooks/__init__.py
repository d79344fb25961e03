"""What each hook runs; ``cli.hook`` has the table and imports a module when asked for.

A node is asked for its status again and again: it imports nothing that resets lists.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from cucmsh.services.site import Site
from cucmsh.services.usecase import UseCase

Noting = Callable[[Sequence[str]], AbstractContextManager[None]]


class Call(NamedTuple):
    """One call of a hook.

    Attributes:
        site: this node, for its caller.
        given: its parameters, by their names in lower case.
        read_input: gives its standard input; called by the hooks that take it.
        noting: records what its body does, for a hook that records itself.
        account_home: of the account that sshd let in; empty if it was not sshd.
    """

    site: Site
    given: argparse.Namespace
    read_input: Callable[[], bytes]
    noting: Noting
    account_home: str


class Run(NamedTuple):
    """What runs a hook.

    Attributes:
        answer: does it; gives what it prints, and the exit status.
        of: the use-case that it calls.
    """

    answer: Callable[[Call], tuple[str, int]]
    of: UseCase[Any, Any]

    @property
    def changes(self) -> bool:
        """Whether it changes something, and so is written to the audit log."""
        return self.of.access.changes
