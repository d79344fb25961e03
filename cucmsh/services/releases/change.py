"""``set release``: the whole cluster gets another release, after one ``yes``.

The order: what is to be done is written down, this publisher's configuration changes in
one step, the members are told, each subscriber is handed the list that the release
makes the publisher sign, Cisco Tftp restarts here, and then on each member that was
told. Until its restart a node serves what it served. A kill leaves each node under one
release or the other, which does no harm: phones of a node ask for no other node's list,
and each start judges for itself. The same command does what is left, and so does
another release.

Who cannot be reached is left: the next restart of Cisco Tftp here tells it, and the
same command restarts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from cucmsh.config.model import TFTP, Node
from cucmsh.errors import CucmshError, RefusedError, ServiceError, TrustListError
from cucmsh.services.caller import Privilege
from cucmsh.services.deadlines import SERVED_LIST_SECONDS
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.member_hooks import hook_on
from cucmsh.services.lists.member_lists import bring_lists_after, subscribers_of
from cucmsh.services.lists.served_lists import ask_all_served
from cucmsh.services.nodes import own_services
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.service_control import ServiceDialog, bring_up
from cucmsh.services.nodes.tell_names import tell_names
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.open_work import open_work
from cucmsh.services.records.rename_journal import read_rename
from cucmsh.services.records.waiting import add_waiting, note_waiting, read_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.releases.plan import ReleasePlan, plan_release, require_possible
from cucmsh.services.releases.preview import ReleasePreview, previewed
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.threads import side_by_side
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.decode import decode

NOT_TRIED = "not tried"
# Half done, each of them changes who signs, or what nodes are called.
FIRST = (Work.RESET, Work.ADOPTION, Work.RENAME)


class ReleaseDialog(Protocol):
    """Who asked for it: is shown what it means, asked once, and told."""

    def planning(self) -> AbstractContextManager[None]:
        """The body asks every node what it would serve."""

    def agree(self, found: ReleasePreview, restarts: Sequence[str]) -> None:
        """Ask whether it shall be done.

        Args:
            found: who takes what is served then.
            restarts: the nodes whose Cisco Tftp restarts, if it runs.

        Raises:
            CancelledError: it shall not.
        """

    def changing(self) -> AbstractContextManager[object]:
        """The body must not be interrupted."""

    def telling(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """The body tells these members."""

    def service(self, name: str) -> ServiceDialog:
        """Is told of the restart of that service of this node."""

    def restarting(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """The body has Cisco Tftp restarted on these members."""


class ReleaseChanged(NamedTuple):
    """What became of it.

    Attributes:
        release: the one that this publisher has now.
        nodes: what became of each member, this one first.
        problems: what the restart here left open, a line each.
        signers: who signed what each node serves now, by its name, as its TFTP service
            gave it; empty for one that gave nothing.
    """

    release: str
    nodes: tuple[NodeOutcome, ...]
    problems: tuple[str, ...]
    signers: Mapping[str, str]

    @property
    def is_done(self) -> bool:
        """Whether nothing is left open."""
        return not self.problems and all(each.is_done for each in self.nodes)


@use_case("set release", changes=True, publisher_only=True, level=Privilege.ALL)
def set_release(site: Site, release: str, dialog: ReleaseDialog) -> ReleaseChanged:
    """Give the cluster another release, and go on with it in this session.

    Args:
        site: the publisher.
        release: one of ``release.RELEASES``.
        dialog: see there.

    Raises:
        UsageError: there is no such release.
        RefusedError: all nodes have it; some node could not do as it says, such as
            where ``keep_trust`` keeps the present list; a reset, rename, restore or
            adoption is not finished. Nothing was changed.
        CancelledError: the dialog did not agree; nothing was changed.
        BusyError: another change of the cluster is under way.
        StoreError: a full disk, for instance; the same command goes on from there.
    """
    is_begun = _is_begun(site, release)
    with dialog.planning():
        plan = plan_release(site, release)
    if not is_begun:
        _require_news(plan)
        _require_settled(site)
        require_possible(plan)
    members = site.settings.cluster.members
    restarts = [node.name for node in members if node.has_tftp]
    dialog.agree(previewed(site, plan), restarts)
    with dialog.changing():
        with site.cluster_lock(f"set release {release}"):
            untold = _write(site, release, dialog)
        outcome, problems = _restart_here(site, dialog)
        outcomes = [outcome, *_restart_members(site, untold, dialog)]
        with site.cluster_lock(f"set release {release}"):
            left = {
                each.name: each.reason or each.state.value
                for each in outcomes
                if not each.is_done
            }
            note_waiting(site, Work.RELEASE, left)
    return ReleaseChanged(
        release, tuple(outcomes), tuple(problems), _signers(site, outcomes)
    )


def _is_begun(site: Site, release: str) -> bool:
    """Whether this call goes on with one that has changed something."""
    is_open = bool(read_waiting(site, Work.RELEASE))
    return is_open and site.settings.release == release


def _require_news(plan: ReleasePlan) -> None:
    if plan.is_there:
        but = "".join(
            f"; {name} did not say which it has: {why}"
            for name, why in plan.silent.items()
        )
        raise RefusedError(
            f"the release of this cluster is {plan.release} already{but}"
        )


def _require_settled(site: Site) -> None:
    """Nothing else is half done that changes who signs or what nodes are called."""
    rename = read_rename(site)
    for work in open_work(site):
        is_tvs_left = work.kind is Work.RENAME and rename and rename.tvs_stays
        if work.kind in FIRST and not is_tvs_left:
            raise RefusedError(work.line, f"Run `{work.finish}` first.")


def _others(site: Site) -> list[Node]:
    members = site.settings.cluster.members
    return [node for node in members if node.name != site.node.name]


def _write(site: Site, release: str, dialog: ReleaseDialog) -> dict[str, str]:
    """The configurations, and the lists that come with them; who was not told."""
    from cucmsh.config.editing import with_release  # noqa: PLC0415 - tomlkit

    sweep(site)  # what an earlier call left that was killed
    others = [node.name for node in _others(site)]
    left = dict.fromkeys((site.node.name, *others), NOT_TRIED)
    note_waiting(site, Work.RELEASE, left)
    site.follow(edit(site, lambda text, path: with_release(text, path, release)))
    if not site.settings.profile.publisher_signs:
        note_waiting(site, Work.LISTS, {})  # nobody waits for one any more
    if not others:
        return {}
    add_waiting(site, Work.NAMES, others)
    with dialog.telling(others):
        told = tell_names(site)
        bring_lists_after(site)
    return {each.name: each.reason for each in told if not each.is_done}


def _restart_here(
    site: Site, dialog: ReleaseDialog
) -> tuple[NodeOutcome, Sequence[str]]:
    """Cisco Tftp of this node, and what that left open."""
    name = site.node.name
    try:
        if not site.node.has_tftp or not own_services.is_running(site):
            return NodeOutcome(name, State.STOPPED), ()
        start = bring_up(
            *(site, TFTP, own_services.restart, dialog.service(TFTP)),
            is_telling=False,  # who was not told just now was asked just now
        )
    except CucmshError as problem:
        return NodeOutcome(name, State.PENDING, problem.message), ()
    members = {node.name for node in site.settings.cluster.members}
    left = start.replicas.pending if start.replicas else ()
    told = [
        f"{at.name}: {at.reason or at.state}" for at in left if at.name not in members
    ]
    return NodeOutcome(name, State.UPDATED), (*start.problems, *told)


def _restart_members(
    site: Site, untold: Mapping[str, str], dialog: ReleaseDialog
) -> list[NodeOutcome]:
    """Cisco Tftp of the members that were told and have what they are to serve."""
    given = {node.name for node in subscribers_of(site)}
    lists = read_waiting(site, Work.LISTS)
    why_not = {name: why for name, why in lists.items() if name in given} | dict(untold)
    nodes = _others(site)
    asked = [node for node in nodes if node.has_tftp and node.name not in why_not]
    found = {
        name: NodeOutcome(name, State.PENDING, why) for name, why in why_not.items()
    }
    with dialog.restarting([node.name for node in asked]), Fleet(site) as fleet:

        def restart(node: Node) -> NodeOutcome:
            try:
                said = fleet.on(node, lambda link: hook_on(link, node, "restart-tftp"))
                state, _, reason = said.partition("\n")
                return NodeOutcome(node.name, State(state), reason)
            except ValueError:
                problem: CucmshError = ServiceError(f"{node.name} answers {said!r}")
            except CucmshError as failure:
                problem = failure
            return NodeOutcome(node.name, State.PENDING, problem.message)

        found |= {each.name: each for each in side_by_side(restart, asked)}
    told = NodeOutcome("", State.UPDATED)  # a member without Cisco Tftp
    return [found.get(node.name) or told._replace(name=node.name) for node in nodes]


def _signers(site: Site, outcomes: Iterable[NodeOutcome]) -> dict[str, str]:
    nodes = [
        node
        for node in map(site.settings.cluster.find, (each.name for each in outcomes))
        if node is not None and node.has_tftp
    ]
    found = dict.fromkeys((node.name for node in nodes), "")
    for served in ask_all_served(site, nodes, SERVED_LIST_SECONDS):
        try:
            signer = decode(served.raw or b"").header.signer_name
        except TrustListError:
            continue
        found[served.node.name] = signer
    return found
