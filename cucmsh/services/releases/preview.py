"""``utils itl preview release``: who takes what each node serves under another release.

As the other previews (``phones.preview``), once for each node that has a list of its
own: the publisher with its replicas, and each subscriber with the history that only it
has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cucmsh.errors import RefusedError
from cucmsh.services.phones.preview import PREVIEW, Offer, Preview
from cucmsh.services.phones.takers import (
    GivenList,
    Holders,
    OfferJudge,
    Way,
    known_with_others,
    takers,
    with_given,
)
from cucmsh.services.releases.plan import ReleasePlan, plan_release
from cucmsh.services.releases.trial import Trial
from cucmsh.services.site import Site
from cucmsh.services.tvs.way import TvsWays
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode

RELEASE = "release"


class ReleasePreview(NamedTuple):
    """The answer.

    Attributes:
        change: ``release``, and which.
        previews: of each node that has a list of its own, the publisher's first.
        silent: why nothing is known of other nodes, by name.
    """

    change: str
    previews: tuple[Preview, ...]
    silent: Mapping[str, str]

    @property
    def is_locking_out(self) -> bool:
        """Somebody whom nobody gave up would refuse it, or nobody can tell."""
        return bool(self.silent) or any(each.is_locking_out for each in self.previews)


@use_case(PREVIEW, publisher_only=True)
def preview_release(
    site: Site, release: str, given: Iterable[GivenList] = ()
) -> ReleasePreview:
    """Try the release on every node, and ask every holder.

    Args:
        site: the publisher.
        release: the one to be.
        given: further lists that phones may hold.

    Raises:
        UsageError: there is no such release.
        RefusedError: no node serves a list; or see ``plan_release``.
    """
    return previewed(site, plan_release(site, release), given)


def previewed(
    site: Site, plan: ReleasePlan, given: Iterable[GivenList] = ()
) -> ReleasePreview:
    """``preview_release``, of what is planned already."""
    given, change = tuple(given), f"{RELEASE} {plan.release}"
    cluster = site.settings.cluster
    found, silent = [], dict(plan.silent)
    for name, trial in plan.trials.items():
        node = cluster.find(name)
        if node is None or not node.has_tftp:
            continue
        if trial.raw is None:
            silent[name] = trial.remark
            continue
        nodes: tuple[str, ...] = (name,)
        if node.is_publisher:
            nodes += tuple(
                each.name
                for each in cluster.nodes
                if each.has_tftp and not each.is_member
            )
            trial = trial._replace(known=known_with_others(site, nodes))  # noqa: PLW2901
        found.append(_of_node(site, change, nodes, trial, given))
    if not found and not silent:
        raise RefusedError("no node of this cluster serves a list")
    return ReleasePreview(change, tuple(found), silent)


class _LaterJudge(OfferJudge):
    """Asks each TVS as it answers once its node has the release, too."""

    def _ways_of(self, site: Site) -> TvsWays:
        return TvsWays(site, is_role_coming=True)


def _of_node(
    site: Site,
    change: str,
    nodes: tuple[str, ...],
    trial: Trial,
    given: tuple[GivenList, ...],
) -> Preview:
    trust_list = decode(trial.raw or b"")
    signer = check(trust_list, site.backends.verifier()).signer
    der = (signer.certificate if signer else None) or b""
    name = signer.subject_name if signer else trust_list.header.signer_name
    offer = Offer(trust_list, nodes, name, trial.is_kept, trial.remark)
    judge = _LaterJudge(site, trust_list, der)
    asked = takers(site, with_given(trial.known, given), judge, nodes)
    holders = asked.holders
    if trial.left_out:
        label = f"{trial.left_out} further lists of {nodes[0]}"
        reason = "They are too many to be told from there."
        holders = (*holders, Holders(label, "", Way.UNKNOWN, reason))
    # Who asks other nodes is asked about with those.
    return Preview(change, offer, holders, silent=asked.silent)
