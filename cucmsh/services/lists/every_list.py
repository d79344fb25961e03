"""`show itl all`: the list of every node with a TFTP service, as phones get it there.

Asked through TFTP, this node's too, all side by side: a node that does not answer costs
its few seconds and is an outcome. Needs no connection into a node, so a subscriber asks
as well as the publisher. Changes nothing.

In release 10.0 each member signs a list of its own, so that different lists are no
fault. A list is *stale* if a start of Cisco Tftp there should have made another one by
now: a member's, if it does not name a present certificate of the cluster (that node's
CallManager, the CAPF and TVS of every node that has them, the publisher's ITLRecovery);
a replica's, if it is not the very list of the publisher. Only certificates that lie on
this node are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from hashlib import md5
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, TrustListError
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.deadlines import SERVED_LIST_SECONDS
from cucmsh.services.lists.foreign import is_foreign
from cucmsh.services.lists.served_lists import Served, ask_all_served
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import names_as

_SIGNS_FILES = (Role.TFTP, Role.CCM_TFTP)


class ListState(StrEnum):
    """How a node's list is, in the words that are shown."""

    CURRENT = "current"
    STALE = "stale"
    UNVERIFIED = "not verified"
    ELSEWHERE = "from elsewhere"
    NONE = "no list"
    SILENT = "no answer"
    FAILED = "error"


class ListOnNode(NamedTuple):
    """What one node serves.

    Attributes:
        node: the node.
        state: how it is.
        raw: the bytes; None if it gave none.
        signer: as the list's header spells it; empty without a list.
        timestamp: of the list, Unix time; 0 without one.
        reasons: why it is not current, each a sentence without its full stop.
        same_as: the other nodes that serve these very bytes.
    """

    node: Node
    state: ListState
    raw: bytes | None = None
    signer: str = ""
    timestamp: int = 0
    reasons: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()

    @property
    def md5(self) -> str:
        """As `show itl` prints it; empty without a list."""
        raw = self.raw
        return "" if raw is None else md5(raw, usedforsecurity=False).hexdigest()

    @property
    def sha1(self) -> str:
        """The same."""
        return Served(self.node, self.raw).sha1

    @property
    def is_answer(self) -> bool:
        """Whether the node said what it serves, were it nothing."""
        return self.state not in (ListState.SILENT, ListState.FAILED)


@use_case("show itl all")
def every_list(site: Site) -> list[ListOnNode]:
    """The list of each node with a TFTP service, in the order of the configuration."""
    nodes = [node for node in site.settings.cluster.nodes if node.has_tftp]
    asked = ask_all_served(site, nodes, SERVED_LIST_SECONDS)
    served = {each.node.name: each for each in asked}
    published = served.get(site.settings.cluster.publisher.name)
    by_raw: dict[bytes, list[str]] = {}
    for node in nodes:
        if (raw := served[node.name].raw) is not None:
            by_raw.setdefault(raw, []).append(node.name)
    present, found = _Present(site), []
    for node in nodes:
        seen = _judged(site, served[node.name], published, present)
        same = by_raw.get(seen.raw, ()) if seen.raw is not None else ()
        others = tuple(name for name in same if name != node.name)
        found.append(seen._replace(same_as=others))
    return found


def _judged(
    site: Site, served: Served, published: Served | None, present: _Present
) -> ListOnNode:
    node = served.node
    if served.raw is None:
        if served.is_missing:
            return ListOnNode(node, ListState.NONE, reasons=("it serves no list",))
        state = ListState.SILENT if served.is_silent else ListState.FAILED
        return ListOnNode(node, state, reasons=(served.problem.rstrip("."),))
    try:
        trust_list = decode(served.raw)
    except TrustListError as problem:
        reason = f"it is no trust list: {problem.message.rstrip('.')}"
        return ListOnNode(node, ListState.UNVERIFIED, served.raw, reasons=(reason,))
    header = trust_list.header
    seen = ListOnNode(
        node,
        ListState.CURRENT,
        served.raw,
        signer=header.signer_name,
        timestamp=header.timestamp,
    )
    verdict = check(trust_list, site.backends.verifier())
    if not verdict.is_valid:
        reasons = (verdict.reason.rstrip("."),)
        return seen._replace(state=ListState.UNVERIFIED, reasons=reasons)
    if is_foreign(site, trust_list, node):
        reasons = ("phones that hold it know no key of this cluster",)
        return seen._replace(state=ListState.ELSEWHERE, reasons=reasons)
    stale = tuple(_why_stale(site, node, trust_list, published, present))
    return seen._replace(state=ListState.STALE, reasons=stale) if stale else seen


def _why_stale(
    site: Site,
    node: Node,
    trust_list: TrustList,
    published: Served | None,
    present: _Present,
) -> Iterator[str]:
    """See the module. A reset gives all members the publisher's records."""
    publisher = site.settings.cluster.publisher
    theirs = published.raw if published else None
    if not node.is_member and theirs is not None and trust_list.raw != theirs:
        yield f"it is not the list of {publisher.name}"
        return
    maker = publisher if trust_list.raw == theirs or not node.is_member else node
    for owner, unit, roles in _to_be_named(site, maker):
        der = present(owner, unit)
        if der and not names_as(trust_list, roles, der):
            yield f"it does not name the present {unit} certificate of {owner.name}"


class _Present:
    """The present certificates that lie here, each read once.

    Args:
        site: this node.
    """

    def __init__(self, site: Site) -> None:
        self._keystore = Keystore(site)
        self._read: dict[tuple[str, Unit], bytes] = {}

    def __call__(self, owner: Node, unit: Unit) -> bytes:
        """DER; empty where it is not, or cannot be read, which is told elsewhere."""
        key = owner.name, unit
        if key not in self._read:
            self._read[key] = b""
            with suppress(CucmshError):
                certificate = self._keystore.trusted(owner, unit)
                self._read[key] = certificate.der if certificate else b""
        return self._read[key]


def _to_be_named(
    site: Site, maker: Node
) -> Iterator[tuple[Node, Unit, tuple[int, ...]]]:
    """Whose certificates the list of a member names, and as what."""
    cluster = site.settings.cluster
    yield maker, Unit.CALL_MANAGER, _SIGNS_FILES
    yield cluster.publisher, Unit.ITL_RECOVERY, (Role.SAST,)
    for node in cluster.nodes:
        if "capf" in node.services:
            yield node, Unit.CAPF, (Role.CAPF,)
        if node.has_tvs:
            yield node, Unit.TVS, (Role.TVS,)
