"""A member's part of a job: its own hooks stage and install the list, under its lock.

What they do there is in ``install``; how they are run from here in ``member_hooks``.
"""

from __future__ import annotations

from cucmsh.config.model import Node
from cucmsh.errors import ServiceError
from cucmsh.services.backends import Link
from cucmsh.services.lists.job import Job
from cucmsh.services.lists.locate_nodes import NodeStatus
from cucmsh.services.lists.member_hooks import bring_certificates, hook_on, stage_on
from cucmsh.services.nodes.tftp_service import why_unserved
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.site import Site


class MemberUpdate:
    """See ``NodeUpdate``."""

    def __init__(self, site: Site, node: Node, link: Link, job: Job) -> None:
        self.has_begun = False
        self.seen = ""
        self._site = site
        self._node = node
        self._link = link
        self._job = job
        self._name = ""  # of the staged file

    def stage(self) -> None:
        """The certificates first: it takes no list of a key that it does not know."""
        bring_certificates(self._site, self._link, self._node, self._job.certificates)
        self._name = stage_on(self._site, self._link, self._node, self._job.raw)

    def discard(self) -> None:
        if self._name:
            hook_on(self._link, self._node, "discard", self._name)

    def commit(self, status: NodeStatus) -> NodeOutcome:
        """Its hook compares, installs, restarts and reads back; see ``install``."""
        was = "active" if status.is_active else "inactive"
        agreed = ("agreed",) if status.served in self._job.given_up else ()
        words = (self._name, self._job.sha256, status.served, was, *agreed)
        self.has_begun = True
        said = hook_on(self._link, self._node, "install-list", *words)
        state, _, reason = said.partition("\n")
        try:
            return NodeOutcome(self._node.name, State(state), reason)
        except ValueError as problem:
            raise ServiceError(f"{self._node.name} answers {state!r}") from problem

    def why_unserved(self) -> str:
        """From here, whatever the member itself found."""
        return why_unserved(self._site, self._node.tftp, self._job.raw)
