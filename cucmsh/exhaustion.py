"""This machine has no thread, process, descriptor or memory left: said in one sentence.

Python tells it by errors that nobody expects where they come from: a RuntimeError from
starting a thread, a MemoryError from anywhere. A change that meets one in the middle
has to go on to its summary, as after any other failure of one node. So whatever is done
to one node, or on this one after something changed, stands in `exhaustion_as_error`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from cucmsh.errors import ExhaustedError

_NO_THREAD = "can't start new thread"  # CPython's words
_NUMBERS = frozenset({errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def is_exhaustion(problem: BaseException) -> bool:
    """Whether it says that this machine, or a limit of this account, has no more."""
    if isinstance(problem, OSError):
        return problem.errno in _NUMBERS
    return isinstance(problem, MemoryError) or (
        isinstance(problem, RuntimeError) and _NO_THREAD in str(problem)
    )


@contextmanager
def exhaustion_as_error() -> Iterator[None]:
    """Make an `ExhaustedError` of what the block meets; other errors pass."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as problem:
        if not is_exhaustion(problem):
            raise
        raise ExhaustedError(_sentence(problem), _ADVICE) from problem


_ADVICE = "Look at `ulimit -a` of this account and at the machine's load."


def _sentence(problem: BaseException) -> str:
    if isinstance(problem, MemoryError):
        return "this machine has no memory left for it"
    if isinstance(problem, OSError):
        return f"this machine has nothing left for it: {problem.strerror}"
    return "this machine has no thread left for it"
