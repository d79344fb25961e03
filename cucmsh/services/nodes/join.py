"""How a subscriber joins: it describes itself, and is sent the cluster.

The publisher's document is authenticated with the cluster security password (HMAC with
a key from scrypt), as in the original a node with another password cannot join. Nothing
in it is run: this node keeps its own service commands and SSH addresses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container
from typing import Any, NamedTuple

from cucmsh.config.entries import entry_of, way_of
from cucmsh.config.model import (
    FurtherRecord,
    HttpAddress,
    Node,
    TftpAddress,
    TvsAddress,
)
from cucmsh.errors import RefusedError, ServiceError
from cucmsh.hosts import HTTP_PORT, TVS_PORT
from cucmsh.layout import STAGING
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.identity import identity_path
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.nodes.node_id import ids_by_name, is_id, known_ids, learn, own_id
from cucmsh.services.nodes.sealed import sealed, unsealed
from cucmsh.services.records.waiting import read_waiting, settle_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


class Description(NamedTuple):
    """A member as it describes itself.

    Attributes:
        node: as far as the node itself knows it; no way onto it.
        publisher: the name of the publisher it was made for.
        domain: of its certificates.
        subject: the same.
        certificates: what the other members need, as PEM.
        id: its own; empty from a member of an earlier version, which tells none.
    """

    node: Node
    publisher: str
    domain: str
    subject: str
    certificates: dict[Unit, bytes]
    id: str = ""


@use_case("hook clock")
def read_clock(site: Site) -> int:
    """The time here, in seconds since 1970 (Unix time)."""
    return int(site.clock.now().timestamp())


@use_case("hook describe")
def describe(site: Site) -> str:
    """This node as JSON, for ``read_description``; holds nothing secret."""
    node, cluster = site.node, site.settings.cluster
    pems = public_certificates(site)
    return json.dumps(
        {
            "id": own_id(site),
            "name": node.name,
            "role": node.role.value,
            "services": node.services,
            "tftp_directory": node.tftp_directory,
            "tftp_port": node.tftp.port,
            "tvs_port": node.tvs.port,
            "http_port": node.http.port,
            # Nobody reads it any more; publishers of earlier versions need it there.
            "staging": os.path.join(site.settings.home, STAGING),
            "publisher": cluster.publisher.name,
            "domain": cluster.domain,
            "aliases": node.aliases,
            "own_domain": node.domain,
            "subject": cluster.subject,
            "certificates": {unit: pem.decode() for unit, pem in pems.items()},
        }
    )


def read_description(text: str, asked: Node) -> Description:
    """Parse what ``describe`` printed; the way onto the node comes from ``asked``.

    Raises:
        ServiceError: it is no description.
    """
    try:
        said = json.loads(text)
        host, domain = asked.tftp.host, said.get("own_domain")
        node = asked._replace(
            name=str(said["name"]),
            role=type(asked.role)(said["role"]),
            services=tuple(str(service) for service in said["services"]),
            tftp_directory=str(said["tftp_directory"]),
            tftp=TftpAddress(host, int(said["tftp_port"])),
            # An earlier version tells neither.
            tvs=TvsAddress(host, int(said.get("tvs_port", TVS_PORT))),
            http=HttpAddress(host, int(said.get("http_port", HTTP_PORT))),
            aliases=tuple(str(alias) for alias in said.get("aliases", ())),
            domain=None if domain is None else str(domain),
        )
        certificates = {
            Unit(unit): str(pem).encode() for unit, pem in said["certificates"].items()
        }
        about = {key: str(said[key]) for key in ("publisher", "domain", "subject")}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise ServiceError(
            f"{asked.name} does not describe itself as this version does",
            "Install the same version of cucmsh on both nodes.",
        ) from problem
    said_id = said.get("id", "")
    node_id = said_id if is_id(said_id) else ""
    return Description(node, certificates=certificates, id=node_id, **about)


def cluster_document(site: Site, nodes: tuple[Node, ...]) -> bytes:
    """The cluster of ``nodes`` as JSON for its other members, authenticated."""
    cluster = site.settings.cluster
    entries = []
    for node in nodes:
        entry = entry_of(node)
        if node.is_publisher and node.ssh:
            entry |= way_of(node, node.ssh)
        entries.append(entry)
    about = {
        "domain": cluster.domain,
        "subject": cluster.subject,
        "digest": site.settings.digest,
    }
    ids = {site.node.name: own_id(site), **ids_by_name(site)}
    payload = json.dumps(
        {
            "about": about,
            "nodes": entries,
            "ids": ids,
            # Not in "about", of which an earlier version takes every key.
            "release": site.settings.release,
            "records": cluster.records,
            "sast_records": cluster.sast_records,
        }
    )
    return sealed(site, payload)


@use_case("hook join", changes=True)
def join(site: Site, raw: bytes) -> None:
    """Write the cluster that its publisher describes; this node's own entry stays.

    So do further records of lists that it has besides the publisher's.

    Raises:
        RefusedError: it is not sealed with this node's security password, or is of
            another cluster than the one this node was made for.
        ConfigurationError: it describes no possible cluster.
    """
    from cucmsh.config import editing  # noqa: PLC0415 - tomlkit

    about, entries, ids, records, release = _open(site, raw)
    cluster, own = site.settings.cluster, site.node.name
    ours = {own, *site.node.aliases}  # a publisher that was not told has an earlier one
    names = {name: entry for entry in entries for name in _names_of(entry)}
    publishers = [entry for entry in entries if entry["role"] == "publisher"]
    is_ours = len(publishers) == 1 and _is_publisher(site, publishers[0], ids)
    if not is_ours or ours.isdisjoint(names):
        raise RefusedError(
            f"{own} was made for the publisher {cluster.publisher.name} and joins no "
            "other cluster"
        )
    if (about["domain"], about["subject"]) != (cluster.domain, cluster.subject):
        raise RefusedError(f"{own} was made with another domain or subject")
    others = [entry for entry in entries if ours.isdisjoint(_names_of(entry))]
    for entry in others:
        if "ssh" in entry:  # the way is the publisher's, the key is ours
            there = filter(None, map(cluster.find, _names_of(entry)))
            ways = (node.ssh.identity for node in there if node.ssh)
            entry["ssh"]["identity"] = next(ways, identity_path(site))

    def change(text: str, path: str) -> str:
        text = editing.with_cluster(text, path, about, others, own)
        if release:
            text = editing.with_release(text, path, release)
        if not records.rows:
            return text
        return editing.with_records(text, path, records.rows, records.tokens)

    settings = edit(site, change)
    _forget_strangers(site, set(names), set(ids.values()))
    now = site.with_settings(settings)
    for name, node_id in ids.items():
        learn(now, name, node_id)
    is_known = own in (str(entry["name"]) for entry in entries)
    if is_known and read_waiting(now, Work.NAMES):  # it knows how we are called now
        with now.cluster_lock("hook join"):
            settle_waiting(now, Work.NAMES, (now.settings.cluster.publisher.name,))


def _names_of(entry: dict[str, Any]) -> tuple[str, ...]:
    """What the node of an entry is called, and what it was called before."""
    return (str(entry["name"]), *map(str, entry.get("aliases", ())))


def _is_publisher(site: Site, entry: dict[str, Any], ids: dict[str, str]) -> bool:
    """Whether the entry is of the publisher that this node knows, renamed or not."""
    known = site.settings.cluster.publisher
    if known.name in _names_of(entry) or entry["name"] in known.aliases:
        return True
    return ids.get(str(entry["name"])) in known_ids(site).get(known.name, ())


class _Records(NamedTuple):
    """Further records of the publisher's lists, and its ``sast_records``."""

    rows: tuple[FurtherRecord, ...]
    tokens: int


def _open(
    site: Site, raw: bytes
) -> tuple[dict[str, str], list[dict[str, Any]], dict[str, str], _Records, str]:
    """Check the seal; gives what ``cluster_document`` put in.

    That is keys of the cluster, its nodes, their ids by name, further records, and the
    release; that is empty from a publisher of an earlier version.
    """
    try:
        inner = json.loads(unsealed(site, raw))
        about = {str(key): str(value) for key, value in inner["about"].items()}
        entries = [dict(entry) for entry in inner["nodes"]]
        said = dict(inner.get("ids", {}))  # an earlier version tells none
        rows = inner.get("records", [])  # nor these
        further = tuple(FurtherRecord(int(role), str(pem)) for role, pem in rows)
        records = _Records(further, int(inner.get("sast_records", 0)))
        release = str(inner.get("release", ""))
        ids = {str(name): str(node_id) for name, node_id in said.items()}
        for entry in entries:
            entry.pop("service_commands", None)
            str(entry["name"]), str(entry["role"])
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RefusedError("the staged file describes no cluster") from problem
    return about, entries, ids, records, release


def _forget_strangers(site: Site, names: set[str], ids: Container[str]) -> None:
    """Remove certificates of nodes that have left, by name and by id."""
    known = known_ids(site)
    for node in site.settings.cluster.members:
        is_renamed = any(at in ids for at in known.get(node.name, ()))
        if node.name not in names and not is_renamed:
            forget_node(site, node)


def forget_node(site: Site, node: Node) -> None:
    """Remove the certificates that another node brought here."""
    folder = Keystore(site).trusted_folder(node)
    # A start composes with what lies there.
    with site.node_lock("the taking out of a node"), site.ids_lock():
        for file in site.home.names(folder):
            site.home.remove(f"{folder}/{file}")
