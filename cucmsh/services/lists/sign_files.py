"""Signs the phones' files: ``NAME.sgn`` beside ``NAME``, for the list served now.

Signs nothing unless the CallManager certificate is the TFTP record of the list that
this node serves: a phone that holds that list would refuse anything else, and what it
took before would be gone. So after ``set cert regen CallManager`` files are signed when
the next TFTP start has put the new list in place; a subscriber that serves the
publisher's list after a reset signs nothing until it serves one of its own.

An adopted key signs in CallManager's place where all lists that phones may hold name it
as TFTP and CallManager's is not named by all: a phone that did not fetch its list yet
takes those files too (docs/decisions/032).

Decided:

* A file that is current stays as it is, its time stamp too; so a second run writes
  nothing.
* Each file is written as a list is (``Store.write``: all bytes, sync, read back,
  rename, sync of the folder), several at a time, because the file system then makes
  one wait of many. Not fewer syncs for all: a signed file that a power cut left empty
  keeps its phone from its configuration. (Measured: benchmarks/signing.py.)
* A signed file whose plain one is gone is named and left: its payload may be the only
  copy there is, and an administrator may have put it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cucmsh.errors import CucmshError, ExhaustedError, RefusedError, TrustListError
from cucmsh.exhaustion import exhaustion_as_error
from cucmsh.layout import SERVED_MODE
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import signers_of_files
from cucmsh.services.lists.compose import digest_of
from cucmsh.services.lists.foreign import how_to_compose
from cucmsh.services.lists.given_list import is_given
from cucmsh.services.lists.phone_files import (
    Choice,
    PhoneFile,
    asked,
    look_at,
    read_plain,
)
from cucmsh.services.lists.reset_signers import reset_signers
from cucmsh.services.lists.secret_files import Secrets
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.records.history import History, Kept
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import Record, TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS, SUFFIX, seal_signed

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential

WORKERS = 16  # threads; they mostly wait for the disk, so more than the cores
LATE = "there was no time left for it"
_Value = TypeVar("_Value")


class SignReport(NamedTuple):
    """What became of each file, sorted.

    Attributes:
        signed: written anew.
        unchanged: current before, and left.
        failed: names and reasons.
        orphans: signed files whose plain one is gone; see the module.
        misplaced: files that no phone asks for with their folder; see ``Choice``.
        encrypted: files that only the tool that made them can renew; see ``Choice``.
    """

    signed: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]
    orphans: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    encrypted: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 all done, 3 some, 1 none (docs/decisions/003)."""
        if not self.failed:
            return 0
        return 3 if self.signed or self.unchanged else 1


def list_for_files(site: Site) -> TrustList:
    """The list that this node serves: phones of it hold that, or will.

    Raises:
        RefusedError: none is served here, or it does not verify.
    """
    restart = "Run `utils service restart Cisco Tftp`, which composes one."
    raw = served_list(site)
    if raw is None:
        raise RefusedError(
            f"{site.node.name} serves no ITL", how_to_compose(site, restart)
        )
    try:
        held = decode(raw)
    except TrustListError as problem:
        raise RefusedError(
            f"the ITL that {site.node.name} serves is damaged: {problem.message}",
            how_to_compose(site, restart),
        ) from problem
    verdict = check(held, site.backends.verifier())
    if not verdict.is_valid:
        raise RefusedError(
            f"the served ITL does not verify: {verdict.reason}",
            how_to_compose(site, restart),
        )
    return held


def signer_in(site: Site, held: TrustList) -> tuple[Credential, Record]:
    """The key that signs for phones, and its TFTP record in the list.

    Raises:
        RefusedError: the list has no record of this node's CallManager certificate.
    """
    keystore = Keystore(site)
    credential = keystore.credential(Unit.CALL_MANAGER)
    own = _record_of(credential, held)
    if own is not None:
        adopted = list(keystore.adopted())
        binding = History(site).binding if adopted else []
        if not all(_takes_files_of(kept, credential) for kept in binding):
            for other in adopted:
                record = _record_of(other, held)
                if record and all(_takes_files_of(kept, other) for kept in binding):
                    return other, record
        return credential, own
    raise RefusedError(
        f"the ITL that {site.node.name} serves does not name its CallManager "
        f"certificate as TFTP, and phones would refuse what it signs{_why(site, held)}",
        how_to_compose(
            site,
            "Run `utils service restart Cisco Tftp`: it composes an ITL that names the "
            "present certificate, and signs the files for it.",
        ),
    )


def _record_of(credential: Credential, held: TrustList) -> Record | None:
    der = credential.certificate.der
    for record in held.records:
        if record.role in CONFIGURATION_SIGNERS and record.certificate == der:
            return record
    return None


def _takes_files_of(kept: Kept, credential: Credential) -> bool:
    """Whether holders take files of that key; those that take none are not asked."""
    signers = signers_of_files([kept])
    return not signers or credential.certificate.der in signers


def sign_files(
    site: Site, choice: Choice, *, seconds: float = float("inf")
) -> SignReport:
    """Sign those of the files that are not current.

    Args:
        site: this node.
        choice: the files.
        seconds: after so long no further file is begun.

    Raises:
        RefusedError: there is something to sign, and this node must not; see above.
        BusyError: another signing takes too long.
    """
    end = monotonic() + seconds
    if not site.node.has_tftp:
        raise RefusedError(f"{site.node.name} does not run Cisco Tftp")
    with site.signing_lock():
        failed = list(choice.refused)
        if not choice.names:
            return SignReport(
                (),
                (),
                tuple(sorted(failed)),
                choice.orphans,
                encrypted=choice.encrypted,
            )
        held = list_for_files(site)
        secrets = choice.secrets
        found = _each(
            choice.names, lambda name: look_at(site, held, name, secrets), end
        )
        wanting = [name for name, seen in found if seen is None or seen.problem]
        failed += [(name, seen.fault) for name, seen in found if seen and seen.fault]
        done = _sign(site, held, (wanting, secrets), end) if wanting else []
    failed += [(name, why) for name, why in done if why]
    return SignReport(
        signed=tuple(name for name, why in done if not why),
        unchanged=tuple(name for name, seen in found if _is_current(seen)),
        failed=tuple(sorted(failed)),
        orphans=choice.orphans,
        misplaced=choice.misplaced,
        encrypted=choice.encrypted,
    )


def _sign(
    site: Site, held: TrustList, chosen: tuple[list[str], Secrets], end: float
) -> list[tuple[str, str]]:
    """Sign these; each name, and why it was not signed, empty if it was."""
    names, secrets = chosen
    signer = signer_in(site, held)
    for folder in {name.rpartition("/")[0] for name in names}:
        site.tftp.sweep(folder)  # what a signing left that was killed
    digest = digest_of(site)
    now = int(site.clock.now().timestamp())

    def sign(name: str) -> str:
        try:
            with exhaustion_as_error():
                signed = seal_signed(
                    read_plain(site, name, secrets),
                    asked(site, name) + SUFFIX,
                    signer,
                    timestamp=now,
                    digest=digest,
                )
                site.tftp.write(name + SUFFIX, signed.raw, SERVED_MODE)
        except CucmshError as problem:
            return problem.message
        return ""

    done = _each(names, sign, end)
    return [(name, LATE if why is None else why) for name, why in done]


def _each(
    names: Iterable[str], work: Callable[[str], _Value], end: float
) -> list[tuple[str, _Value | None]]:
    """Every name with what ``work`` made of it, or None if its turn came too late."""

    def in_time(name: str) -> tuple[str, _Value | None]:
        return name, work(name) if monotonic() < end else None

    names = list(names)
    try:
        with exhaustion_as_error():
            return list(side_by_side(in_time, names, WORKERS, ends_whole=True))
    except ExhaustedError:  # no memory is left: what was begun is done once more
        return [in_time(name) for name in names]


def _is_current(seen: PhoneFile | None) -> bool:
    return seen is not None and seen.is_current


def _why(site: Site, held: TrustList) -> str:
    """Part of a sentence: a subscriber serves the publisher's list since a reset.

    Empty if it does not: if the list is another, or the publisher made it for this one.

    See docs/security.md#rules-of-a-reset.
    """
    if site.node.is_publisher:
        return ""
    publisher = site.settings.cluster.publisher
    verdict = check(held, site.backends.verifier())
    try:
        is_reset = verdict.signer and verdict.signer.certificate in reset_signers(site)
        call_manager = Keystore(site).trusted(publisher, Unit.CALL_MANAGER)
    except CucmshError:
        return ""
    named = {r.certificate for r in held.records if r.role in CONFIGURATION_SIGNERS}
    is_theirs = call_manager is not None and call_manager.der in named
    if not is_reset or (is_given(site) and not is_theirs):
        return ""
    return f"; since a reset it serves the ITL of {publisher.name}"
