"""The state of the other nodes, for ``node list`` and ``doctor``; asked side by side.

All but ``examine_members`` is for the publisher, whose key logs in to them. Each node
has its own deadline: a dead one costs its time-out, and the others' findings are
complete. Nothing is changed but for a temporary file in a TFTP directory, which shows
whether it can be written to and what the clock there says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from typing import NamedTuple

from cucmsh.config.entries import how_to_name_commands
from cucmsh.config.model import Node
from cucmsh.errors import (
    CucmshError,
    NoAnswerError,
    RefusedError,
    ServiceError,
    StoreError,
)
from cucmsh.remote.deadline import within
from cucmsh.services.backends import Link
from cucmsh.services.deadlines import (
    HEALTH_SECONDS,
    HEALTH_STATUS_SECONDS,
    SERVED_LIST_SECONDS,
)
from cucmsh.services.lists.foreign import ForeignList, foreign_list_on
from cucmsh.services.lists.member_hooks import hook_on
from cucmsh.services.lists.own_list import foreign_list
from cucmsh.services.lists.replica_records import require_ours
from cucmsh.services.lists.served_lists import ask_served, served_list
from cucmsh.services.nodes.confine import opens_a_shell
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.health.replica_files import file_findings
from cucmsh.services.nodes.identity import public_line
from cucmsh.services.nodes.service_status import status_on
from cucmsh.services.records.reset_journal import read_reset
from cucmsh.services.site import Site
from cucmsh.services.threads import meanwhile, side_by_side
from cucmsh.services.usecase import use_case
from cucmsh.storage.store import Store

CLOCK_SLACK_SECONDS = 60
SAME_VERSION = "Install the same version of cucmsh on both nodes."


class Serving(StrEnum):
    """What a node's TFTP service gives, beside the publisher's list."""

    SAME = "same list"
    OTHER = "other list"
    PENDING = "pending"
    NONE = "no list"
    SILENT = "no answer"
    FAILED = "error"
    NOTHING = "-"


class NodeHealth(NamedTuple):
    """The present state of one node.

    Attributes:
        node: which one.
        problem: why our key and the pinned host key do not log in; empty if they
            do, and for this node.
        serving: what its TFTP service gives.
        findings: all that was looked at; of this node only what its TFTP service gives,
            for `doctor` looks at the rest.
    """

    node: Node
    problem: str
    serving: Serving
    findings: Sequence[Finding] = ()


@use_case("cucmsh node list", publisher_only=True)
def look_at_all(site: Site) -> list[NodeHealth]:
    """Every node, in the order of the configuration."""
    return list(side_by_side(_looker(site), site.settings.cluster.nodes))


def look_at_others(site: Site) -> Iterator[NodeHealth]:
    """Every node but this one, in order, each as soon as those before it are done."""
    nodes = site.settings.cluster.nodes
    others = [node for node in nodes if node.name != site.node.name]
    return side_by_side(_looker(site), others)


def _reach(site: Site, node: Node) -> str:
    """Empty if the node lets us in with its pinned host key; else why not."""
    try:
        with site.link_to(node):
            return ""
    except CucmshError as problem:
        return problem.message


@use_case("show network cluster")
def reach_each(
    site: Site,
    nodes: Sequence[Node],
    show: Callable[[str, Callable[[], str]], object],
) -> None:
    """Whether each node lets us in with its pinned host key, all asked at once.

    Args:
        site: this node.
        nodes: those that are asked.
        show: called for each, in their order, with its name and a call that waits for
            its answer: why it does not let us in; empty if it does, and for this node,
            to which nobody logs in.
    """

    def look(node: Node) -> str:
        return "" if node.name == site.node.name else _reach(site, node)

    answers = side_by_side(look, nodes)
    for node in nodes:
        show(node.name, partial(next, answers))


def examine_members(site: Site) -> Iterator[Finding]:
    """Whether our key can run more than hooks, for each other member that lets us in.

    Asked by any member; one that does not let us in has no finding.
    """
    members = [
        node
        for node in site.settings.cluster.members
        if node.name != site.node.name and node.ssh is not None
    ]

    def look(node: Node) -> bool | None:
        try:
            with site.link_to(node) as link:
                return opens_a_shell(link)
        except CucmshError:
            return None

    for node, is_open in zip(members, side_by_side(look, members), strict=True):
        if is_open:
            yield Finding(
                Level.FAIL,
                f"our key opens a shell on {node.name}: who has it reads its keys",
                _how_to_confine(site, node),
            )
        elif is_open is False:
            what = f"our key runs hooks on {node.name}, and no more"
            yield Finding(Level.OK, what)


def _looker(site: Site) -> Callable[[Node], NodeHealth]:
    ours = served_list(site)
    reset = read_reset(site)
    pending = reset.pending if reset else ()

    def look(node: Node) -> NodeHealth:
        served = meanwhile(lambda: _served(site, node, ours))
        if node.name == site.node.name:
            return NodeHealth(node, "", *served())
        try:
            with site.link_to(node) as link:
                findings = list(_on(site, node, link))
            problem = ""
        except CucmshError as failure:
            problem = failure.message
            advice = "Look at its sshd, the network and the pinned host key."
            findings = [Finding(Level.FAIL, f"{node.name}: {problem}", advice)]
        serving, told = served()
        if node.name in pending and serving is not Serving.SAME:
            serving = Serving.PENDING
        return NodeHealth(node, problem, serving, (*findings, *told))

    return look


def _on(site: Site, node: Node, link: Link) -> Iterator[Finding]:
    """The findings over SSH; a question that fails is one, and the others go on."""
    text = f"{node.name} lets us in, with its pinned host key"
    yield Finding(Level.OK, text)
    late = NoAnswerError(
        f"it was not done within {HEALTH_SECONDS:.0f} seconds", "Look at its load."
    )
    asks = _ask_member if node.is_member else _ask_replica
    found: list[Finding] = []
    try:
        with within(HEALTH_SECONDS, link.close, late):
            for ask in asks(site, node, link):
                found += _answer(node, ask)
    except CucmshError as problem:
        text = f"{node.name}: {problem.message}"
        found.append(Finding(Level.FAIL, text, problem.advice))
    yield from found


Ask = Callable[[], Iterator[Finding]]


def _answer(node: Node, ask: Ask) -> list[Finding]:
    try:
        return list(ask())
    except NoAnswerError:
        raise
    except CucmshError as problem:
        advice = problem.advice or "Look there."
        return [Finding(Level.FAIL, f"{node.name}: {problem.message}", advice)]


def _ask_replica(site: Site, node: Node, link: Link) -> Iterator[Ask]:
    store = site.backends.store_on(link, node.tftp_directory)
    home = site.backends.home_on(link)
    yield lambda: _service_of_replica(node, link)
    yield lambda: _folder(site, node, store)
    try:
        require_ours(site, home, node)
    except RefusedError as problem:
        found = Finding(Level.FAIL, problem.message, problem.advice)
        yield lambda: iter((found,))  # what is not ours is not compared
        return
    yield lambda: file_findings(site, node, store, home)


def _ask_member(site: Site, node: Node, link: Link) -> Iterator[Ask]:
    if node.has_tftp:
        yield lambda: iter((_service(node, link),))
    yield lambda: _clock_of_member(site, node, link)
    yield lambda: iter((_release_of_member(site, node, link),))


def _service_of_replica(node: Node, link: Link) -> Iterator[Finding]:
    if node.service_commands is None:
        what = f"{node.name}: no commands for its TFTP service are configured"
        yield Finding(Level.WARN, what, how_to_name_commands(node.name))
        return
    yield _service(node, link)


def _service(node: Node, link: Link) -> Finding:
    status = status_on(link, node, HEALTH_STATUS_SECONDS)
    if status.is_running:
        return Finding(Level.OK, f"{node.name}: its TFTP service runs")
    text = f"{node.name}: its TFTP service does not run ({status.said})"
    return Finding(Level.FAIL, text, "Start it there.")


def _folder(site: Site, node: Node, store: Store) -> Iterator[Finding]:
    try:
        clock = _clock(site, node, store.clock)
    except StoreError as problem:
        text = f"{node.name}: nothing can be written there: {problem.message}"
        yield Finding(Level.FAIL, text, problem.advice or "Look at that folder.")
        return
    text = f"{node.name}: {node.tftp_directory} there can be written to"
    yield Finding(Level.OK, text)
    yield clock


def _clock_of_member(site: Site, node: Node, link: Link) -> Iterator[Finding]:
    def ask() -> int:
        said = hook_on(link, node, "clock")
        try:
            return int(said)
        except ValueError as problem:
            raise ServiceError(f"its clock says {said!r}") from problem

    try:
        yield _clock(site, node, ask)
    except RefusedError as problem:  # an earlier version knows no such hook
        text = f"{node.name}: its clock is not known: {problem.message}"
        yield Finding(Level.WARN, text, SAME_VERSION)


def _release_of_member(site: Site, node: Node, link: Link) -> Finding:
    """All nodes have one: it says who signs the lists of whom."""
    ours = site.settings.release
    try:
        theirs = hook_on(link, node, "release")
    except RefusedError as problem:  # an earlier version knows no such hook
        text = f"{node.name}: its release is not known: {problem.message}"
        return Finding(Level.WARN, text, SAME_VERSION)
    if theirs == ours:
        return Finding(Level.OK, f"{node.name}: its release is {ours}, as here")
    text = f"{node.name}: its release is {theirs}, and here it is {ours}"
    return Finding(Level.FAIL, text, f"Run `set release {ours}`.")


def _clock(site: Site, node: Node, ask: Callable[[], int]) -> Finding:
    before = site.clock.now().timestamp()
    there = ask()
    after = site.clock.now().timestamp()
    if before - CLOCK_SLACK_SECONDS <= there <= after + CLOCK_SLACK_SECONDS:
        return Finding(Level.OK, f"{node.name}: its clock is right")
    seconds = round(there - after)
    way = "ahead of" if seconds > 0 else "behind"
    what = f"{node.name}: its clock is {abs(seconds)} seconds {way} this node's"
    return Finding(Level.WARN, what, "Let both ask the same time servers.")


def _served(
    site: Site, node: Node, ours: bytes | None
) -> tuple[Serving, list[Finding]]:
    """What its TFTP service gives, with the findings about that."""
    if not node.has_tftp:
        return Serving.NOTHING, []
    found = ask_served(site, node, SERVED_LIST_SECONDS)
    if found.is_missing:
        text = f"{node.name} serves no list"
        return Serving.NONE, [Finding(Level.FAIL, text, _mend(node))]
    if found.raw is None:
        text = f"{node.name}: {found.problem}"
        advice = "Look at its TFTP service."
        serving = Serving.SILENT if found.is_silent else Serving.FAILED
        return serving, [Finding(Level.FAIL, text, advice)]
    if found.raw == ours:
        text = f"{node.name} serves this publisher's list"
        is_own = node.name == site.node.name
        told = _foreign(foreign_list(site) if is_own else None)
        return Serving.SAME, [Finding(Level.OK, text), *told]
    return Serving.OTHER, _other_list(site, node, found.raw)


def _other_list(site: Site, node: Node, raw: bytes) -> list[Finding]:
    foreign = _foreign(foreign_list_on(site, node, raw))
    if foreign:
        return foreign
    if node.is_member:  # it composes lists of its own
        return [Finding(Level.OK, f"{node.name} serves a list of its own")]
    text = f"{node.name} serves another list than this publisher"
    return [Finding(Level.FAIL, text, _mend(node))]


def _foreign(found: ForeignList | None) -> list[Finding]:
    return [Finding(Level.WARN, found.what, found.advice)] if found else []


def _mend(node: Node) -> str:
    if node.is_member:
        return "Restart its TFTP service."
    return "Run `utils tftp sign`; if phones there would refuse ours, reset the list."


def _how_to_confine(site: Site, node: Node) -> str:
    if site.node.is_publisher:
        return f"Run `cucmsh node add {node.name}`."
    line = public_line(site, node.program)
    return f"Replace the line with this key in authorized_keys there by: {line}"
