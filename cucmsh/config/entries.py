"""Entries of nodes for a configuration, as plain TOML values.

``entry_of`` gives neither the way onto a node nor its service commands: an identity is
a path on one machine, and commands are run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cucmsh.config.model import Node, SshAddress, TftpAddress
from cucmsh.hosts import HTTP_PORT, TVS_PORT

Entry = Mapping[str, Any]  # a table of the configuration
OWN_TFTP = TftpAddress("127.0.0.1", 69)  # as a node sees itself, and nobody else does


def entry_of(node: Node) -> dict[str, Any]:
    """The node as a table, without its SSH address and its commands."""
    entry: dict[str, Any] = {
        "name": node.name,
        "role": node.role.value,
        "services": list(node.services),
    }
    if node.has_tftp:
        entry["tftp_directory"] = node.tftp_directory
        if node.tftp != OWN_TFTP:
            entry["tftp"] = node.tftp._asdict()
    if node.aliases:
        entry["aliases"] = list(node.aliases)
    if node.domain is not None:
        entry["domain"] = node.domain
    # Left out where it is what a reader takes them for without.
    if node.tvs != (node.tftp.host, TVS_PORT):
        entry["tvs"] = node.tvs._asdict()
    if node.http != (node.tftp.host, HTTP_PORT):
        entry["http"] = node.http._asdict()
    return entry


def way_of(node: Node, address: SshAddress) -> dict[str, Any]:
    """The keys that lead onto a member: its address, and what runs there."""
    way: dict[str, Any] = {"ssh": address._asdict()}
    if node.is_member:
        way["program"] = list(node.program)
    return way


def systemd_words(unit: str, *, by_sudo: bool) -> str | dict[str, list[str]]:
    """``service_commands`` for a unit of systemd.

    Args:
        unit: its name, without ``.service``.
        by_sudo: for an account that controls it by ``sudo -n``.
    """
    if not by_sudo:
        return f"systemd:{unit}"
    words = {
        verb: ["sudo", "-n", "/usr/bin/systemctl", verb, unit]
        for verb in ("start", "stop", "restart")
    }
    return {**words, "status": ["systemctl", "is-active", "--quiet", unit]}


def how_to_name_commands(node: str, path: str = "the configuration") -> str:
    """Advice for a service without commands, for both forms of its node's entry."""
    return (
        f"Name them in the entry of {node} in {path}: as service_commands; or, where "
        "its services are tables ([[cluster.nodes.services]]), as unit or commands of "
        "that service."
    )
