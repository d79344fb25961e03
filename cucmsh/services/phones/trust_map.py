"""The trust map: who serves which list, who signed it, and which phones take it.

For all nodes at once, now or after a change. Now, each list that a node serves is
judged by the holders that are said to ask that node; after a change, as ``preview``
says of the nodes that it touches, and as now of the others. There is no rule here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cucmsh.errors import TrustListError
from cucmsh.phones.known import HeldBy
from cucmsh.services.lists.every_list import ListOnNode, every_list
from cucmsh.services.phones.open_store import has_inventory, open_inventory
from cucmsh.services.phones.preview import Preview, preview
from cucmsh.services.phones.takers import (
    Holders,
    KnownHere,
    OfferJudge,
    Takers,
    Way,
    known_here,
    takers,
    with_served,
)
from cucmsh.services.releases.preview import RELEASE, preview_release
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.tags import Role

NEW, KEPT = "new", "kept"


class MappedList(NamedTuple):
    """One list, who serves it, and who takes it.

    Attributes:
        nodes: names of the nodes that serve it.
        state: as ``ListState`` says; after a change ``NEW`` or ``KEPT``.
        trust_list: the list; None for bytes that are none.
        signer: subject of who signed it; empty if that is not known.
        next_signers: subjects of the keys whose lists a holder of this one takes.
        reasons: why it is not current, or what is said of the change.
        holders: the phones that ask these nodes, by list, node and model.
        silent: phones that ask them, of which nobody said what they hold.
    """

    nodes: tuple[str, ...]
    state: str
    trust_list: TrustList | None
    signer: str
    next_signers: tuple[str, ...]
    reasons: tuple[str, ...]
    holders: tuple[Holders, ...] = ()
    silent: int = 0


class TrustMap(NamedTuple):
    """All of it.

    Attributes:
        change: what would be done, as it is typed; empty for the present.
        lists: those that a change touches first, then the others.
        without: the nodes that give no list.
        elsewhere: phones that ask nodes which give none, or bytes that are none, or no
            node of this cluster.
        is_locking_out: somebody whom nobody gave up refuses what is served, or nobody
            can tell.
    """

    change: str
    lists: tuple[MappedList, ...]
    without: tuple[ListOnNode, ...]
    elsewhere: int
    is_locking_out: bool


@use_case("page map")
def trust_map(site: Site, change: str = "", value: str = "") -> TrustMap:
    """Ask every node for its list, and every holder about it.

    Args:
        site: this node.
        change: one of ``preview.CHANGES`` without ``REMOTE_KEY``, or ``release``;
            empty for the present.
        value: as in ``preview``; the release.

    Raises:
        CucmshError: what ``preview`` raises of the change; StoreError: the inventory
            cannot be read.
    """
    typed, foretold, unasked = _foretold(site, change, value)
    present = every_list(site)
    touched = {name for each in foretold for name in each.offer.nodes}
    lists = [_after(each) for each in foretold]
    left = [each for each in present if each.node.name not in touched]
    now = _Now(site, present, has_left=not foretold)
    lists += [now.row(same) for same in _alike(left)]
    served = {name for each in lists if each.trust_list for name in each.nodes}
    return TrustMap(
        typed,
        tuple(lists),
        tuple(each for each in left if each.raw is None),
        now.phones_beside(served),
        unasked or any(map(_is_lost, (each for row in lists for each in row.holders))),
    )


def _foretold(
    site: Site, change: str, value: str
) -> tuple[str, tuple[Preview, ...], bool]:
    """The change as it is typed, its previews; whether a node could not be asked."""
    if not change:
        return "", (), False
    if change == RELEASE:
        found = preview_release(site, value)
        return found.change, found.previews, bool(found.silent)
    one = preview(site, change, value)
    return one.change, (one,), False


def _is_lost(each: Holders) -> bool:
    return each.way in (Way.LOCKED_OUT, Way.UNKNOWN) and not each.is_given_up


def _after(each: Preview) -> MappedList:
    offer = each.offer
    return MappedList(
        offer.nodes,
        KEPT if offer.is_kept else NEW,
        offer.trust_list,
        offer.signer,
        _next_signers(offer.trust_list),
        (offer.remark,) if offer.remark else (),
        each.holders,
        each.silent,
    )


def _next_signers(trust_list: TrustList) -> tuple[str, ...]:
    named = (each for each in trust_list.records if each.role == Role.SAST)
    return tuple(dict.fromkeys(each.subject_name for each in named))


def _alike(present: Iterable[ListOnNode]) -> Iterator[list[ListOnNode]]:
    """Nodes that serve the same, which is as it should be of all of them or of none.

    Those that give nothing are left out.
    """
    same: dict[tuple[bytes, str], list[ListOnNode]] = {}
    for each in present:
        if each.raw is not None:
            same.setdefault((each.raw, each.state), []).append(each)
    yield from same.values()


class _Now:
    """What the holders do with what their node serves now.

    Args:
        site: this node.
        present: what each node serves.
        has_left: whether phones that no node is known for count, too; they ask the node
            whose map it is, as in a preview.
    """

    def __init__(
        self, site: Site, present: Sequence[ListOnNode], *, has_left: bool
    ) -> None:
        self._site = site
        self._home = site.node.name if has_left else ""
        self._groups = _groups_by_node(site)
        served = ((each.node.name, each.raw or b"") for each in present)
        self._known: KnownHere = with_served(known_here(site), served, ())

    def row(self, same: Sequence[ListOnNode]) -> MappedList:
        """One list and its holders."""
        first, nodes = same[0], tuple(each.node.name for each in same)
        reasons = tuple(dict.fromkeys(why for each in same for why in each.reasons))
        try:
            trust_list = decode(first.raw or b"")
        except TrustListError:
            return MappedList(nodes, first.state.value, None, "", (), reasons)
        signer = check(trust_list, self._site.backends.verifier()).signer
        found = self._takers(
            nodes, trust_list, (signer.certificate if signer else None) or b""
        )
        return MappedList(
            nodes,
            first.state.value,
            trust_list,
            signer.subject_name if signer else first.signer,
            _next_signers(trust_list),
            reasons,
            found.holders,
            found.silent,
        )

    def _takers(
        self, nodes: tuple[str, ...], trust_list: TrustList, signer: bytes
    ) -> Takers:
        is_home = self._home in nodes
        asking = (*nodes, "") if is_home else nodes
        groups = [each for name in asking for each in self._groups.get(name, ())]
        judge = OfferJudge(self._site, trust_list, signer)
        found = takers(self._site, self._known, judge, nodes, groups)
        if is_home:
            return found
        counted = (each for each in found.holders if each.phones is not None)
        return found._replace(holders=tuple(counted))

    def phones_beside(self, served: Iterable[str]) -> int:
        """Phones that ask none of these nodes."""
        names = {*served, ""}
        return sum(
            each.phones
            for name, groups in self._groups.items()
            if name not in names
            for each in groups
        )


def _groups_by_node(site: Site) -> Mapping[str, Sequence[HeldBy]]:
    """The phones of the inventory by the node's present name; empty for none."""
    found: dict[str, list[HeldBy]] = {}
    if has_inventory(site):
        with open_inventory(site) as store:
            for group in store.held():
                name = site.settings.cluster.present_name(group.node)
                found.setdefault(name, []).append(group)
    return found
