"""Who calls a use-case: a person at the prompt, an exec request, a hook, a page.

Values only. ``cucmsh.services.usecase`` checks them against what a use-case declares.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol


class WayIn(StrEnum):
    """How a caller came; the audit log calls it ``entry``."""

    PROMPT = "prompt"
    COMMAND = "command"  # cucmsh -c, on the node itself
    EXEC = "exec"  # ssh admin@node 'show itl'
    HOOK = "hook"  # a service manager, a script or another node
    NODE = "node"  # cucmsh node add, list or remove; cucmsh export, cucmsh adopt
    INIT = "init"  # cucmsh init: the node is only being made
    PAGE = "page"
    PHONE = "phone"


class Privilege(IntEnum):
    """What an account may do, by the numbers that the original gives to levels."""

    READ = 0
    CHANGE = 1
    ALL = 4  # the administrator of the platform: everything


class Caller(NamedTuple):
    """One caller.

    Attributes:
        way_in: how it came.
        account: as the system that let it in knows it; empty if nobody says.
        address: the host it called from; empty for this node.
        level: what it may do.
    """

    way_in: WayIn
    account: str = ""
    address: str = ""
    level: Privilege = Privilege.ALL


class Record(Protocol):
    """Keeps what a caller did: the audit log, see ``records.audit``."""

    def keeping(
        self, name: str, values: Sequence[str], *, is_change: bool
    ) -> AbstractContextManager[None]:
        """Record what the body does.

        Of a change its beginning is recorded first. A caller whose line is recorded
        already (a command of a session, a hook) gets no second record of it.

        Args:
            name: of the use-case.
            values: what it was called with, as far as it may be shown.
            is_change: whether it changes something.

        Raises:
            RefusedError: the beginning of a change cannot be recorded; the body is not
                run.
        """


class Unrecorded:
    """Keeps nothing: for a node that is being made and has no log yet, and `doctor`."""

    def keeping(
        self, _name: str, _values: Sequence[str], *, is_change: bool
    ) -> AbstractContextManager[None]:
        del is_change
        return nullcontext()
