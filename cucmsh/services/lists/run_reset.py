"""``utils itl reset`` from the password to the report, for whoever asks for it.

The order (docs/security.md#steps-of-a-reset): the recovery key, the CCM Administrator
password, the cluster's lock, a look at all nodes while the list is planned and signed,
the questions, the change. Says and asks nothing itself: that is its ``ResetDialog``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import NamedTuple, Protocol

from cucmsh.errors import RefusedError, WrongPasswordError
from cucmsh.secret import Secret
from cucmsh.services.accounts.ccm_password import require_ccm_password
from cucmsh.services.backends import AcceptHostKey, BackupServer
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.keystore import ImportedKey, Keystore
from cucmsh.services.files import fetch_file
from cucmsh.services.lists.apply_reset import apply
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.locate_nodes import NodeStatus, locate
from cucmsh.services.lists.plan_reset import (
    ResetPlan,
    plan_local_reset,
    plan_remote_reset,
)
from cucmsh.services.nodes.tell_names import tell_names
from cucmsh.services.outcome import Progress, Report
from cucmsh.services.site import Site
from cucmsh.services.threads import meanwhile
from cucmsh.services.usecase import use_case

LOCAL = "utils itl reset localkey"
REMOTE = "utils itl reset remotekey"


class ResetDialog(Protocol):
    """What a reset tells and asks whoever wants it, in this order.

    What a method raises ends the reset; until ``changing`` nothing was changed.
    """

    def fetching(self) -> AbstractContextManager[None]:
        """The saved key is fetched in the body; not called for the local key."""

    def own_password(
        self, refusal: WrongPasswordError, open_with: Callable[[Secret], ImportedKey]
    ) -> ImportedKey:
        """The cluster's security password does not open the saved key: ask for its own.

        Args:
            refusal: what was said of it; raised by who asks nothing.
            open_with: opens it; raises ``WrongPasswordError`` for another password.
        """

    def ccm_password(self) -> Secret:
        """Ask for the CCM Administrator password."""

    def planning(self, signed: Callable[[], object]) -> None:
        """The list is being planned and signed.

        Who tells that it is there calls ``signed``, which waits for it, and ends the
        reset if it cannot be made. Who does not, loses no time over it.
        """

    def looking(self) -> AbstractContextManager[None]:
        """The nodes are asked in the body what they serve."""

    def located(self, nodes: Sequence[NodeStatus]) -> None:
        """These have a TFTP service; those that are not active say why."""

    def agree(self, plan: ResetPlan) -> None:
        """Show its warnings, ask its questions.

        Raises:
            CancelledError: somebody does not agree.
        """

    def changing(self, names: Sequence[str]) -> AbstractContextManager[Progress]:
        """These nodes are changed in the body, which tells each step."""


class ResetDone(NamedTuple):
    """What was planned, and what became of each node."""

    plan: ResetPlan
    report: Report


@use_case(LOCAL, changes=True, publisher_only=True, level=Privilege.ALL)
def reset_with_local_key(site: Site, dialog: ResetDialog) -> ResetDone:
    """Sign the list with the recovery key of this publisher and bring it everywhere.

    Raises:
        RefusedError: another password; a rule of the plan; nothing was changed.
        BusyError: another change of the cluster is under way.
        CucmshError: see ``apply_reset.apply``.
    """
    _require_ccm_password(site, dialog)
    return carry_out(site, LOCAL, plan_local_reset, dialog)


@use_case(REMOTE, changes=True, publisher_only=True, level=Privilege.ALL)
def reset_with_saved_key(
    site: Site,
    server: BackupServer,
    path: str,
    accept: AcceptHostKey,
    dialog: ResetDialog,
) -> ResetDone:
    """The same with a recovery key that was saved on an SFTP server.

    Args:
        site: this publisher.
        server: where the key file lies, and how to log in.
        path: of the file there.
        accept: asked about the key of a host that was never seen before.
        dialog: see ``ResetDialog``.

    Raises:
        WrongPasswordError: the file opens neither with this cluster's security
            password nor with one that was typed.
        KeyFileError: it holds no key that can be used.
        ConnectionFailedError, MissingFileError: it cannot be fetched.
        CucmshError: as ``reset_with_local_key``.
    """
    with dialog.fetching():
        raw = fetch_file(site, server, path, accept)
    keystore = Keystore(site)
    try:
        imported = keystore.open_key_file(raw)
    except WrongPasswordError as refusal:
        imported = dialog.own_password(
            refusal, lambda password: keystore.open_key_file(raw, password)
        )
    _require_ccm_password(site, dialog)
    return carry_out(site, REMOTE, lambda at: plan_remote_reset(at, imported), dialog)


def carry_out(
    site: Site,
    what: str,
    make_plan: Callable[[Site], ResetPlan],
    dialog: ResetDialog,
) -> ResetDone:
    """The part under the cluster's lock.

    Args:
        site: this publisher.
        what: who holds the lock, for others that want it.
        make_plan: plans and signs; reads this node only, so it costs no time while the
            others are asked.
        dialog: see ``ResetDialog``.
    """
    with site.cluster_lock(what), Fleet(site) as fleet:
        planning = cache(meanwhile(lambda: make_plan(site)))
        dialog.planning(planning)
        with dialog.looking():
            located = locate(site, fleet)
        if not located:
            raise RefusedError("no node of this cluster has a TFTP service")
        dialog.located(located)
        plan = planning()
        dialog.agree(plan)
        with dialog.changing([entry.node.name for entry in located]) as progress:
            tell_names(site)  # a member takes nothing from a name that it does not know
            return ResetDone(plan, apply(plan, located, site, fleet, progress))


def _require_ccm_password(site: Site, dialog: ResetDialog) -> None:
    require_ccm_password(site, dialog.ccm_password())
