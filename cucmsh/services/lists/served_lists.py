"""What each node serves now: this one from its disk, the others asked over TFTP.

For all who compare lists: `show itl`, `node list`, `doctor`, a reset before it begins
and after it broke off, and the history of lists on other nodes. Changes nothing. What
lies in the TFTP directories, and whether the services run, is asked over SSH by
``locate_nodes``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha1, sha256
from math import inf
from time import monotonic
from typing import NamedTuple

from cucmsh.config.model import Node, TftpAddress
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
)
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.layout import LIST_FILE
from cucmsh.services.deadlines import ALL_BEFORE_START_SECONDS, ONE_BEFORE_START_SECONDS
from cucmsh.services.records.state import keep_mark, read_published
from cucmsh.services.site import Site
from cucmsh.services.threads import as_done

NO_LIST = "-"  # stands for the SHA-256 of a list that is not there


def served_list(site: Site) -> bytes | None:
    """This node's list, as it lies in the TFTP directory; None without one.

    Raises:
        StoreError: it is there and cannot be read.
    """
    if not site.node.has_tftp:
        return None
    try:
        return site.tftp.read(LIST_FILE)
    except MissingFileError:
        return None


def is_reset_list(site: Site, raw: bytes | None) -> bool:
    """Whether this is the list of a reset, which every start serves as it is."""
    return raw is not None and keep_mark(site.home) == sha256(raw).hexdigest()


def is_published(site: Site, raw: bytes) -> bool:
    """Whether it is the list that this node made last; a file is read and no key."""
    published = read_published(site.home)
    return published is not None and published.sha256 == sha256(raw).hexdigest()


def sha256_or_none(raw: bytes | None) -> str:
    """SHA-256 of a list in hex, or ``NO_LIST``."""
    return NO_LIST if raw is None else sha256(raw).hexdigest()


def sha256_served(site: Site) -> str:
    """SHA-256 of this node's list in hex, or ``NO_LIST``."""
    return sha256_or_none(served_list(site))


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
    """Ask one node over TFTP, for at most ``seconds``. Raises no ``CucmshError``."""
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


def why_unserved(
    site: Site, address: TftpAddress, raw: bytes, name: str = LIST_FILE
) -> str:
    """Why a TFTP client there does not get exactly these bytes by that name now.

    Empty if it does (docs/security.md I4).
    """
    try:
        if site.backends.read_back(address, name) == raw:
            return ""
    except (ConnectionFailedError, MissingFileError) as problem:
        return problem.message
    return "TFTP gives back other bytes"


def ask_all_served(
    site: Site, nodes: Sequence[Node], seconds: float, end: float = inf
) -> Iterator[Served]:
    """Ask all nodes at once; each answer as soon as it is there.

    Args:
        site: this node.
        nodes: whom to ask.
        seconds: for one node.
        end: by ``monotonic``, when to stop waiting; later answers are left out.
    """
    return as_done(partial(ask_served, site, seconds=seconds), nodes, end)


def lists_elsewhere(site: Site) -> dict[str, bytes]:
    """The lists of all other TFTP nodes that answer, by the node's name."""
    return lists_on(site, other_tftp_nodes(site))[0]


def lists_on(
    site: Site, nodes: Sequence[Node]
) -> tuple[dict[str, bytes], dict[str, str]]:
    """What each of the nodes serves, and why nothing is known of the others.

    A node that has no list is in neither.
    """
    silent = {node.name: "it did not answer in time" for node in nodes}
    found: dict[str, bytes] = {}
    end = monotonic() + ALL_BEFORE_START_SECONDS
    for served in as_done(partial(_ask, site), nodes, end):
        name = served.node.name
        if served.raw is None and not served.is_missing:
            silent[name] = served.problem
            continue
        del silent[name]
        if served.raw is not None:
            found[name] = served.raw
    return found, silent


def _ask(site: Site, node: Node) -> Served:
    """By TFTP; a replica whose service does not answer is asked over SSH."""
    served = ask_served(site, node, ONE_BEFORE_START_SECONDS)
    if served.raw is not None or served.is_missing or node.is_member:
        return served
    try:
        with exhaustion_as_error(), site.link_to(node) as link:
            store = site.backends.store_on(link, node.tftp_directory)
            return Served(node, store.read(LIST_FILE))
    except CucmshError as problem:
        is_missing = isinstance(problem, MissingFileError)
        return Served(node, problem=problem.message, is_missing=is_missing)


def other_tftp_nodes(site: Site) -> list[Node]:
    """Every node but this one that has a TFTP service."""
    nodes = site.settings.cluster.nodes
    return [node for node in nodes if node.has_tftp and node.name != site.node.name]
