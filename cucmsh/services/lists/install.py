"""What a member does with a staged file: checks it, puts it in place, proves it.

The other end of ``member_hooks``, run by ``cucmsh hook`` under this node's own lock.
Installs no list that is not signed by a key of the publisher's that signs resets:
ITLRecovery, from release 12.5 on CallManager, too (``release.Profile.reset_signers``).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress

from cucmsh.alarms import ITL_FILE_REGENERATED_TFTP
from cucmsh.errors import CucmshError, RefusedError, UsageError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.layout import LIST_FILE, SERVED_MODE, STAGING
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.trust_store import TRUSTS, install
from cucmsh.services.lists.acceptance import TRUST_RELEASE, describe, who_refuses
from cucmsh.services.lists.locate_nodes import refuse_unless_expected
from cucmsh.services.lists.member_lists import all_lists_pending
from cucmsh.services.lists.reset_signers import reset_signers
from cucmsh.services.lists.served_lists import (
    is_reset_list,
    served_list,
    sha256_served,
    why_unserved,
)
from cucmsh.services.nodes.own_services import is_running, restart
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.history import History, note_successor
from cucmsh.services.records.served_times import note_served
from cucmsh.services.records.state import (
    Published,
    clear_keep_mark,
    keep_mark,
    set_keep_mark,
    write_published,
)
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.usecase import use_case
from cucmsh.storage.store import split_name
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import check

PURPOSE = "install-list"  # what files are staged for


@use_case("hook stage", changes=True)
def stage(site: Site, name: str, sha256: str, raw: bytes) -> None:
    """Keep bytes that another node sent until ``take_staged`` wants them.

    Names are install-list-NODE-RANDOM, of a node of this cluster. What an earlier
    attempt of that node left goes first: so there is one file a node at most, and
    nobody fills the disk with them.

    Raises:
        UsageError: it is no such name.
        RefusedError: not all bytes have arrived, or others.
    """
    prefix, _, random = name.rpartition("-")
    senders = {
        f"{PURPOSE}-{name}"
        for node in site.settings.cluster.members
        for name in (node.name, *node.aliases)
    }
    if len(split_name(name)) != 1 or prefix not in senders or not random:
        raise UsageError(f"{name!r} is no name of a staged file")
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise RefusedError("what arrived is not what was to be sent")
    for left in site.home.names(STAGING):
        if left.rpartition("-")[0] == prefix:
            site.home.remove(f"{STAGING}/{left}")
    site.home.write(f"{STAGING}/{name}", raw)


@use_case("hook discard", changes=True)
def discard_staged(site: Site, name: str) -> None:
    """Take away what was staged; it may be gone."""
    if len(split_name(name)) != 1:
        raise UsageError(f"{name!r} is no name of a staged file")
    site.home.remove(f"{STAGING}/{name}")


@use_case("hook take-staged", changes=True)
def take_staged(site: Site, name: str, sha256: str) -> bytes:
    """The staged bytes, which are then gone from the staging folder.

    Raises:
        RefusedError: they are not the bytes that were sent.
    """
    if len(split_name(name)) != 1:
        raise UsageError(f"{name!r} is no name of a staged file")
    raw = site.home.read(f"{STAGING}/{name}")
    site.home.remove(f"{STAGING}/{name}")
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise RefusedError("the staged file is not the one that was sent")
    return raw


@use_case("hook install-certificate", changes=True)
def install_certificate(site: Site, raw: bytes, name: str, unit: str) -> None:
    """Keep another member's certificate, or one that was imported there.

    Args:
        site: this node.
        raw: the certificate, PEM.
        name: of the member whose it is, or where it was imported.
        unit: which of its certificates, such as ``TVS``; or the trust that it was
            imported into, such as ``CallManager-trust``.

    Raises:
        UsageError: there is no such member, or no such unit.
        RefusedError: an imported one of that name is here, and no older.
        CertificateError, StoreError: it is no certificate, or cannot be kept.
    """
    node = site.settings.cluster.find(name)
    if node is None or not node.is_member or node.name == site.node.name:
        raise UsageError(f"{name!r} is no other member of this cluster")
    if unit in TRUSTS:
        certificate = site.backends.keys().read_certificate(raw)
        with site.node_lock("the installing of a certificate"):
            install(site, unit, certificate)
        return
    if unit not in list(Unit):
        raise UsageError(f"{unit!r} is no certificate unit")
    keystore, before = Keystore(site), None
    with suppress(CucmshError):  # one that is damaged is replaced, too
        before = keystore.trusted(node, Unit(unit))
    keystore.trust(node, Unit(unit), raw)
    if keystore.trusted(node, Unit(unit)) != before:
        # Until that node asks for them, or this one's service starts.
        all_lists_pending(site, f"the {unit} certificate of {name} was replaced")


@use_case("hook install-list", changes=True)
def install_list(
    site: Site, raw: bytes, expected: str, *, was_active: bool, is_agreed: bool = False
) -> NodeOutcome:
    """Verify a reset list, put it in place, restart TFTP, read it back.

    Args:
        site: this node.
        raw: the list.
        expected: SHA-256 of the list that it may replace, or ``NO_LIST``.
        was_active: whether TFTP ran when the reset began.
        is_agreed: whether the reset asked a person about phones that would refuse it.

    Raises:
        TrustListError, RefusedError: it is no list of this cluster's recovery key, or
            another list than the expected one is served; or with ``keep_trust`` on,
            phones with a list of this node would refuse it, and nobody was asked.
    """
    sweep(site)  # what an earlier hook left that was killed
    trust_list = decode(raw)
    _require_recovery_signature(site, trust_list)
    if not is_agreed:
        _require_acceptance(site, trust_list)
    put_in_place(site, trust_list, expected)
    return restart_and_prove(site, raw, was_active=was_active)


def _require_acceptance(site: Site, trust_list: TrustList) -> None:
    """The rule of ``acceptance``, by this node's history, which no other node has."""
    history, present = History(site), served_list(site)
    if present is not None:
        history.consider(site.node.name, present)
    refused = who_refuses(site, trust_list, history)
    if refused:
        raise RefusedError(
            f"{describe(refused)}; `{TRUST_RELEASE}` on {site.node.name} gives them up"
        )


def put_in_place(site: Site, trust_list: TrustList, expected: str) -> None:
    """Set the keep mark, note the list, then rename it into place.

    In that order, because of docs/decisions/009, 010.

    Args:
        site: this node.
        trust_list: the new list.
        expected: SHA-256 of the list that it may replace, or ``NO_LIST``.

    Raises:
        RefusedError: neither the expected list nor this one is served now.
    """
    raw = trust_list.raw
    sha256 = hashlib.sha256(raw).hexdigest()
    directory = site.tftp  # before anything is marked: a node may have none
    with site.node_lock("the installing of a list"):
        served = sha256_served(site)
        refuse_unless_expected(site.node, served, (expected, sha256))
        note_successor(site, served_list(site), raw)
        set_keep_mark(site.home, sha256)
        timestamp = trust_list.header.timestamp
        write_published(site.home, Published(sha256, timestamp), served)
        if (present := served_list(site)) is not None:
            note_served(site, present)
        directory.write(LIST_FILE, raw, SERVED_MODE)
        note_served(site, raw, is_new=True)
        tell(site, ITL_FILE_REGENERATED_TFTP)


def restart_and_prove(site: Site, raw: bytes, *, was_active: bool) -> NodeOutcome:
    """Restart the TFTP service and read the list back through it.

    A service that was stopped stays stopped; its mark stays too, until the list is
    proven. One that an earlier attempt of ours brought down was active, and is brought
    up again. The list is in place whatever becomes of the service.
    """
    name = site.node.name
    try:
        with exhaustion_as_error():
            if not was_active and not is_running(site):
                return NodeOutcome(name, State.STOPPED)
            restart(site)
            unproven = _prove(site, raw)
    except CucmshError as problem:
        unproven = problem.message
    if unproven:
        return NodeOutcome(name, State.UNPROVEN, unproven)
    return NodeOutcome(name, State.UPDATED)


def close_mark(site: Site) -> bool:
    """Prove the list of a reset after a start; whether no keep mark stands any more.

    A reset leaves its mark on a stopped service, or when we are killed. The start
    after it served that list; once it is read back the next start composes again.
    """
    if not keep_mark(site.home):
        return True
    raw = served_list(site)
    return raw is not None and is_reset_list(site, raw) and not _prove(site, raw)


def _prove(site: Site, raw: bytes) -> str:
    """Read the list back through TFTP, and take its mark away (step S12).

    Returns:
        Why it could not be proven; empty if it was.
    """
    unserved = why_unserved(site, site.node.tftp, raw)
    if not unserved:
        with site.node_lock("the proof of a list"):
            clear_keep_mark(site.home, hashlib.sha256(raw).hexdigest())
    return unserved


def _require_recovery_signature(site: Site, trust_list: TrustList) -> None:
    verdict = check(trust_list, site.backends.verifier())
    if not verdict.is_valid or verdict.signer is None:
        raise RefusedError(f"the list does not verify: {verdict.reason}")
    publisher = site.settings.cluster.publisher
    if verdict.signer.certificate not in reset_signers(site):
        units = " or the ".join(site.settings.profile.reset_signers)
        raise RefusedError(
            f"the list is not signed with the {units} key of {publisher.name}"
        )
