"""What another release means for each node of the cluster; changes nothing.

Asked on the publisher, which makes the lists of subscribers where a release has it so.
A member that cannot be reached is an outcome: it stays as it is until it is told, and
then judges for itself (``lists.take_list``, ``lists.compose``).
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import ConnectionFailedError, RefusedError
from cucmsh.release import profile_of
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.backends import Link
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.given_list import read_wanted
from cucmsh.services.lists.member_hooks import INPUT, hook_on
from cucmsh.services.lists.member_lists import ListJob
from cucmsh.services.releases.trial import Trial, read_trial, tried, under_release
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side


class ReleasePlan(NamedTuple):
    """The cluster under another release.

    Attributes:
        release: the one to be.
        before: the one that this publisher has now.
        trials: of each member that answered, by its name.
        silent: why nothing is known of the others, by name.
    """

    release: str
    before: str
    trials: Mapping[str, Trial]
    silent: Mapping[str, str]

    @property
    def is_there(self) -> bool:
        """Whether everybody who answered has it."""
        releases = {self.before, *(each.release for each in self.trials.values())}
        return releases == {self.release}

    @property
    def kept(self) -> Mapping[str, str]:
        """Why the present list would stay where it would, by the node's name."""
        return {name: each.remark for name, each in self.trials.items() if each.is_kept}


def plan_release(site: Site, release: str) -> ReleasePlan:
    """Try the release on every member, all at once.

    Args:
        site: the publisher.
        release: the one to be.

    Raises:
        UsageError: there is no such release.
        RefusedError: this is no publisher; a member refuses to say what it would serve.
        CucmshError: a key of this node cannot be read.
    """
    site.require_publisher()
    draft = under_release(site, release)
    members = site.settings.cluster.members
    trials: dict[str, Trial] = {site.node.name: tried(site, release)}
    silent: dict[str, str] = {}
    others = [node for node in members if node.name != site.node.name]
    job = ListJob(draft)
    with Fleet(site) as fleet:

        def ask(node: Node) -> Trial | str:
            if node.ssh is None:
                return f"no way leads there from {site.node.name}"
            try:
                return fleet.on(node, lambda link: _try_on(draft, link, node, job))
            except ConnectionFailedError as problem:
                return problem.message

        for node, found in zip(others, side_by_side(ask, others), strict=True):
            if isinstance(found, Trial):
                trials[node.name] = found
            else:
                silent[node.name] = found
    return ReleasePlan(release, site.settings.release, trials, silent)


def _try_on(draft: DraftSite, link: Link, node: Node, job: ListJob) -> Trial:
    release, given = draft.settings.release, b""
    if profile_of(release).publisher_signs and node.has_tftp:
        wanted = read_wanted(node.name, hook_on(link, node, "wanted-list"))
        given = job.list_for(node, wanted).raw
    argv = ("try-release", release, INPUT, sha256(given).hexdigest())
    return read_trial(node, hook_on(link, node, *argv, given=given))


def require_possible(plan: ReleasePlan) -> None:
    """Refuse a change after which a node would not do as the release says.

    With ``keep_trust`` on a node keeps its list where a holder would be lost.

    Raises:
        RefusedError: names each such node, and who would be lost.
    """
    if plan.kept:
        said = "; ".join(
            f"{name}: {why.rstrip('.')}" for name, why in plan.kept.items()
        )
        raise RefusedError(
            f"release {plan.release} would not come into force everywhere: {said}",
            "Nothing was changed. Make that good first.",
        )
