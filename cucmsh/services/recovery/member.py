"""What a member tells of its cluster: for backups, and for a publisher that was lost.

Nodes as its configuration has them, certificates that were brought to it, and the lists
that it served or knows. Nothing of it is secret; it is sealed with the cluster security
password, as the document of a publisher is (``nodes.join``), so that it counts only for
who has the same.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from hashlib import scrypt
from typing import Any

from cucmsh.config.entries import entry_of, way_of
from cucmsh.config.model import Node
from cucmsh.errors import RefusedError, StoreError
from cucmsh.layout import (
    FROM_SUBSCRIBER,
    HISTORY,
    LIST_FILE,
    SECURITY_PASSWORD,
    TRUST_FOLDER,
)
from cucmsh.services.backends import Link
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.verifier import SCRYPT
from cucmsh.services.lists.history_of_others import ask_other_nodes
from cucmsh.services.lists.member_hooks import hook_on
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.nodes.node_id import ids_by_name, own_id
from cucmsh.services.records import as_one
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.recovery.apply import Brought, put_back
from cucmsh.services.recovery.contents import HOME
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

PREPARE = "utils disaster_recovery prepare restore pub_from_sub"
TELL_CLUSTER = "tell-cluster"
SECONDS = 120  # for a member to tell all that
MOST_HISTORY = 512  # lists, the newest first


@use_case("hook tell-cluster")
def tell_cluster(site: Site) -> str:
    """The cluster as this node knows it, JSON, sealed; see ``read_told``."""
    nodes: list[dict[str, Any]] = []
    for node in site.settings.cluster.nodes:
        entry = entry_of(node)
        if node.ssh:
            entry |= way_of(node, node.ssh)
        nodes.append(entry)
    cluster = site.settings.cluster
    payload = json.dumps(
        {
            "name": site.node.name,
            "publisher": cluster.publisher.name,
            "domain": cluster.domain,
            "nodes": nodes,
            "ids": {site.node.name: own_id(site), **ids_by_name(site)},
            "records": cluster.records,
            "sast_records": cluster.sast_records,
            "files": _files(site),
            "served": base64.b64encode(served_list(site) or b"").decode(),
        }
    )
    salt = os.urandom(16)
    seal = _seal(site, payload, salt)
    return json.dumps({"payload": payload, "salt": salt.hex(), "seal": seal})


def read_told(site: Site, text: str) -> Brought:
    """What a member told, if it has our security password.

    Raises:
        RefusedError: it has another; or told nothing that can be read.
    """
    try:
        outer = json.loads(text)
        payload, salt = str(outer["payload"]), bytes.fromhex(outer["salt"])
        is_ours = hmac.compare_digest(_seal(site, payload, salt), str(outer["seal"]))
    except (ValueError, KeyError, TypeError) as problem:
        raise RefusedError("a member told nothing that can be read") from problem
    if not is_ours:
        raise RefusedError(
            "the cluster security password of that member is another one",
            "Make this publisher anew with the password of its cluster.",
        )
    return read_payload(payload)


def read_payload(payload: str) -> Brought:
    """The same, of a set that is verified.

    Raises:
        RefusedError: it cannot be read.
    """
    try:
        said = json.loads(payload)
        files = {
            f"{HOME}{name}": base64.b64decode(raw)
            for name, raw in said["files"].items()
        }
        if said["served"]:
            files[LIST_FILE] = base64.b64decode(said["served"])
        entries = [dict(entry) for entry in said["nodes"]]
        for entry in entries:  # they are run, so they are no other node's to say
            entry.pop("service_commands", None)
            str(entry["name"]), str(entry["role"])
        ids = {str(name): str(at) for name, at in said["ids"].items()}
        records = [(int(role), str(pem)) for role, pem in said["records"]]
        return Brought(files, entries, ids, records, int(said["sast_records"]))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RefusedError("a member told nothing that can be read") from problem


@use_case(PREPARE, changes=True, publisher_only=True, level=Privilege.ALL)
def prepare_from_subscriber(site: Site) -> None:
    """Have the first subscriber that is added bring back what it knows.

    Raises:
        RefusedError: there is a subscriber already: it is too late, as in the original.
    """
    others = [node for node in site.settings.cluster.members if node != site.node]
    if others:
        raise RefusedError(
            f"{others[0].name} is in the configuration already",
            "A subscriber brings the cluster back when it is added first: run "
            f"`cucmsh node remove {others[0].name}`, or restore a backup set.",
        )
    remember(site.home, FROM_SUBSCRIBER, {"is_open": 1})


def is_prepared(site: Site) -> bool:
    """Whether the next subscriber brings back what it knows."""
    return bool(recall(site.home, FROM_SUBSCRIBER))


def take_from(site: Site, link: Link, node: Node) -> Site:
    """Bring back what this subscriber tells, if that was prepared.

    Called when ``node add`` has a way onto it, before it is told anything; the caller
    holds the cluster's lock. Done again after a kill, it finishes.

    Returns:
        The site with the configuration as it is then.

    Raises:
        RefusedError: it has another security password.
        CucmshError: it cannot tell.
    """
    if not is_prepared(site):
        return site
    told = read_told(site, hook_on(link, node, TELL_CLUSTER, seconds=SECONDS))
    mine = (site.node.name, node.name)
    entries = [entry for entry in told.entries if entry["name"] not in mine]
    now = put_back(site, [told._replace(entries=entries)], node.name).site
    ask_other_nodes(now)  # replicas serve what the lost publisher brought them
    forget(site.home, FROM_SUBSCRIBER)
    return now


def _files(site: Site) -> dict[str, str]:
    """Certificates and lists by their names in the home, base64."""
    names = [
        f"{TRUST_FOLDER}/{folder}/{name}"
        for folder in site.home.folders(TRUST_FOLDER)
        for name in site.home.names(f"{TRUST_FOLDER}/{folder}")
    ]
    listed = site.home.listing(HISTORY)
    newest = sorted(listed, key=lambda name: listed[name].modified, reverse=True)
    names += [f"{HISTORY}/{name}" for name in newest[:MOST_HISTORY]]
    found = {}
    for name in names:
        try:
            found[name] = base64.b64encode(site.home.read(name)).decode()
        except StoreError:  # forgotten just now
            continue
    return found


def _seal(site: Site, payload: str, salt: bytes) -> str:
    password = as_one.read(site.home, SECURITY_PASSWORD)
    key = scrypt(password, salt=salt, dklen=32, **SCRYPT)
    return hmac.new(key, payload.encode(), "sha256").hexdigest()
