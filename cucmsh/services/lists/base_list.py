"""The list that a reset signs anew, and what is unusual about it.

The bytes that this node composed or published last are signed anew without a question;
for any others a person is asked, who is shown each difference to the certificates on
disk (docs/decisions/011). Where no list is served, one is composed. Writes nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import CucmshError, RefusedError, TrustListError
from cucmsh.pki.model import Certificate
from cucmsh.services.lists.compose import digest_of, lists_to_offer, next_timestamp
from cucmsh.services.lists.foreign import how_to_compose
from cucmsh.services.lists.list_records import own_records, spelled_for_phones
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.records.history import History
from cucmsh.services.records.state import read_published
from cucmsh.services.site import Site
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.sealing import check, check_certificates, seal

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential


class Question(NamedTuple):
    """Lines that say what is unusual, before a typed ``yes`` is asked for."""

    lines: tuple[str, ...]


def present_list(
    site: Site,
    signer: Credential,
    recovery: Certificate,
    own: Certificate | None = None,
) -> tuple[TrustList, list[Question], list[str]]:
    """The list to sign anew, and what is unusual about it (docs/decisions/011).

    Args:
        site: this node.
        signer: the key that will sign.
        recovery: the recovery certificate that the list will name.
        own: the certificate in this publisher's key file, if it was opened already:
            to open it once more takes a third of a second.

    Returns:
        The list, questions that a person must answer with yes, and warnings.

    Raises:
        RefusedError: the served file is no trust list; or none is served and none can
            be composed.
    """
    raw = served_list(site)
    if raw is None:
        return _composed(site, signer, recovery), [], []
    try:
        base = decode(raw)
    except TrustListError as problem:
        raise RefusedError(
            f"the ITL file of this node is damaged: {problem.message}",
            how_to_compose(
                site,
                "Run `utils service restart Cisco Tftp`, which composes a new one.",
            ),
        ) from problem
    differences = _differences(site, base, own)
    published = read_published(site.home)
    ours = published and hashlib.sha256(raw).hexdigest() in (
        published.sha256,
        published.earlier,
    )
    verdict = check(base, site.backends.verifier())
    mismatch = check_certificates(base, site.backends.keys().read_certificate)
    if not verdict.is_valid or mismatch:
        reason = verdict.reason or mismatch
        lines = (f"The present ITL does not verify: {reason}.", *differences)
        return base, [Question(lines)], []
    if not ours:
        lines = ("The present ITL was not made by this node.", *differences)
        return base, [Question(lines)], []
    if differences:
        warning = "The present ITL differs from the certificates of this node:"
        return base, [], [warning, *differences]
    return base, [], []


def _composed(site: Site, signer: Credential, recovery: Certificate) -> TrustList:
    """A list where none is served; the fetched key may stand in for a lost one.

    Whether phones would take it is asked of the list that the reset makes of it.
    """
    try:
        held = History(site).binding if site.settings.keep_trust else []
        return next(lists_to_offer(site, held)).trust_list
    except RefusedError:
        raise
    except CucmshError:
        records = spelled_for_phones(site, own_records(site, recovery))
        timestamp = next_timestamp(site)
        return seal(records, signer, timestamp=timestamp, digest=digest_of(site))


def _differences(
    site: Site, trust_list: TrustList, own: Certificate | None
) -> tuple[str, ...]:
    """What stands in the list and not on this node's disk, and the other way.

    A certificate or key that is missing is told, and stops no reset: it may be what
    the reset is for.
    """
    try:
        expected = spelled_for_phones(site, own_records(site, own))
    except CucmshError as problem:
        return (f"  it cannot be compared: {problem.message}",)
    there = {record.raw: record for record in trust_list.records}
    here = {record.raw: record for record in expected}
    only_there = [f"  in the ITL only: {_tell(there[r])}" for r in there.keys() - here]
    only_here = [f"  on this node only: {_tell(here[r])}" for r in here.keys() - there]
    return tuple(sorted(only_there) + sorted(only_here))


def _tell(record: Record) -> str:
    return f"{record.subject_name}, serial number {record.serial.hex(':').upper()}"
