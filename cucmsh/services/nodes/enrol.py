"""The last part of ``node add``: checks the way, exchanges certificates, writes.

Runs under the cluster's lock. What fails on a third node is a finding, and is done when
``node add`` is run for that one; what fails on the new node refuses it. A replica is
tried without harm: a temporary file in its TFTP directory is read back through TFTP,
and its service is asked for its status.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

from cucmsh.config.entries import entry_of
from cucmsh.config.model import Node
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    RefusedError,
    ServiceError,
    StoreError,
)
from cucmsh.layout import AUTHORIZED_KEYS, LIST_FILE, SERVED_MODE
from cucmsh.pki.model import Unit
from cucmsh.services.backends import Link
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.deadlines import (
    ENROL_PUSH_SECONDS,
    SERVED_LIST_SECONDS,
    STATUS_SECONDS,
)
from cucmsh.services.lists.member_hooks import INPUT, hook_on, send_certificate
from cucmsh.services.lists.member_lists import bring_lists_held, subscribers_of
from cucmsh.services.lists.pass_certificates import known_certificates
from cucmsh.services.lists.replica_records import Publisher, claim, read_publisher
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.lists.update_replicas import push_held
from cucmsh.services.nodes.add_plan import AddPlan, described
from cucmsh.services.nodes.check_way import (
    look_at_sudo,
    require_answers,
    why_not_served,
    why_not_written,
)
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.confine import ask_description, confine_on
from cucmsh.services.nodes.health.finding import (
    Finding,
    Level,
    checked,
    has_failed,
)
from cucmsh.services.nodes.health.replica_files import file_findings
from cucmsh.services.nodes.identity import other_publishers, public_line
from cucmsh.services.nodes.join import Description, cluster_document
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.nodes.node_id import learn, own_id
from cucmsh.services.nodes.service_status import status_on
from cucmsh.services.nodes.tell_names import Names, take_names
from cucmsh.services.records.waiting import settle_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.recovery.member import take_from
from cucmsh.services.site import Site
from cucmsh.services.tvs.self_test import look_at_tvs
from cucmsh.storage.store import Store


class Enrolled(NamedTuple):
    """What was found on the way, and whether the node is in the configuration."""

    findings: list[Finding]
    is_added: bool


def other_publisher(site: Site, plan: AddPlan) -> Publisher | None:
    """The other publisher that the replica belongs to by its own record, if any.

    Raises:
        CucmshError: it cannot be asked.
    """
    if plan.node.is_member:
        return None
    with site.link_to(plan.node) as link:
        known = read_publisher(site.backends.home_on(link), plan.node)
    return known if known and known.id != own_id(site) else None


def enrol(site: Site, plan: AddPlan, taken_from: Publisher | None = None) -> Enrolled:
    """Make the planned node one of the cluster.

    A new replica of which something was found to fail is not added.

    Args:
        site: the publisher.
        plan: the node.
        taken_from: the other publisher from whom a person lets a replica be taken.

    Raises:
        CucmshError: the node cannot be used as it is; it is not in the configuration.
    """
    from cucmsh.config.editing import with_node  # noqa: PLC0415 - tomlkit

    with site.cluster_lock("cucmsh node add"):
        with site.link_to(plan.node) as link:
            if plan.node.is_member:
                site = take_from(site, link, plan.node)
                said = ask_description(link, plan.node)
                site, plan = _follow_rename(site, plan, said)
                plan, findings = _enrol_subscriber(site, plan, link, said)
                node_id = said.id
            else:
                findings, node_id = _check_replica(site, plan.node, link), ""
                if not plan.is_known and has_failed(findings):
                    return Enrolled(findings, is_added=False)
                claim(site, site.backends.home_on(link), plan.node, taken_from)
        if plan.node.is_member:
            findings += tell_others(site, _nodes_with(site, plan.node), plan.node)
        settings = edit(site, lambda text, path: with_node(text, path, plan.entry))
        now = site.with_settings(settings)
        learn(now, plan.node.name, node_id)
        if plan.node.is_member:
            findings += _hand_lists_over(now)
        else:
            findings += _bring_list(now, plan.node.name)
            findings += _look_at_files(now, plan.node)
    return Enrolled(findings, is_added=True)


def _look_at_files(site: Site, node: Node) -> list[Finding]:
    """What is wrong with the files that the replica serves, and who else logs in."""
    try:
        with site.link_to(node) as link:
            store = site.backends.store_on(link, node.tftp_directory)
            home = site.backends.home_on(link)
            files = list(file_findings(site, node, store, home))
            files += _other_keys(site, node, home)
    except CucmshError as problem:
        files = [checked(False, f"its files: {problem.message}", problem.advice)]
    return [at for at in files if at.level is not Level.OK]


def _other_keys(site: Site, node: Node, home: Store) -> list[Finding]:
    """Keys of other publishers, such as one that was built anew: they still log in."""
    lines = other_publishers(home, public_line(site))
    if not lines or node.ssh is None:
        return []
    numbers = ", ".join(map(str, lines))
    what = (
        f"the key of another publisher opens {node.ssh.user} on {node.name}: line "
        f"{numbers} of {AUTHORIZED_KEYS} there"
    )
    words = "".join(f"{number}d;" for number in lines).rstrip(";")
    file = f"~{node.ssh.user}/{AUTHORIZED_KEYS}"
    return [Finding(Level.WARN, what, f"If that one is gone: sed -i '{words}' {file}")]


def _hand_lists_over(site: Site) -> list[Finding]:
    """The lists that this publisher signs for subscribers; the new one's, too."""
    if not subscribers_of(site):
        return []
    try:
        problems = bring_lists_held(site, seconds=ENROL_PUSH_SECONDS).problems
    except CucmshError as broken:  # the node is in the configuration by now
        return [checked(False, f"no list was handed over: {broken.message}")]
    return [
        checked(
            not problems.get(node.name),
            problems.get(node.name, "")
            or f"{node.name} was given the list that its next start serves",
        )
        for node in subscribers_of(site)
    ]


def _bring_list(site: Site, name: str) -> list[Finding]:
    if served_list(site) is None:
        what = "there is no list yet: it comes when Cisco Tftp starts here"
        return [Finding(Level.WARN, what)]
    try:
        problem = push_held(site, seconds=ENROL_PUSH_SECONDS).problems.get(name, "")
    except CucmshError as broken:  # the node is in the configuration by now
        problem = broken.message
    return [checked(not problem, problem or "it serves our list")]


def tell_others(
    site: Site, nodes: tuple[Node, ...], changed: Node | None
) -> list[Finding]:
    """Send the cluster of ``nodes`` to the other subscribers.

    Args:
        site: the publisher.
        nodes: all nodes that there will be.
        changed: the node whose certificates they need; None where one has left.
    """
    document = cluster_document(site, nodes)
    findings = []
    for node in nodes:
        if not node.is_member or node.is_publisher or node == changed:
            continue
        try:
            with site.link_to(node) as link:
                _send_cluster(link, node, document)
                settle_waiting(site, Work.NAMES, (node.name,))
                if changed:
                    _bring(site, link, node, changed)
        except CucmshError as problem:
            text = f"{node.name} was not told: {problem.message}"
            advice = f"When it answers: cucmsh node add {node.name}"
            findings.append(checked(False, text, advice))
        else:
            findings.append(Finding(Level.OK, f"{node.name} was told"))
    return findings


def _nodes_with(site: Site, node: Node) -> tuple[Node, ...]:
    nodes = site.settings.cluster.nodes
    if any(known.name == node.name for known in nodes):
        return tuple(node if known.name == node.name else known for known in nodes)
    return (*nodes, node)


def _follow_rename(
    site: Site, plan: AddPlan, said: Description
) -> tuple[Site, AddPlan]:
    """The publisher and the plan with the names that the member has by now."""
    name, aliases, domain = said.node.name, said.node.aliases, said.node.domain
    if plan.node.name not in (name, *aliases):
        return site, plan  # another node, which is refused
    names = {"name": name, "aliases": list(aliases), "domain": domain}
    if all(plan.entry.get(key) == names[key] for key in ("name", "domain")):
        return site, plan
    if plan.is_known:
        full = site.settings.cluster.domain if domain is None else domain
        told = Names(said.id, name, aliases, full)
        site = site.with_settings(take_names(site, plan.node, told))
    kept = {key: value for key, value in plan.entry.items() if key not in names}
    entry = {key: value for key, value in names.items() if value not in (None, [])}
    return site, described(site, plan._replace(entry=entry | kept), {})


def _enrol_subscriber(
    site: Site, plan: AddPlan, link: Link, said: Description
) -> tuple[AddPlan, list[Finding]]:
    """The plan with what the member said of itself, and the findings."""
    asked, cluster = plan.node, site.settings.cluster
    publisher = cluster.publisher
    is_wanted = (said.node.name, said.node.role) == (asked.name, asked.role)
    if not is_wanted or said.publisher not in (publisher.name, *publisher.aliases):
        raise RefusedError(
            f"{asked.name} says that it is {said.node.name}, a {said.node.role} of "
            f"{said.publisher}",
            "Compare --host and the options of `cucmsh init` there.",
        )
    if (said.domain, said.subject) != (cluster.domain, cluster.subject):
        raise RefusedError(
            f"{asked.name} was made with the domain {said.domain!r} and the subject "
            f"{said.subject!r}",
            f"Make it anew there: cucmsh init subscriber ... --domain "
            f"'{cluster.domain}' --subject '{cluster.subject}'",
        )
    told = entry_of(said.node)
    facts = {
        "services": list(said.node.services),
        "tftp_directory": said.node.tftp_directory,
        "tftp": plan.entry.get("tftp") or said.node.tftp._asdict(),
        "tvs": plan.entry.get("tvs") or told.get("tvs"),
        "http": plan.entry.get("http") or told.get("http"),
    }
    plan = described(site, plan, {key: fact for key, fact in facts.items() if fact})
    node = plan.node
    findings = [
        Finding(Level.OK, f"logged in to {node.name} with our key, cucmsh runs"),
        confine_on(site, node, link),
    ]
    keystore = Keystore(site)
    for unit, pem in said.certificates.items():
        keystore.trust(node, unit, pem)
    _send_cluster(link, node, cluster_document(site, _nodes_with(site, node)))
    _bring(site, link, node, site.node)
    settle_waiting(site, Work.CERTIFICATES, (node.name,))
    settle_waiting(site, Work.PASSING, (node.name,))
    settle_waiting(site, Work.NAMES, (node.name,))
    for other in cluster.members:
        if other.name not in (node.name, site.node.name):
            _bring(site, link, node, other)
    findings.append(
        Finding(Level.OK, "certificates exchanged, configuration written there")
    )
    if node.has_tftp:
        status = status_on(link, node, STATUS_SECONDS)
        findings.append(
            checked(status.is_running, f"its TFTP service is {status.said}")
        )
    if node.has_tvs:
        findings.append(look_at_tvs(site, node))
    return plan, findings


def _bring(site: Site, link: Link, node: Node, other: Node) -> None:
    """Bring another member's certificates, as they are known here, to a node."""
    for unit, pem in _certificates_of(site, other).items():
        send_certificate(link, node, other, unit, pem)


def _send_cluster(link: Link, node: Node, document: bytes) -> None:
    hook_on(
        link, node, "join", INPUT, hashlib.sha256(document).hexdigest(), given=document
    )


def _certificates_of(site: Site, node: Node) -> dict[Unit, bytes]:
    if node.name == site.node.name:
        return public_certificates(site)
    return known_certificates(site, node)


def _check_replica(site: Site, node: Node, link: Link) -> list[Finding]:
    findings = [Finding(Level.OK, f"logged in to {node.name} with our key")]
    require_answers(link, node)
    store = site.backends.store_on(link, node.tftp_directory)
    findings += _probe(site, node, store, link)
    status = status_on(link, node, STATUS_SECONDS)
    if status.why_not_run:
        raise ServiceError(
            status.why_not_run,
            "Give --service or --restart and --status with words that run there.",
        )
    state = "runs" if status.is_running else f"does not run ({status.said})"
    findings.append(checked(status.is_running, f"its TFTP service {state}"))
    commands = node.service_commands
    if commands and commands.restart[:2] == ("sudo", "-n"):
        findings.append(look_at_sudo(link, node, commands))
    return findings


def _probe(site: Site, node: Node, store: Store, link: Link) -> list[Finding]:
    """Write a temporary file, read it through TFTP, and take it away."""
    raw = os.urandom(16).hex().encode()
    try:
        temporary = store.stage(LIST_FILE, raw, SERVED_MODE)
    except StoreError as problem:
        raise why_not_written(site.backends, link, node, problem) from problem
    written = Finding(Level.OK, f"{node.tftp_directory} there can be written to")
    try:
        is_served = _read(site, node, temporary) == raw
    except MissingFileError as problem:
        text = f"{problem.message}, so it does not serve {node.tftp_directory}"
        return [written, checked(False, text)]
    except ConnectionFailedError as problem:
        reason = why_not_served(link, node, problem)
        return [written, checked(False, reason.message, reason.advice)]
    finally:
        store.discard(temporary)
    does = "serves" if is_served else "does not serve"
    where = f"TFTP at {node.tftp.host} port {node.tftp.port}"
    return [written, checked(is_served, f"{where} {does} {node.tftp_directory}")]


def _read(site: Site, node: Node, name: str) -> bytes:
    return site.backends.read_back(node.tftp, name, SERVED_LIST_SECONDS)
