"""Has every replica serve what this publisher serves: its list and its signed files.

A replica is a plain box with sshd and a TFTP server (docs/decisions/006). After every
compose and every signing the publisher brings it what is new; one that cannot be
reached, or does not give the list back through TFTP, is pending and named at the next
login. All replicas at once, a connection each, and a deadline for all together. The
publisher's own TFTP service waits for none of them: they get the list once it runs.

The order on one replica is: stage all, then commit the files, the list last. Staging
takes long and changes nothing that a phone sees; commits are a rename each. The list
comes last because taking it is the step that a phone cannot take back: from then on it
refuses whatever the earlier key signed, so all that it will ask for must be there
already. A phone that meets a new file with the old list still held keeps the
configuration it has, and asks again after its next list.

With ``keep_trust`` on, a replica keeps what it has, files and all, and is pending, if
phones that hold its list or another kept one would not take the new list.
"""

from __future__ import annotations

import os
from threading import Thread
from time import monotonic
from typing import NamedTuple

from cucmsh.config.model import Node, NodeRole
from cucmsh.errors import BusyError, CucmshError, ExhaustedError, StoreError
from cucmsh.exhaustion import told
from cucmsh.services.backends import Link
from cucmsh.services.lists.compose import served_list, sha256_of
from cucmsh.services.lists.manifest import digest_of_file
from cucmsh.services.lists.push import Errand, Pushed, bring
from cucmsh.services.lists.secret_files import secrets_of
from cucmsh.services.records.history import History
from cucmsh.services.records.pending import remember_replicas
from cucmsh.services.records.state import keep_mark
from cucmsh.services.site import PUSH, PUSH_SECONDS, Site
from cucmsh.storage.tree import tree_below
from cucmsh.trustlist.signed import SUFFIX

START_SECONDS = 12.0  # after a TFTP start; with the grace, 15 in all
MOST_ROUNDS = 5  # of starts that follow on one another
PATIENT_SECONDS = 3600.0  # for a command, which a person can end
UNFINISHED = "the last push was not finished"
GRACE_SECONDS = 3.0  # for what is under way at the deadline


class _Replica:
    """One replica while it is pushed to, by a thread of its own."""

    def __init__(self, site: Site, node: Node, errand: Errand) -> None:
        self.node = node
        self.pushed: Pushed | None = None
        self._site = site
        self._errand = errand
        self._link: Link | None = None
        self._is_over = False
        # A daemon: one that hangs in a connect dies with the process.
        self.thread = Thread(target=self._run, daemon=True)

    def give_up(self) -> None:
        """Hang up on it; its thread then ends by itself."""
        self._is_over = True
        if self._link is not None:
            self._link.close()

    def _run(self) -> None:
        try:
            with told(), self._site.link_to(self.node) as link:
                self._link = link
                if not self._is_over:
                    self.pushed = bring(self._site, self.node, link, self._errand)
        except CucmshError as problem:
            if not self._is_over:  # else it broke because we hung up
                self.pushed = Pushed(problem.message)


class Replicas(NamedTuple):
    """What became of the replicas.

    Attributes:
        written: how many files each got that is done, by name.
        problems: why the others are pending, by name.
    """

    written: dict[str, int]
    problems: dict[str, str]


NOBODY = Replicas({}, {})


def replicas_of(site: Site) -> list[Node]:
    """The replicas, if this node is the publisher and has something to bring them."""
    if not site.node.is_publisher or not site.node.has_tftp:
        return []
    nodes = site.settings.cluster.nodes
    return [node for node in nodes if node.role is NodeRole.REPLICA]


def update_replicas(site: Site) -> Replicas:
    """Bring the replicas what this publisher serves, after its TFTP service started.

    Waits for another push, which may have begun before the start and so bring an
    earlier list. What a later start composes meanwhile is brought too.

    Raises:
        StoreError: what is pending cannot be remembered.
    """
    found = NOBODY
    for _ in range(MOST_ROUNDS):
        raw = served_list(site)
        is_reset = raw is not None and keep_mark(site.home) == sha256_of(raw)
        wait = 0 if is_reset else PUSH_SECONDS
        found = push(site, seconds=START_SECONDS, wait=wait, is_reset=is_reset)
        if served_list(site) == raw:
            return found
    meanwhile = "new lists were composed meanwhile"
    problems = {node.name: meanwhile for node in replicas_of(site)} | found.problems
    remember_replicas(site, problems)
    return Replicas({}, problems)


def push(
    site: Site,
    *,
    seconds: float = PATIENT_SECONDS,
    wait: float = 0,
    is_reset: bool = False,
) -> Replicas:
    """Push under the cluster's lock, and remember who is pending.

    Args:
        site: the publisher; on other nodes nothing is done.
        seconds: for everything, once the lock is there.
        wait: for the lock.
        is_reset: the served list is a reset's. If somebody holds the lock then, it is
            that reset, which brings its list to the replicas itself.

    Raises:
        StoreError: what is pending cannot be remembered.
    """
    nodes = replicas_of(site)
    if not nodes:
        return NOBODY
    try:
        with site.cluster_lock(PUSH, wait):
            return push_held(site, seconds=seconds)
    except BusyError as busy:
        if is_reset:
            return NOBODY
        problems = {node.name: busy.message for node in nodes}
    remember_replicas(site, problems)
    return Replicas({}, problems)


def push_held(site: Site, *, seconds: float = PATIENT_SECONDS) -> Replicas:
    """The same for a caller that holds the cluster's lock."""
    nodes = replicas_of(site)
    raw = served_list(site) if nodes else None
    if raw is None:
        return NOBODY
    end = monotonic() + seconds
    digests = signed_digests(site)
    replicas = [_Replica(site, node, Errand(raw, dict(digests), end)) for node in nodes]
    # First what is so if we are killed meanwhile.
    remember_replicas(site, {node.name: UNFINISHED for node in nodes})
    _run_all(replicas, end + GRACE_SECONDS)
    written, problems = {}, {}
    is_served = served_list(site) == raw
    for replica in replicas:
        name, pushed = replica.node.name, replica.pushed
        if pushed is None:
            pushed = Pushed(f"it was not done within {seconds:.0f} seconds")
        if pushed.problem:
            problems[name] = pushed.problem
        elif not is_served:
            problems[name] = "this node composed another list meanwhile"
        else:
            written[name] = pushed.written
    _note_served(site, raw, list(written))
    remember_replicas(site, problems)
    return Replicas(written, problems)


def _note_served(site: Site, raw: bytes, names: list[str]) -> None:
    """These replicas serve the list: none that they serve is ever forgotten."""
    if not site.settings.keep_trust or not names:
        return
    with site.node_lock():
        history = History(site)
        for name in names:
            history.note_elsewhere(name, raw)


def _run_all(replicas: list[_Replica], end: float) -> None:
    """All at once; who is not done at the end, or at Ctrl-C, is hung up on."""
    try:
        for replica in replicas:
            try:
                with told():
                    replica.thread.start()
            except ExhaustedError as problem:
                replica.pushed = Pushed(problem.message)
        for replica in replicas:
            if replica.thread.ident is not None:  # it was started
                replica.thread.join(max(0.0, end - monotonic()))
    finally:
        for replica in replicas:
            if replica.pushed is None:
                replica.give_up()


def signed_digests(site: Site) -> dict[str, str]:
    """Every signed file, and the digest of its bytes; none that holds a key."""
    digests = {}
    secrets = secrets_of(site)
    for name in tree_below(site.tftp.root).files:
        if name.endswith(SUFFIX):
            try:
                raw = site.tftp.read(name)
            except StoreError:  # too large for any store, or gone just now
                continue
            is_link = secrets.is_one(os.path.join(site.tftp.root, name))
            if not is_link and not secrets.why_kept(raw):
                digests[name] = digest_of_file(raw)
    return digests
