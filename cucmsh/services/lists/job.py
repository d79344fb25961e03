"""What nodes are to be brought: one value for resets, composes and signed files."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from math import inf
from typing import NamedTuple, Protocol

from cucmsh.pki.model import Unit
from cucmsh.services.lists.locate_nodes import NodeStatus
from cucmsh.services.lists.plain_files import PlainFile
from cucmsh.services.outcome import NodeOutcome


class Job(NamedTuple):
    """What is to be served, and what may be done for it.

    Attributes:
        raw: the list, as the publisher serves it or is about to.
        certificates: PEM by unit, which a member is given first: it takes no list of a
            key that it does not know.
        given_up: SHA-256 of lists on other nodes that may be replaced though their
            phones refuse the new one, as a person agreed.
        files: the publisher's signed files, and the digest of each; None: the list
            alone is brought, the TFTP service is restarted, and only a list that was
            seen before is replaced, as a reset does.
        plain: by the name of a replica, the plain files that it is to have; they come
            with ``files``.
        end: by ``monotonic``, when to begin nothing more.
    """

    raw: bytes
    certificates: Mapping[Unit, bytes] = {}
    given_up: frozenset[str] = frozenset()
    files: Mapping[str, str] | None = None
    plain: Mapping[str, dict[str, PlainFile]] = {}
    end: float = inf

    @property
    def sha256(self) -> str:
        return sha256(self.raw).hexdigest()


class NodeUpdate(Protocol):
    """One node's part of a job, over one connection.

    Attributes:
        has_begun: its list may have been replaced.
        seen: SHA-256 of the list that lay there, or ``NO_LIST``; empty if it was not
            looked at.
    """

    has_begun: bool
    seen: str

    def stage(self) -> None:
        """Put all bytes beside what they replace; no phone sees a change.

        Raises:
            RefusedError: it must not be changed.
            StoreError, ServiceError, ConnectionFailedError: it cannot be.
        """

    def discard(self) -> None:
        """Take away what was staged, as far as the connection still does it.

        Raises:
            CucmshError: it does not; the next job sweeps it.
        """

    def commit(self, status: NodeStatus) -> NodeOutcome:
        """Put what was staged in place; ``status`` is how the node was found.

        Raises:
            RefusedError: another list lies there than was seen; it was left alone.
            StoreError, ServiceError, ConnectionFailedError: it came no further.
        """

    def why_unserved(self) -> str:
        """What its TFTP service does not give back; empty if it gives all."""
