"""The cluster as values: nodes, their services and the ways to them. Reads no file."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class NodeRole(StrEnum):
    """What a node is (docs/decisions/006)."""

    PUBLISHER = "publisher"
    SUBSCRIBER = "subscriber"
    REPLICA = "replica"


class SshAddress(NamedTuple):
    """The way onto a node: an account that takes a key only.

    Attributes:
        host: name or address.
        port: TCP port.
        user: the account.
        identity: path of the private key that opens it.
        host_key: the pinned key, as ``ssh-ed25519 AAAA...``.
    """

    host: str
    port: int
    user: str
    identity: str
    host_key: str


class TftpAddress(NamedTuple):
    """Where a node's TFTP service answers: host and UDP port."""

    host: str
    port: int


class TvsAddress(NamedTuple):
    """Where a node's Trust Verification Service answers, over TLS: host, TCP port."""

    host: str
    port: int


class HttpAddress(NamedTuple):
    """Where a node gives phones by HTTP what TFTP serves: host and TCP port."""

    host: str
    port: int


TFTP = "Cisco Tftp"
TVS = "Cisco Trust Verification Service"
CAPF = "Cisco Certificate Authority Proxy Function"
EXPIRY_MONITOR = "Cisco Certificate Expiry Monitor"
CHANGE_NOTIFICATION = "Cisco Certificate Change Notification"
# What a service of that name makes a node in its cluster; the others make it nothing.
ROLE_OF_SERVICE = {TFTP: "tftp", TVS: "tvs", CAPF: "capf"}
# All that a node may have, by the names of the original.
SERVICE_NAMES = (*ROLE_OF_SERVICE, EXPIRY_MONITOR, CHANGE_NOTIFICATION)


class ServiceCommands(NamedTuple):
    """Fixed argv lists for one service of a node; run without a shell."""

    start: tuple[str, ...]
    stop: tuple[str, ...]
    restart: tuple[str, ...]
    status: tuple[str, ...]


class NodeService(NamedTuple):
    """A service of a node besides Cisco Tftp, and the commands that control it."""

    name: str
    commands: ServiceCommands


class Node(NamedTuple):
    """One node of the cluster, as the configuration describes it.

    Attributes:
        name: the host name, without domain.
        role: publisher, subscriber or replica.
        services: of ``tftp``, ``tvs`` and ``capf``.
        tftp_directory: what its TFTP service serves; empty without that service.
        tftp: where its TFTP service answers.
        tvs: where its TVS answers, if it has that service.
        http: where it gives phones by HTTP what TFTP serves, if it does.
        ssh: the way onto it from the other nodes, if there is one.
        service_commands: the argv lists of its TFTP service, if they are configured.
        program: on a member, the argv that runs cucmsh there for ``hook``.
        other_services: its services besides Cisco Tftp that have commands of their own.
        bring: on a replica, which plain files of the publisher's TFTP directory it is
            brought, as shell wildcards; a pattern without ``/`` is held against the
            last part of a name.
        aliases: names that it had before it was renamed; what names nodes takes them.
        domain: of its host name, where it is not the cluster's; empty for none.
    """

    name: str
    role: NodeRole
    services: tuple[str, ...]
    tftp_directory: str
    tftp: TftpAddress
    tvs: TvsAddress
    http: HttpAddress
    ssh: SshAddress | None
    service_commands: ServiceCommands | None
    program: tuple[str, ...] = ("cucmsh",)
    other_services: tuple[NodeService, ...] = ()
    bring: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    domain: str | None = None

    def commands_of(self, service: str) -> ServiceCommands | None:
        """The commands of a service by its name; None where none are configured."""
        if service == TFTP:
            return self.service_commands if self.has_tftp else None
        found = (at.commands for at in self.other_services if at.name == service)
        return next(found, None)

    @property
    def has_tftp(self) -> bool:
        """Whether it has Cisco Tftp."""
        return "tftp" in self.services

    @property
    def has_tvs(self) -> bool:
        """Whether it has the Trust Verification Service."""
        return "tvs" in self.services

    @property
    def is_publisher(self) -> bool:
        """Whether it is the cluster's publisher."""
        return self.role is NodeRole.PUBLISHER

    @property
    def is_member(self) -> bool:
        """Whether it runs cucmsh and has keys of its own."""
        return self.role is not NodeRole.REPLICA


class FurtherRecord(NamedTuple):
    """A certificate from elsewhere that stands in every list this node composes.

    Attributes:
        role: its code (docs/formats.md#roles).
        certificate: PEM, with one line end behind its last line. That it is one is
            seen when a list is composed; until then only its frame was looked at.
    """

    role: int
    certificate: str


# What the configuration calls the roles (docs/formats.md#roles).
ROLE_CODES = {
    "sast": 0,
    "ccm": 1,
    "ccm+tftp": 2,
    "tftp": 3,
    "capf": 4,
    "app": 7,
    "tvs": 21,
}
SAST_CODE = ROLE_CODES["sast"]
OWN_SAST_RECORDS = 2  # CallManager's, or an earlier key's in its place; ITLRecovery's


class Cluster(NamedTuple):
    """All nodes, in the order of the configuration.

    Attributes:
        domain: of the host names of nodes that have none of their own; may be empty.
        subject: of the certificates, as ``OU=tac;O=cisco``, without CN.
        nodes: with exactly one publisher.
        records: further records of the lists, in order.
        sast_records: how many System Administrator Security Tokens a list may name.
    """

    domain: str
    subject: str
    nodes: tuple[Node, ...]
    records: tuple[FurtherRecord, ...] = ()
    sast_records: int = OWN_SAST_RECORDS

    @property
    def publisher(self) -> Node:
        """The one publisher."""
        return next(node for node in self.nodes if node.is_publisher)

    @property
    def members(self) -> tuple[Node, ...]:
        """The publisher and its subscribers, in order."""
        return tuple(node for node in self.nodes if node.is_member)

    def find(self, name: str) -> Node | None:
        """The node of that name, or that had it before; None if there is none."""
        found = next((node for node in self.nodes if node.name == name), None)
        return found or next((at for at in self.nodes if name in at.aliases), None)

    def present_name(self, name: str) -> str:
        """What the node of that name is called now; a stranger's name as it is."""
        node = self.find(name)
        return node.name if node else name

    def domain_of(self, node: Node) -> str:
        """The node's own domain, or else the cluster's; may be empty."""
        return self.domain if node.domain is None else node.domain

    def full_name(self, node: Node) -> str:
        """The node's name with its domain, or the plain name where there is none."""
        domain = self.domain_of(node)
        return f"{node.name}.{domain}" if domain else node.name
