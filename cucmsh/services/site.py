"""What a use-case works with: settings, stores, clock, and backends opened late."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Self

from cucmsh.config.model import Node
from cucmsh.config.settings import Settings, is_outdated
from cucmsh.errors import RefusedError, ServiceError
from cucmsh.layout import (
    ACCOUNTS_FOLDER,
    ACCOUNTS_LOCK,
    ALARMS_LOCK,
    ALARMS_WAITING,
    CLUSTER_LOCK,
    IDS_LOCK,
    KNOWN_HOSTS,
    MONITOR_LOCK,
    MONITOR_LOCK_FOLDER,
    NEXT,
    NODE_LOCK,
    PHONES_LOCK,
    PHONES_LOCK_FOLDER,
    RECOVERY_LOCK,
    RECOVERY_LOCK_FOLDER,
    SECURITY_FOLDER,
    SIGNING_LOCK,
    STATE_FOLDER,
    TRUST_FOLDER,
    facts_file,
)
from cucmsh.services.backends import Backends, Clock, Link
from cucmsh.services.caller import Caller, Record
from cucmsh.services.deadlines import NODE_LOCK_SECONDS, PUSH_WAIT_SECONDS
from cucmsh.services.records.sinks import sinks_of
from cucmsh.storage.local import LocalStore
from cucmsh.storage.lock import held

PUSH = "the push to replicas"  # how it is named while it holds the cluster's lock


class Site:
    """One node, as its use-cases see it.

    Attributes:
        settings: its configuration.
        clock: the time.
        backends: keys, programs and other hosts; imported late.
        home: the files of the node itself.
        configuration: the folder that its configuration lies in.
        sinks: take the events of this node (``cucmsh.events``).
        caller: who calls its use-cases; None for nobody.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        backends: Backends,
        caller: Caller | None = None,
        record: Record | None = None,
    ) -> None:
        self.clock = clock
        self.backends = backends
        self.caller = caller
        self._record = record
        self._configure(settings)

    def _configure(self, settings: Settings) -> None:
        self.settings = settings
        self.home = LocalStore(settings.home)
        self.configuration = LocalStore(os.path.dirname(os.path.abspath(settings.path)))
        self.sinks = sinks_of(settings)
        has_tftp = settings.node.has_tftp
        self._tftp = LocalStore(settings.node.tftp_directory) if has_tftp else None

    def called_by(self, caller: Caller, record: Record) -> Self:
        """The same node for this caller, who may then call its use-cases.

        Args:
            caller: who it is.
            record: keeps what that caller does.
        """
        return type(self)(self.settings, self.clock, self.backends, caller, record)

    def with_settings(self, settings: Settings) -> Self:
        """The same node, for the same caller, after its configuration was changed."""
        here = (self.clock, self.backends, self.caller, self._record)
        return type(self)(settings, *here)

    def follow(self, settings: Settings) -> None:
        """Go on with the configuration that a command of this session has written.

        Args:
            settings: what was in the file, read under the cluster's lock, with that
                change.
        """
        self._configure(settings)

    @property
    def record(self) -> Record:
        """The record of what the caller does.

        Raises:
            RefusedError: there is no caller.
        """
        if self._record is None:
            raise RefusedError("nobody is known who calls this")
        return self._record

    @property
    def tftp(self) -> LocalStore:
        """What this node's TFTP service serves.

        Raises:
            ServiceError: it has no such service, and so no such directory.
        """
        if self._tftp is None:
            raise ServiceError(
                f"{self.node.name} does not run Cisco Tftp",
                "Use a node whose services contain tftp; see `show network cluster`.",
            )
        return self._tftp

    @property
    def node(self) -> Node:
        """This node, as the configuration describes it."""
        return self.settings.node

    @property
    def known_hosts(self) -> str:
        """The absolute path of the file with host keys of backup servers."""
        return os.path.join(self.settings.home, KNOWN_HOSTS)

    def require_publisher(self) -> None:
        """Refuse on a subscriber, in the original's words (docs/story.md case 4)."""
        if not self.node.is_publisher:
            raise RefusedError("This is not a Publisher Node")

    def require_present_settings(self) -> None:
        """Refuse a change by what the configuration said before it was changed.

        A prompt may stand for weeks, and know nothing of a node that was added or
        removed meanwhile. Called before a change asks its first question, and again
        when it holds the cluster's lock, under which nodes come and go.

        Raises:
            RefusedError: another session, or an editor, changed the file.
        """
        if is_outdated(self.settings):
            raise RefusedError(
                f"{self.settings.path} was changed since this login, and this session "
                "still has what it said then; nothing was changed",
                "Log in again, and type the command there.",
            )

    def node_lock(self, what: str) -> AbstractContextManager[None]:
        """One writer of this node's files. Held for moments; others wait 30 seconds.

        A change of several files that was decided and killed is finished first, so
        that whoever has the lock sees one whole state (``records.as_one``).

        Args:
            what: who holds it, for those who are refused.

        Raises:
            BusyError: somebody else holds it.
            StoreError: such a change cannot be finished, such as on a full disk.
        """
        return self._node_locked(what)

    @contextmanager
    def _node_locked(self, what: str) -> Iterator[None]:
        with self._lock("", NODE_LOCK, NODE_LOCK_SECONDS, what):
            if self.home.stamp(facts_file(NEXT)) is not None:
                from cucmsh.services.records.as_one import finish  # noqa: PLC0415

                finish(self)
            yield

    def ids_lock(self) -> AbstractContextManager[None]:
        """One writer of the ids of other nodes, see ``nodes.node_id``.

        Held for moments, and no other lock is taken meanwhile: so those who hold one
        may take it.
        """
        what = "a look at the ids of nodes"
        return self._lock(TRUST_FOLDER, IDS_LOCK, NODE_LOCK_SECONDS, what)

    def signing_lock(self) -> AbstractContextManager[None]:
        """One signer of phones' files on this node; a composing start does not wait."""
        what = "the signing of files"
        return self._lock(SECURITY_FOLDER, SIGNING_LOCK, NODE_LOCK_SECONDS, what)

    def accounts_lock(self) -> AbstractContextManager[None]:
        """One writer of accounts and of their failures; held for moments."""
        what = "a look at accounts"
        return self._lock(ACCOUNTS_FOLDER, ACCOUNTS_LOCK, NODE_LOCK_SECONDS, what)

    def phones_lock(self, what: str) -> AbstractContextManager[None]:
        """One reset of phones at a time; it may last for hours, and others are refused.

        Args:
            what: who holds it, for those who are refused.

        Raises:
            BusyError: another one is under way.
        """
        return self._lock(PHONES_LOCK_FOLDER, PHONES_LOCK, 0, what)

    def alarms_lock(self, what: str) -> AbstractContextManager[None]:
        """One sender of the alarms that wait; a second one is refused.

        Args:
            what: who holds it, for those who are refused.
        """
        return self._lock(ALARMS_WAITING, ALARMS_LOCK, 0, what)

    def monitor_lock(self, what: str) -> AbstractContextManager[None]:
        """One round of the Certificate Monitor at a time; others wait 30 seconds.

        Args:
            what: who holds it, for those who are refused.
        """
        wait = NODE_LOCK_SECONDS
        return self._lock(MONITOR_LOCK_FOLDER, MONITOR_LOCK, wait, what)

    def recovery_lock(self, what: str, wait: float = 0) -> AbstractContextManager[None]:
        """One backup or restore at a time; it may last for hours.

        Args:
            what: who holds it, for those who are refused.
            wait: for how many seconds.

        Raises:
            BusyError: another one is under way.
        """
        return self._lock(RECOVERY_LOCK_FOLDER, RECOVERY_LOCK, wait, what)

    @contextmanager
    def cluster_lock(self, what: str) -> Iterator[None]:
        """One change of the cluster at a time, of those that begin on this node.

        A command is refused while another holds it, and waits only for the push that
        follows a TFTP start, which nobody asked for and which ends by itself.

        Args:
            what: who holds it, for those who are refused.

        Raises:
            BusyError: another command holds it.
            RefusedError: see ``require_present_settings``.
        """
        wait = PUSH_WAIT_SECONDS
        with self._lock(STATE_FOLDER, CLUSTER_LOCK, wait, what, wait_only_for=PUSH):
            self.require_present_settings()
            yield

    def push_lock(self, wait: float) -> AbstractContextManager[None]:
        """The cluster's lock for the push to replicas, which waits for anybody.

        Args:
            wait: for how many seconds.
        """
        return self._lock(STATE_FOLDER, CLUSTER_LOCK, wait, PUSH)

    def open_link(self, node: Node) -> Link:
        """Log in to another node with our key; the caller closes the link.

        Raises:
            RefusedError: no way onto it is configured.
            CucmshError: see ``Backends.open_node``.
        """
        if node.ssh is None:
            raise RefusedError(
                f"no way onto {node.name} is configured",
                f"Add `ssh` to the entry of {node.name} in {self.settings.path}.",
            )
        return self.backends.open_node(node.ssh)

    @contextmanager
    def link_to(self, node: Node) -> Iterator[Link]:
        """``open_link`` for the body."""
        link = self.open_link(node)
        try:
            yield link
        finally:
            link.close()

    def _lock(
        self,
        folder: str,
        note: str,
        wait: float,
        what: str,
        *,
        wait_only_for: str = "",
    ) -> AbstractContextManager[None]:

        since = self.clock.now().strftime("%H:%M:%S UTC")
        holder = f"{what} (process {os.getpid()}, since {since})"
        home = self.settings.home
        path = os.path.join(home, note)
        folder = os.path.join(home, folder)
        return held(folder, path, holder, wait, wait_only_for)
