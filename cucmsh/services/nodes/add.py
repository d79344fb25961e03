"""Enrols a node: the plan, and the way onto it; ``nodes.enrol`` does the rest.

Run on the publisher. Nothing is sent to a host whose key was not pinned. The entry in
the publisher's configuration is written last, whole: until then the cluster does not
know the node, and running it all again finishes it. Run for a node that is there, it
checks the way anew and fetches what has changed on it. Asks nothing.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from cucmsh.config.model import Node, NodeRole, SshAddress, TftpAddress
from cucmsh.config.settings import parse_settings
from cucmsh.errors import (
    AuthenticationError,
    ConfigurationError,
    HostKeyError,
    RefusedError,
    StoreError,
    UsageError,
)
from cucmsh.remote.ssh.causes import OTHER_ROOT
from cucmsh.secret import Secret
from cucmsh.services.backends import Backends, Link
from cucmsh.services.caller import Privilege
from cucmsh.services.nodes.check_way import has_root, why_key_is_refused
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.nodes.confine import ask_description
from cucmsh.services.nodes.identity import (
    authorize,
    confine,
    identity_path,
    make_identity,
    public_line,
)
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.folders import require_own

if TYPE_CHECKING:
    from cucmsh.remote.ssh.first_login import ShownKey

DEFAULT_USER = "cucmsh"
UNKNOWN_KEY = "ssh-unknown AAAA"  # stands in until the host has shown its own


class EnrolBackends(Backends, Protocol):
    """What enrolling needs besides; see ``remote.ssh.first_login``."""

    def look(self, host: str, port: int) -> ShownKey: ...

    def open_with_password(self, address: SshAddress, password: Secret) -> Link: ...


class WantedNode(NamedTuple):
    """What ``cucmsh node add`` was asked for; what was left out is empty or None.

    Attributes:
        name: the host name, without domain.
        role: replica where nothing is said; of a node that is there, its own.
        address: host and port of its sshd.
        user: the account there.
        tftp_directory: of a replica.
        tftp: where its TFTP service answers.
        service_commands: of a replica, as the configuration takes them.
        program: of a subscriber: what runs cucmsh there.
    """

    name: str
    role: NodeRole | None = None
    address: tuple[str, int] | None = None
    user: str = ""
    tftp_directory: str = ""
    tftp: TftpAddress | None = None
    service_commands: str | dict[str, list[str]] | None = None
    program: tuple[str, ...] = ()


class AddPlan(NamedTuple):
    """The entry to come, the node it describes, and whether it is there already.

    The host key of a new node is ``UNKNOWN_KEY`` until ``pinned``.
    """

    entry: dict[str, Any]
    node: Node
    is_known: bool

    @property
    def address(self) -> SshAddress:
        if self.node.ssh is None:
            raise ConfigurationError(f"no way onto {self.node.name} is configured")
        return self.node.ssh


def require_owner(site: Site) -> None:
    """Refuse another account: what it writes, this node could not read any more."""
    require_own(site.settings.home)


def plan_add(site: Site, wanted: WantedNode) -> AddPlan:
    """The node as it will stand in the configuration; reads that file only.

    Raises:
        RefusedError: not the publisher, or the name is taken.
        UsageError: something is missing or no node can have it.
    """
    site.require_publisher()
    known = _known_entry(site, wanted.name)
    entry: dict[str, Any] = dict(known) if known else {"name": wanted.name}
    if known:
        _require_same(site, known, wanted)
    elif wanted.address is None:
        raise UsageError(f"where is {wanted.name}?", "Give --host HOST or HOST:PORT.")
    else:
        role = wanted.role or NodeRole.REPLICA
        services = ["tftp"] if role is NodeRole.REPLICA else []
        host, port = wanted.address
        entry |= {"role": role.value, "services": services}
        entry["ssh"] = {"host": host, "port": port, "user": DEFAULT_USER}
    entry["ssh"] = {**entry.get("ssh", {}), "identity": identity_path(site)}
    entry["ssh"].setdefault("host_key", UNKNOWN_KEY)
    if wanted.user:
        entry["ssh"]["user"] = wanted.user
    for key, value in (
        ("tftp_directory", wanted.tftp_directory),
        ("tftp", wanted.tftp._asdict() if wanted.tftp else None),
        ("service_commands", wanted.service_commands),
        ("program", list(wanted.program)),
    ):
        if value:
            entry[key] = value
    return _planned(site, entry, is_known=known is not None)


def pinned(site: Site, plan: AddPlan, host_key: str) -> AddPlan:
    """The plan with the host's key in it."""
    ssh = {**plan.entry["ssh"], "host_key": host_key}
    return _planned(site, {**plan.entry, "ssh": ssh}, is_known=plan.is_known)


def described(site: Site, plan: AddPlan, facts: dict[str, Any]) -> AddPlan:
    """The plan with what a subscriber said of itself."""
    return _planned(site, {**plan.entry, **facts}, is_known=plan.is_known)


def has_way(site: Site, address: SshAddress) -> bool:
    """Whether our key opens the account already.

    Raises:
        ConnectionFailedError, HostKeyError: no answer, or another host.
    """
    with site.node_lock():
        make_identity(site)  # a configuration made by hand has none yet
    try:
        site.backends.open_node(address).close()
    except AuthenticationError:
        return False
    except HostKeyError as problem:
        raise HostKeyError(
            problem.message,
            "If it was built anew, read its new key there, and give it to `node add` "
            "with --host-key.",
        ) from problem
    return True


@use_case("cucmsh node add", changes=True, publisher_only=True, level=Privilege.ALL)
def make_way(site: Site, plan: AddPlan, link: Link, backends: EnrolBackends) -> None:
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
    home = backends.home_on(link)
    try:
        if node.is_member:
            confine(home, public_line(site, node.program))
        else:
            authorize(home, public_line(site))
    except StoreError as problem:
        if has_root(backends, link):
            raise
        raise StoreError(
            f"{problem.message}: {OTHER_ROOT.what}", OTHER_ROOT.advice
        ) from problem
    finally:
        home.close()
    try:
        site.backends.open_node(address).close()
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


def _known_entry(site: Site, name: str) -> dict[str, Any] | None:
    store, file = split_path(site.settings.path)
    table = tomllib.loads(store.read(file).decode())
    return next((e for e in table["cluster"]["nodes"] if e.get("name") == name), None)


def _require_same(site: Site, known: dict[str, Any], wanted: WantedNode) -> None:
    if known["name"] == site.node.name:
        raise RefusedError(f"{wanted.name} is this node")
    ssh = known.get("ssh", {})
    address = (ssh.get("host"), ssh.get("port", 22))
    is_elsewhere = wanted.address is not None and wanted.address != address
    if is_elsewhere or wanted.role not in (None, NodeRole(known["role"])):
        raise RefusedError(
            f"{wanted.name} is a {known['role']} of this cluster already, at "
            f"{address[0]} port {address[1]}",
            f"Take it out first: cucmsh node remove {wanted.name}",
        )


def _planned(site: Site, entry: dict[str, Any], *, is_known: bool) -> AddPlan:
    from cucmsh.config.editing import with_node  # noqa: PLC0415 - tomlkit

    path = site.settings.path
    store, file = split_path(path)
    text = with_node(store.read(file).decode(), path, entry)
    try:
        node = parse_settings(text.encode(), path).cluster.find(entry["name"])
    except ConfigurationError as problem:
        what = problem.message.removeprefix(f"{path}: ")
        raise UsageError(f"no node can be made of this: {what}") from problem
    if node is None:
        raise ConfigurationError(f"{path}: the new node cannot be found in it")
    return AddPlan(entry, node, is_known)
