"""The node that ``node add`` would make: its entry in the publisher's configuration.

Reads that configuration, writes and sends nothing.
"""

from __future__ import annotations

import tomllib
from typing import Any, NamedTuple

from cucmsh.config.model import Node, NodeRole, SshAddress, TftpAddress
from cucmsh.config.settings import parse_settings
from cucmsh.errors import ConfigurationError, RefusedError, UsageError
from cucmsh.services.nodes.configure import split_path
from cucmsh.services.nodes.identity import identity_path
from cucmsh.services.site import Site

DEFAULT_USER = "cucmsh"
UNKNOWN_KEY = "ssh-unknown AAAA"  # stands in until the host has shown its own


class WantedNode(NamedTuple):
    """What is asked of a node to be added; what was left out is empty or None.

    Attributes:
        role: replica where nothing is said; of a node that is there, its own.
        address: host and port of its sshd; needed for a new node.
        user: the account there.
        tftp_directory: of a replica.
        tftp: where its TFTP service answers.
        service_commands: of a replica, as the configuration takes them.
        program: of a subscriber: the argv that runs cucmsh there.
        host_key: of its sshd, ``TYPE BASE64``, if it is known from the node itself.
        identity: path of a private key that opens the account now.
        has_password: the account's password was given beforehand.
    """

    role: NodeRole | None = None
    address: tuple[str, int] | None = None
    user: str = ""
    tftp_directory: str = ""
    tftp: TftpAddress | None = None
    service_commands: str | dict[str, list[str]] | None = None
    program: tuple[str, ...] = ()
    host_key: str = ""
    identity: str = ""
    has_password: bool = False

    @property
    def has_login(self) -> bool:
        """Whether a first login was given, which mends a way that is there, too."""
        return bool(self.identity) or self.has_password


class AddPlan(NamedTuple):
    """The entry to come, the node it describes, and whether it is there already.

    Attributes:
        entry: as the configuration will have it, in TOML's types.
        node: the same as a value; a new node has the host key ``UNKNOWN_KEY`` until
            ``pinned``.
        is_known: whether the node is in the configuration already.
    """

    entry: dict[str, Any]
    node: Node
    is_known: bool

    @property
    def address(self) -> SshAddress:
        if self.node.ssh is None:
            raise ConfigurationError(f"no way onto {self.node.name} is configured")
        return self.node.ssh


def plan_add(site: Site, name: str, wanted: WantedNode) -> AddPlan:
    """The node as it will stand in the configuration.

    Args:
        site: the publisher.
        name: the host name of the node, without domain.
        wanted: what it is to be.

    Raises:
        RefusedError: the name is taken: by this node, or by one with another address or
            role.
        UsageError: something is missing or no node can have it.
    """
    known = _known_entry(site, name)
    entry: dict[str, Any] = dict(known) if known else {"name": name}
    if known:
        _require_same(site, known, wanted)
    elif wanted.address is None:
        raise UsageError(f"where is {name}?", "Give --host HOST or HOST:PORT.")
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
    """The plan with the host's key in it, as ``TYPE BASE64``."""
    ssh = {**plan.entry["ssh"], "host_key": host_key}
    return _planned(site, {**plan.entry, "ssh": ssh}, is_known=plan.is_known)


def described(site: Site, plan: AddPlan, facts: dict[str, Any]) -> AddPlan:
    """The plan with what a subscriber said of itself."""
    return _planned(site, {**plan.entry, **facts}, is_known=plan.is_known)


def _known_entry(site: Site, name: str) -> dict[str, Any] | None:
    store, file = split_path(site.settings.path)
    table = tomllib.loads(store.read(file).decode())
    nodes: list[dict[str, Any]] = table["cluster"]["nodes"]
    found = next((at for at in nodes if at.get("name") == name), None)
    return found or next((at for at in nodes if name in at.get("aliases", ())), None)


def _require_same(site: Site, known: dict[str, Any], wanted: WantedNode) -> None:
    name = known["name"]
    if name == site.node.name:
        raise RefusedError(f"{name} is this node")
    ssh = known.get("ssh", {})
    address = (ssh.get("host"), ssh.get("port", 22))
    is_elsewhere = wanted.address is not None and wanted.address != address
    if is_elsewhere or wanted.role not in (None, NodeRole(known["role"])):
        raise RefusedError(
            f"{name} is a {known['role']} of this cluster already, at "
            f"{address[0]} port {address[1]}",
            f"Take it out first: cucmsh node remove {name}",
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
