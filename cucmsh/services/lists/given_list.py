"""The list that a subscriber is given, where the publisher signs the lists of all.

Under such a release (``release.Profile.publisher_signs``) the key that signs lists
never leaves the publisher. It makes each subscriber's list, signs it and hands it over
(``member_lists``, ``take_list``); here is what lies on the subscriber. The list is kept
beside the served one, and the next TFTP start serves it: phones meet it together with
the files that this node signs for it. So a start needs nobody else, and serves the last
list that was given.

What is given is looked at, whoever brings it: it is signed by the publisher's
ITLRecovery that this node trusts, or, with ``keep_trust``, by an earlier one that a
list of this node's own history names as its recovery key; it names the present one; it
names this node's own CallManager certificate; and no holder of a kept list is lost who
takes the served one (docs/decisions/009, by *this* node's history).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from cucmsh.errors import (
    MissingFileError,
    RefusedError,
    ServiceError,
    TrustListError,
)
from cucmsh.layout import GIVEN_LIST
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import (
    recovery_record,
    who_refuses,
)
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.records.history import History, Kept
from cucmsh.services.records.state import read_published
from cucmsh.services.site import Site
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS

MOST_SIGNERS = 64  # that a subscriber names; a list has two or three
LAST_TIME = (1 << 32) - 1  # of a TIMESTAMP


class WantedList(NamedTuple):
    """What a subscriber says of the list that it can be given.

    Attributes:
        timestamp: the list must be later than this (Unix time).
        signers: SHA-256 of the certificates that all its phones take lists of; None if
            they take any.
    """

    timestamp: int
    signers: frozenset[str] | None


def is_given(site: Site) -> bool:
    """Whether this node serves a list that the publisher made and signed."""
    return site.settings.profile.publisher_signs and not site.node.is_publisher


def never_given(site: Site) -> RefusedError:
    """There is nothing to serve yet, and what to do."""
    publisher = site.settings.cluster.publisher.name
    return RefusedError(
        f"{publisher} has given this node no list that it can serve: under this "
        f"release {publisher} signs the lists of all nodes",
        f"Run `utils service restart Cisco Tftp` here when {publisher} answers.",
    )


def given_list(site: Site) -> TrustList | None:
    """The list that this node was given last; None without one that can be served.

    Raises:
        RefusedError: it is not one that may be served now, such as after the recovery
            key was replaced.
        StoreError: it cannot be read.
    """
    raw = given_bytes(site)
    if raw is None:
        return None
    trust_list = read_given(raw)
    require_ours(site, trust_list, History(site))
    return trust_list


def given_bytes(site: Site) -> bytes | None:
    """The same, as it lies there, whatever it is."""
    try:
        return site.home.read(GIVEN_LIST)
    except MissingFileError:
        return None


def read_wanted(name: str, said: str) -> WantedList:
    """Parse what ``wanted_list`` of the node ``name`` said.

    Raises:
        ServiceError: it said something else.
    """
    try:
        found = json.loads(said)
        timestamp, signers = int(found["timestamp"]), found["signers"]
        if signers is not None:
            signers = frozenset(str(each) for each in signers[:MOST_SIGNERS])
    except (ValueError, KeyError, TypeError, ArithmeticError) as problem:
        raise ServiceError(
            f"{name} does not say which list it can be given",
            "Install the same version of cucmsh on both nodes.",
        ) from problem
    return WantedList(max(timestamp, 0), signers)


def require_given(site: Site) -> None:
    if not is_given(site):
        raise RefusedError(
            f"{site.node.name} makes its lists itself (release "
            f"{site.settings.profile.release})",
            "Run `cucmsh doctor` there: all nodes of a cluster have one release.",
        )


def read_given(raw: bytes) -> TrustList:
    try:
        return decode(raw)
    except TrustListError as problem:
        raise RefusedError(
            f"the list that was given is none: {problem.message}"
        ) from problem


def held_here(site: Site) -> tuple[History, TrustList | None]:
    """What phones of this node may hold, and what is served now, if it is a list."""
    history, present = History(site), served_list(site)
    if present is None:
        return history, None
    if site.settings.keep_trust:
        history.consider(site.node.name, present)
    try:
        return history, decode(present)
    except TrustListError:
        return history, None


def reached(site: Site, history: History, served: TrustList | None) -> Sequence[Kept]:
    """The kept lists whose holders take what is served now: nobody may lose these."""
    if not site.settings.keep_trust:
        return ()
    lost = who_refuses(site, served, history) if served else ()
    names = {entry.kept.digests.sha256 for entry in lost}
    return [kept for kept in history.binding if kept.digests.sha256 not in names]


def latest_time(site: Site) -> int:
    """TIMESTAMP of the latest list that this node served or was given."""
    published = read_published(site.home)
    latest = published.timestamp if published else 0
    try:
        given = decode(site.home.read(GIVEN_LIST)).header.timestamp
    except (MissingFileError, TrustListError):
        return latest
    return max(latest, given)


def require_ours(site: Site, trust_list: TrustList, history: History) -> None:
    """Refuse a list that the publisher's recovery key did not sign; see the module."""
    publisher = site.settings.cluster.publisher
    verdict = check(trust_list, site.backends.verifier())
    if not verdict.is_valid or verdict.signer is None:
        raise RefusedError(f"the list does not verify: {verdict.reason}")
    recovery = Keystore(site).trusted(publisher, Unit.ITL_RECOVERY)
    if recovery is None:
        raise RefusedError(
            f"the ITLRecovery certificate of {publisher.name} was not brought to "
            f"{site.node.name} yet",
            f"Run `cucmsh node add {site.node.name}` on {publisher.name}.",
        )
    named = recovery_record(trust_list)
    if named is None or named.certificate != recovery.der:
        raise RefusedError(
            f"the list does not name the present ITLRecovery of {publisher.name}",
            f"Run `utils service restart Cisco Tftp` on {publisher.name}.",
        )
    if verdict.signer.certificate not in {recovery.der, *_earlier(site, history)}:
        raise RefusedError(
            f"the list is not signed with the ITLRecovery key of {publisher.name}"
        )


def _earlier(site: Site, history: History) -> set[bytes]:
    """The recovery certificates (DER) that lists of this node named."""
    if not site.settings.keep_trust:
        return set()
    found = (recovery_record(kept.trust_list) for kept in history.binding)
    return {each.certificate for each in found if each and each.certificate}


def require_own_name(site: Site, trust_list: TrustList) -> None:
    """Refuse a list for another node, or made before a certificate was replaced."""
    own = Keystore(site).certificate(Unit.CALL_MANAGER).der
    names = {
        record.certificate
        for record in trust_list.records
        if record.role in CONFIGURATION_SIGNERS
    }
    if own not in names:
        raise RefusedError(
            f"the list does not name the present CallManager certificate of "
            f"{site.node.name}",
            f"Run `utils service restart Cisco Tftp` on {site.node.name}, which brings "
            "it.",
        )
