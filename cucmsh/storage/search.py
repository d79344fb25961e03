"""Looks for a regular expression, by a process that can be killed."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cucmsh.errors import RefusedError, UsageError
from cucmsh.storage.search_worker import REFUSED, SECONDS

WORKER = (sys.executable, "-I", "-m", "cucmsh.storage.search_worker")
LONGEST = 1000  # characters of an expression
MOST_BYTES = 32 << 20  # of all texts
_STOPPED = {128 + signal.SIGKILL, 128 + signal.SIGXCPU}
Feed = Callable[[Sequence[str], bytes, float], tuple[int, bytes]]


class Matches(NamedTuple):
    """The lines that match.

    Attributes:
        lines: of each text, in its order.
        is_cut: whether more match than are given.
    """

    lines: tuple[tuple[str, ...], ...]
    is_cut: bool


def search(
    texts: Sequence[bytes],
    expression: str,
    feed: Feed,
    *,
    ignores_case: bool = False,
    worker: Sequence[str] = WORKER,
) -> Matches:
    """The lines of ``texts`` in which ``expression`` (Python's syntax) is found.

    Args:
        texts: their bytes; ``MOST_BYTES`` in all.
        expression: a part of a line that matches is enough.
        feed: runs the worker, see ``pki.sandbox``.
        ignores_case: whether an upper case letter is as good as a lower case one.
        worker: what to run.

    Raises:
        UsageError: it is no regular expression.
        RefusedError: too many bytes; or it takes too long, or too much memory.
    """
    if len(expression) > LONGEST:
        raise UsageError(f"the expression is longer than {LONGEST} characters")
    total = sum(map(len, texts))
    if total > MOST_BYTES:
        raise RefusedError(
            f"the files have {total} bytes, and at most {MOST_BYTES} are searched",
            "Name fewer files.",
        )
    asked = {
        "expression": expression,
        "ignores_case": ignores_case,
        "sizes": [len(text) for text in texts],
    }
    request = b"".join((json.dumps(asked).encode(), b"\n", *texts))
    status, answer = feed(worker, request, SECONDS)
    if status in _STOPPED:
        raise RefusedError(
            f"the expression takes longer than {SECONDS} seconds; the search was ended",
            "Write it without repetitions inside repetitions, or name fewer files.",
        )
    if status == REFUSED:
        why = answer.decode(errors="replace")
        raise UsageError(f"the regular expression cannot be read: {why}")
    if status != 0:
        raise RefusedError(
            f"the search failed (exit status {status})",
            "The expression may ask for too much memory: write a simpler one.",
        )
    given = json.loads(answer)
    found = tuple(
        tuple(_lines(text, numbers))
        for text, numbers in zip(texts, given["found"], strict=True)
    )
    return Matches(found, bool(given["is_cut"]))


def _lines(text: bytes, numbers: Sequence[int]) -> list[str]:
    if not numbers:
        return []
    lines = text.splitlines()
    return [lines[number].decode("utf-8", "surrogateescape") for number in numbers]
