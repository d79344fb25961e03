"""What the TFTP services of nodes give: the one question, for all who compare lists.

A reset that broke off asks it, `show itl`, `node list` and `doctor`, and whoever takes
into the history what lies elsewhere. Changes nothing, logs in nowhere. What lies in the
TFTP directories, and whether the services run, is ``survey``'s question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha1, sha256
from math import inf
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, MissingFileError, NoAnswerError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.layout import LIST_FILE
from cucmsh.services.lists.fleet import as_done
from cucmsh.services.site import Site

NO_LIST = "-"  # stands for the SHA-256 of a list that is not there


class Served(NamedTuple):
    """What one node's TFTP service gave.

    Attributes:
        node: the node.
        raw: the list; None if it gave none.
        problem: why it gave none; empty if it did.
        is_missing: it says that it has none.
        is_silent: it did not answer in time.
    """

    node: Node
    raw: bytes | None = None
    problem: str = ""
    is_missing: bool = False
    is_silent: bool = False

    @property
    def sha256(self) -> str:
        """Of the list, or ``NO_LIST``; empty if it is not known."""
        if self.raw is None:
            return NO_LIST if self.is_missing else ""
        return sha256(self.raw).hexdigest()

    @property
    def sha1(self) -> str:
        """Of the list, as ``show itl`` there prints it; empty without one."""
        raw = self.raw
        return "" if raw is None else sha1(raw, usedforsecurity=False).hexdigest()


def ask_served(site: Site, node: Node, seconds: float) -> Served:
    """Ask one node, for so long. Raises nothing."""
    try:
        with exhaustion_as_error():
            return Served(node, site.backends.read_back(node.tftp, LIST_FILE, seconds))
    except CucmshError as problem:
        return Served(
            node,
            problem=problem.message,
            is_missing=isinstance(problem, MissingFileError),
            is_silent=isinstance(problem, NoAnswerError),
        )


def ask_all_served(
    site: Site, nodes: Sequence[Node], seconds: float, end: float = inf
) -> Iterator[Served]:
    """Ask all at once; each as soon as it answers, none after ``end`` (monotonic)."""
    return as_done(partial(ask_served, site, seconds=seconds), nodes, end)
