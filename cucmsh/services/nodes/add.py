"""``cucmsh node add``: makes a host a node of the cluster, for whoever asks for it.

Run on the publisher. The order: the entry that there will be, the host key, a first
login where our key does not open the account yet, our key there, then all that
``nodes.enrol`` does. Nothing is sent to a host whose key was not pinned. The entry is
written to the publisher's configuration last, whole: until then the cluster does not
know the node, and running it all again finishes it. Run for a node that is there, it
checks the way anew and fetches what has changed on it. Says and asks nothing itself:
that is its ``AddDialog``.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cucmsh.config.model import Node, SshAddress
from cucmsh.errors import (
    AuthenticationError,
    HostKeyError,
    StoreError,
)
from cucmsh.remote.ssh.causes import OTHER_ROOT
from cucmsh.secret import Secret
from cucmsh.services.backends import Link
from cucmsh.services.caller import Privilege
from cucmsh.services.lists.replica_records import Publisher
from cucmsh.services.nodes.add_plan import AddPlan, WantedNode, pinned, plan_add
from cucmsh.services.nodes.check_way import has_root, why_key_is_refused
from cucmsh.services.nodes.confine import ask_description
from cucmsh.services.nodes.enrol import enrol, other_publisher
from cucmsh.services.nodes.health.finding import Finding
from cucmsh.services.nodes.identity import (
    authorize,
    confine,
    make_identity,
    public_line,
)
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

if TYPE_CHECKING:
    from cucmsh.remote.ssh.first_login import ShownKey


class AddDialog(Protocol):
    """Who adds a node: is told and asked, in this order.

    What a method raises ends the use-case; until ``changing`` the cluster is unchanged.
    """

    def becomes_replica(self, name: str) -> None:
        """No role was named, so the node becomes a replica."""

    def pin(self, node: Node, shown: ShownKey) -> None:
        """Ask whether the host key that the node showed is its own.

        Raises:
            CancelledError: it is not.
        """

    def password(self, address: SshAddress) -> Secret:
        """The password of the account there, for the first login."""

    def take_over(self, node: Node, owner: Publisher) -> None:
        """Ask whether a replica that another publisher owns becomes ours.

        Raises:
            CancelledError: it stays with the other one.
        """

    def changing(self, name: str) -> AbstractContextManager[object]:
        """The body must not be interrupted."""


class Added(NamedTuple):
    """What became of it.

    Attributes:
        node: which one.
        findings: what was found on the way.
        is_added: whether the node is in the configuration; a new replica of which
            something was found to fail is not.
    """

    node: Node
    findings: list[Finding]
    is_added: bool


@use_case("cucmsh node add", changes=True, publisher_only=True, level=Privilege.ALL)
def add_node(site: Site, name: str, wanted: WantedNode, dialog: AddDialog) -> Added:
    """Make the host of that name a node, or check and refresh one that is there.

    Args:
        site: the publisher.
        name: its host name, without domain.
        wanted: what it is to be.
        dialog: see ``AddDialog``.

    Raises:
        RefusedError, UsageError: see ``plan_add``.
        CancelledError: the dialog refused the key or the taking over.
        ConnectionFailedError, HostKeyError, AuthenticationError: no way leads there.
        BusyError: another change of the cluster is under way.
        CucmshError: the node cannot be used as it is; it is not in the configuration.
    """
    plan = plan_add(site, name, wanted)
    if not plan.is_known and wanted.role is None:
        dialog.becomes_replica(name)
    plan = _with_host_key(site, plan, wanted, dialog)
    is_mended = plan.node.is_member and wanted.has_login
    if not _has_way(site, plan.node) or is_mended:
        _open_way(site, plan, wanted, dialog)
    owner = other_publisher(site, plan)
    if owner:
        dialog.take_over(plan.node, owner)
    with dialog.changing(name):
        findings, is_added = enrol(site, plan, owner)
    return Added(plan.node, findings, is_added)


def _with_host_key(
    site: Site, plan: AddPlan, wanted: WantedNode, dialog: AddDialog
) -> AddPlan:
    if wanted.host_key:
        return pinned(site, plan, wanted.host_key)
    if plan.is_known:
        return plan
    shown = site.backends.show_host_key(plan.address.host, plan.address.port)
    dialog.pin(plan.node, shown)
    return pinned(site, plan, f"{shown.key.kind} {shown.key.key}")


def _has_way(site: Site, node: Node) -> bool:
    """Whether our key opens the account already.

    Raises:
        ConnectionFailedError, HostKeyError: no answer, or another host.
    """
    with site.node_lock("cucmsh node add"):
        make_identity(site)  # a configuration made by hand has none yet
    try:
        site.open_link(node).close()
    except AuthenticationError:
        return False
    except HostKeyError as problem:
        raise HostKeyError(
            problem.message,
            "If it was built anew, read its new key there, and give it to `node add` "
            "with --host-key.",
        ) from problem
    return True


def _open_way(site: Site, plan: AddPlan, wanted: WantedNode, dialog: AddDialog) -> None:
    """Log in for the first time, and install our key."""
    if wanted.identity:
        address = plan.address._replace(identity=wanted.identity)
        link = site.open_link(plan.node._replace(ssh=address))
    else:
        password = dialog.password(plan.address)
        link = site.backends.open_with_password(plan.address, password)
    try:
        _make_way(site, plan, link)
    finally:
        link.close()


def _make_way(site: Site, plan: AddPlan, link: Link) -> None:
    """Install our key through a first login, and log in with it.

    On a member, with the forced command that keeps it to the hooks; so that command is
    tried first.

    Raises:
        StoreError: something stands in the way of the file; nothing changed.
        ServiceError: cucmsh does not run on the member; nothing changed.
        AuthenticationError: the host does not take the key that it now has.
    """
    address, node = plan.address, plan.node
    if node.is_member:
        ask_description(link, node)
    home = site.backends.home_on(link)
    try:
        if node.is_member:
            confine(home, public_line(site, node.program))
        else:
            authorize(home, public_line(site))
    except StoreError as problem:
        if has_root(site.backends, link):
            raise
        raise StoreError(
            f"{problem.message}: {OTHER_ROOT.what}", OTHER_ROOT.advice
        ) from problem
    try:
        site.open_link(node).close()
    except AuthenticationError as problem:
        reason = why_key_is_refused(link)
        advice = "There: chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys"
        if not reason:
            reason = (
                "its sshd reads another file (AuthorizedKeysFile), or takes no keys"
            )
            advice = (
                "As root there: sshd -T | grep -i -e authorizedkeysfile -e pubkey; "
                "`journalctl -u ssh` says why it refused."
            )
        raise AuthenticationError(
            f"our key is in ~/.ssh/authorized_keys of {address.user!r} on "
            f"{address.host}, and its sshd does not take it: {reason}",
            advice,
        ) from problem
