"""A foreign list: one that phones may hold, and that this cluster has no key of.

Another tool, a CUCM or another cluster made it. Here it is decided whether a list is
one, and what becomes of it: a login, ``show itl``, a start, ``node list`` and
``doctor`` show that. Whoever would advise a restart asks ``how_to_compose``, since a
start leaves a foreign list in place. Changes nothing.

A list that holds no key at all is none: its holders take every list.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from hashlib import md5
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, TrustListError, one_line
from cucmsh.hosts import host_port
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import TRUST_RELEASE
from cucmsh.services.lists.served_lists import is_published, served_list
from cucmsh.services.records.history import History, Kept
from cucmsh.services.records.work import RESTART
from cucmsh.services.site import Site
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.tags import Role


class ForeignList(NamedTuple):
    """A list none of whose signers is a key of this cluster.

    Attributes:
        what: what lies where, a sentence without a full stop.
        advice: what becomes of it and of its phones, and the way to adopt it.
        is_kept: whether a start leaves it in place until it is adopted or its phones
            are given up.
    """

    what: str
    advice: str
    is_kept: bool

    @property
    def line(self) -> str:
        """All of it, for a person."""
        return one_line(f"{self.what}. {self.advice}")


def foreign_list_here(site: Site, raw: bytes) -> ForeignList | None:
    """What this node serves, if it is a foreign list; keys are read for that.

    Args:
        site: this node.
        raw: the list in its TFTP directory.
    """
    found = _verified(site, raw)
    if found is None or not is_foreign(site, found, site.node):
        return None
    return _here(site, found)


def foreign_list_on(site: Site, node: Node, raw: bytes) -> ForeignList | None:
    """The list that another node serves, if it is a foreign one.

    Args:
        site: the publisher.
        node: the other node.
        raw: what its TFTP service gave.
    """
    found = _verified(site, raw)
    if found is None or not is_foreign(site, found, node):
        return None
    what = f"{node.name} serves an {_described(found)}"
    if node.is_member:
        way = f"Run `cucmsh doctor` on {node.name}"
    else:
        way = f"Run `{_adopt(f'tftp://{host_port(node.tftp.host, node.tftp.port)}')}`"
    advice = f"{way}; `{TRUST_RELEASE}` gives those phones up."
    return ForeignList(what, advice, site.settings.keep_trust)


def how_to_compose(site: Site, otherwise: str) -> str:
    """The advice for who needs a list of this node's own.

    Args:
        site: this node.
        otherwise: the usual advice: a restart, which composes one.

    Returns:
        ``otherwise``, unless a start would keep a foreign list: then how to adopt it.
    """
    if not site.settings.keep_trust or not site.node.has_tftp:
        return otherwise
    try:
        raw = served_list(site)
        if raw is not None and not is_published(site, raw):
            served = foreign_list_here(site, raw)
            if served is not None:
                return served.advice if served.is_kept else otherwise
        for kept in History(site).binding:
            if is_foreign(site, kept.trust_list, site.node):
                return _advice(site, kept)
    except CucmshError:
        pass
    return otherwise


def is_foreign(site: Site, trust_list: TrustList, node: Node) -> bool:
    """Whether no SAST record of the list is a key of this cluster, now or earlier.

    Args:
        site: this node.
        trust_list: a list that verifies.
        node: the one that serves it: its CallManager key counts, too.
    """
    records = trust_list.records
    signers = {entry.certificate for entry in records if entry.role == Role.SAST}
    if all(record.public_key is None for record in records):
        return False
    return not any(der in signers for der in _own_certificates(site, node))


def _own_certificates(site: Site, node: Node) -> Iterator[bytes]:
    """Of the keys that sign lists here or may have; what costs the most comes last.

    One that cannot be read is left out: that is told elsewhere.
    """
    keystore = Keystore(site)
    publisher = site.settings.cluster.publisher
    for owner, unit in (
        (publisher, Unit.ITL_RECOVERY),
        (site.node, Unit.CALL_MANAGER),
        (node, Unit.CALL_MANAGER),
    ):
        with suppress(CucmshError):
            certificate = keystore.trusted(owner, unit)
            if certificate is not None:
                yield certificate.der
    with suppress(CucmshError):
        for adopted in keystore.adopted():
            yield adopted.certificate.der
    for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
        with suppress(CucmshError):
            for earlier in keystore.earlier(unit):
                yield earlier.certificate.der


def _here(site: Site, found: TrustList) -> ForeignList:
    what = f"The ITL of this node is an {_described(found)}"
    if not site.settings.keep_trust:
        advice = (
            "With keep_trust off the next start of Cisco Tftp replaces it, and those "
            f"phones are lost: set keep_trust = true in {site.settings.path}, then "
            f"run `{_adopt(site.node.tftp_directory)}`."
        )
        return ForeignList(what, advice, is_kept=False)
    kept = History(site).find(found.raw)
    if kept is not None and kept.is_given_up:
        advice = f"Those phones were given up: `{RESTART}` replaces it."
        return ForeignList(what, advice, is_kept=False)
    return ForeignList(what, _advice(site), is_kept=True)


def _described(found: TrustList) -> str:
    digest = md5(found.raw, usedforsecurity=False).hexdigest()
    return (
        f"ITL from elsewhere (signer {found.header.signer_name}, MD5 {digest}), and "
        "phones that hold it know no key of this cluster"
    )


def _advice(site: Site, kept: Kept | None = None) -> str:
    """Every start keeps it; ``kept`` is one that does not lie here."""
    place = site.node.tftp_directory
    which = "It stays"
    if kept is not None:
        place = "DIR"
        where = f" on {', '.join(kept.nodes)}" if kept.nodes else ""
        which = (
            f"The ITL from elsewhere with MD5 {kept.digests.md5}, seen{where}, is in "
            "the way"
        )
    return (
        f"{which} until it is adopted: run `{_adopt(place)}` with the key that signed "
        f"it, then `{RESTART}`. `{TRUST_RELEASE}` gives those phones up."
    )


def _adopt(place: str) -> str:
    return f"cucmsh adopt --adopt-list {shlex.quote(place)} --adopt-key FILE"


def _verified(site: Site, raw: bytes) -> TrustList | None:
    try:
        found = decode(raw)
    except TrustListError:
        return None
    return found if check(found, site.backends.verifier()).is_valid else None
