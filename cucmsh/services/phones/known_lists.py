"""Which ITL is which: the lists that phones may be said to hold, by MD5 and SHA-1.

Those that nodes serve now, asked of each over TFTP, and those of the history. Of a node
that does not answer the history says what it served when it was last looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import md5, sha1
from typing import NamedTuple

from cucmsh.errors import CucmshError, TrustListError
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.deadlines import SERVED_LIST_SECONDS
from cucmsh.services.lists.acceptance import signers_of_any
from cucmsh.services.lists.served_lists import (
    ask_all_served,
    other_tftp_nodes,
    served_list,
)
from cucmsh.services.records.history import Digests, History
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode


class KnownList(NamedTuple):
    """One list, as far as it is known here.

    Attributes:
        sha1: of the file, lower-case hex.
        md5: the same.
        nodes: names of the nodes that serve it now.
        first: when this node served it first; seconds since 1970, 0 if it did not.
        last: when it was last known to be served; 0 if that is not known.
        signer: subject of its signer; empty if it is no list.
        same_keys: names of the nodes whose present list has the same signers.
        has_recovery: whether its holders know the present ITLRecovery; None if that
            cannot be told.
    """

    sha1: str
    md5: str
    nodes: tuple[str, ...] = ()
    first: int = 0
    last: int = 0
    signer: str = ""
    same_keys: tuple[str, ...] = ()
    has_recovery: bool | None = None


class KnownLists(NamedTuple):
    """All of them.

    Attributes:
        by_digest: each under its SHA-1 and its MD5.
        silent: why nodes were not asked with success, by their names.
    """

    by_digest: Mapping[str, KnownList]
    silent: Mapping[str, str]

    def digests(self, *, of_served: bool) -> frozenset[str]:
        """Of the lists that a node serves, or of those without the recovery key."""
        return frozenset(
            digest
            for digest, found in self.by_digest.items()
            if (found.nodes if of_served else found.has_recovery is False)
        )


def known_lists(site: Site) -> KnownLists:
    """The lists that are known now; changes nothing, raises no ``CucmshError``.

    Asks the other nodes, all at once, and for ``SERVED_LIST_SECONDS`` at most.
    """
    history = History(site)
    served, silent = _served(site)
    recovery = _recovery(site)
    found: dict[str, KnownList] = {}
    for kept in history.entries:
        knows = None if recovery is None else recovery in signers_of_any([kept])
        signer = kept.trust_list.header.signer_name
        told = (kept.digests, *kept.earlier)
        same = tuple(name for name, raw in served.items() if _is_one_of(raw, told))
        if not same:
            same = tuple(
                name for name, raw in served.items() if history.find(raw) is kept
            )
        for digests in told:
            is_last = digests is kept.digests
            nodes = [name for name in same if _is_one_of(served[name], [digests])]
            nodes += [name for name in kept.nodes if is_last and name in silent]
            _add(
                found,
                KnownList(
                    digests.sha1,
                    digests.md5,
                    nodes=tuple(nodes),
                    first=digests.first,
                    last=digests.last,
                    signer=signer,
                    same_keys=same,
                    has_recovery=knows,
                ),
            )
    for name, raw in served.items():
        _add_served(found, name, raw, recovery)
    return KnownLists(found, silent)


def _served(site: Site) -> tuple[dict[str, bytes], dict[str, str]]:
    """What nodes serve, by name; and why it is not known of the others."""
    served: dict[str, bytes] = {}
    silent: dict[str, str] = {}
    try:
        own = served_list(site)
    except CucmshError as problem:
        silent[site.node.name] = problem.message
    else:
        if own is not None:
            served[site.node.name] = own
    others = other_tftp_nodes(site)
    for answer in ask_all_served(site, others, SERVED_LIST_SECONDS):
        if answer.raw is not None:
            served[answer.node.name] = answer.raw
        elif not answer.is_missing:
            silent[answer.node.name] = answer.problem
    return served, silent


def _add_served(
    found: dict[str, KnownList], name: str, raw: bytes, recovery: bytes | None
) -> None:
    """A list that a node serves; one that the history has is known already."""
    digest = sha1(raw, usedforsecurity=False).hexdigest()
    known = found.get(digest)
    if known is not None:
        if name not in known.nodes:
            _add(found, known._replace(nodes=(*known.nodes, name)))
        return
    short = md5(raw, usedforsecurity=False).hexdigest()
    try:
        trust_list = decode(raw)
    except TrustListError:
        _add(found, KnownList(digest, short, (name,)))
        return
    certificates = {record.certificate for record in trust_list.records}
    knows = None if recovery is None else recovery in certificates
    signer = trust_list.header.signer_name
    is_ours = KnownList(digest, short, (name,), 0, 0, signer, (name,), knows)
    _add(found, is_ours)


def _add(found: dict[str, KnownList], known: KnownList) -> None:
    found[known.sha1] = found[known.md5] = known


def _is_one_of(raw: bytes, told: Sequence[Digests]) -> bool:
    digest = sha1(raw, usedforsecurity=False).hexdigest()
    return any(digest == each.sha1 for each in told)


def _recovery(site: Site) -> bytes | None:
    """The present ITLRecovery certificate of the cluster, DER."""
    keystore, publisher = Keystore(site), site.settings.cluster.publisher
    try:
        if site.node.is_publisher:
            return keystore.certificate(Unit.ITL_RECOVERY).der
        trusted = keystore.trusted(publisher, Unit.ITL_RECOVERY)
    except CucmshError:
        return None
    return trusted.der if trusted else None
