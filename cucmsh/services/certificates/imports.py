"""``set cert import`` and ``set cert delete``: certificates that somebody brings.

One for this node's own use has to be of the key that waits for it, and its chain has to
be in the trust of its unit. It is a new key of that unit, so the hold timer counts it
as a regeneration does (docs/decisions/015). Restarts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import (
    CertificateError,
    MissingFileError,
    RefusedError,
    StoreError,
)
from cucmsh.layout import request_file
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.hold import start_hold
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.own import own_units
from cucmsh.services.certificates.regenerate import bring_to_members, require_no_hold
from cucmsh.services.certificates.requests import (
    has_request,
    read_request,
    require_signed_by_others,
)
from cucmsh.services.certificates.trust_store import (
    PHONE_SAST,
    TRUST,
    TrustedOne,
    find_trusted,
    imported,
    install,
    remove,
    require_installable,
    require_trust,
    trust_of,
)
from cucmsh.services.lists.acceptance import period
from cucmsh.services.lists.member_hooks import deliver_imported
from cucmsh.services.outcome import NodeOutcome
from cucmsh.services.phones.after_change import note_change
from cucmsh.services.records.history import History
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential

NOT_CHANGED = "nothing was changed"


class Imports(NamedTuple):
    """What was imported here, and what became of it on the other members."""

    done: tuple[ImportedOne, ...]
    outcomes: tuple[NodeOutcome, ...]


class ImportedOne(NamedTuple):
    """What became of a certificate that was brought for a trust.

    Attributes:
        trust: where it is now.
        certificate: it.
        replaced: an earlier one of its name, which is kept in ``earlier``.
        was_there: it was there already.
        refused: why it was left out; empty if it is there now.
    """

    trust: str
    certificate: Certificate
    replaced: Certificate | None = None
    was_there: bool = False
    refused: str = ""


def require_request(site: Site, unit: Unit) -> None:
    """Refuse an import for which no key waits.

    Raises:
        RefusedError: ITLRecovery, which is always self-signed.
        MissingFileError: there is no request of that unit.
    """
    require_signed_by_others(unit)
    if not has_request(site, unit):
        read_request(site, unit)


@use_case("set cert import own", changes=True)
def import_own(
    site: Site, unit: Unit, raw: bytes, authority: str = ""
) -> list[NodeOutcome]:
    """Install the certificate that an authority made for the request of that unit.

    Args:
        site: this node.
        unit: whose it is.
        raw: the certificate, PEM or DER.
        authority: the name of its issuer's certificate in the unit's trust; empty for
            whichever it is.

    Returns:
        One outcome for each member that it was brought to.

    Raises:
        MissingFileError: there is no request, or no such authority.
        CertificateError: it cannot be used; says why. Nothing was changed.
        RefusedError: the hold timer runs.
    """
    what = f"set cert import own {unit}"
    with site.cluster_lock(what):
        require_request(site, unit)
        require_no_hold(site, unit)
        credential = _usable(site, unit, raw, authority)
        with site.node_lock(what):  # a start composes with what lies there
            start_hold(site, unit)
            Keystore(site).install(unit, credential)
            site.home.remove(request_file(unit))
            note_change(site, unit)
        return bring_to_members(site, unit)


def check_own(site: Site, unit: Unit, raw: bytes, authority: str = "") -> Certificate:
    """What ``import_own`` would install, before anybody is asked; writes nothing.

    Raises:
        CucmshError: as ``import_own``.
    """
    require_request(site, unit)
    return _usable(site, unit, raw, authority).certificate


def _usable(site: Site, unit: Unit, raw: bytes, authority: str) -> Credential:
    keys, now = site.backends.keys(), site.clock.now()
    certificate = _only_one(keys.read_received(raw))
    _require_fit(site, unit, certificate)
    trust = trust_of(unit)
    known = [each for each in imported(site) if each.trust == trust]
    chain = keys.chain_of(certificate, [each.certificate for each in known], trust, now)
    if authority:
        named = find_trusted(site, trust, authority.removeprefix(f"{trust}/"))
        if not chain or named.certificate != chain[0]:
            raise RefusedError(
                f"{trust}/{named.name} did not issue this certificate; {NOT_CHANGED}",
                "Name its issuer's, or none.",
            )
    try:
        return keys.pair_with(read_request(site, unit), certificate)
    except CertificateError as problem:
        raise CertificateError(
            f"the certificate is not that of the request of {unit}: its key is "
            f"another one; {NOT_CHANGED}",
            f"See `show csr own {unit}/{unit}.csr`: that request has to be signed. A "
            "new `set csr gen` made an earlier one void.",
        ) from problem


def _only_one(found: tuple[Certificate, ...]) -> Certificate:
    if len(found) != 1:
        raise CertificateError(
            f"there are {len(found)} certificates in it, and one is asked for",
            "Import those of the authorities first: `set cert import trust`.",
        )
    return found[0]


def _require_fit(site: Site, unit: Unit, certificate: Certificate) -> None:
    keys = site.backends.keys()
    if certificate.key_type != "RSA":
        raise CertificateError(
            f"it has an {certificate.key_type} key of {certificate.key_bits} bits: "
            f"trust lists and signed files are signed with RSA, so {unit} here has an "
            f"RSA key; {NOT_CHANGED}",
            f"Have the request of `show csr own {unit}/{unit}.csr` signed.",
        )
    keys.require_usual_size(certificate)
    keys.require_valid(certificate, site.clock.now())
    nature = keys.nature_of(certificate)
    why = ""
    if nature.is_authority:
        why = "it is a certificate authority's (CA:TRUE)"
    elif nature.has_wildcard:
        why = "it is for names with a wildcard"
    elif not nature.may_sign:
        why = "its key usage has no digital signature, which lists and TLS need"
    if why:
        raise CertificateError(
            f"{why}; {NOT_CHANGED}",
            f"An authority's belongs to `set cert import trust {unit}`."
            if nature.is_authority
            else "Have it issued anew.",
        )


@use_case("set cert import trust", changes=True)
def import_trusted(site: Site, unit: str, raw: bytes) -> Imports:
    """Put certificates into a trust, the root before those below it.

    Args:
        site: this node.
        unit: whose trust, such as ``tomcat``, ``CallManager`` or ``Phone-SAST``.
        raw: a certificate (PEM, DER) or a chain (PEM, PKCS#7).

    Raises:
        UsageError: there is no such trust.
        CertificateError: one of them cannot be used; nothing was changed.
        RefusedError: another one of that name is there, and no older.
    """
    trust = require_trust(unit)
    keys, now = site.backends.keys(), site.clock.now()
    found = keys.read_received(raw)
    known = [each.certificate for each in imported(site)]
    for certificate in found:
        keys.require_usual_size(certificate)
        keys.require_valid(certificate, now)
        keys.chain_of(certificate, [*known, *found], trust, now)
    ordered = _roots_first(site, found)
    return put_into(site, [(trust, each) for each in ordered], unit)


def put_into(
    site: Site,
    wanted: Sequence[tuple[str, Certificate]],
    what: str,
    *,
    is_lenient: bool = False,
) -> Imports:
    """Install certificates into trusts, in this order, here and on other members.

    Args:
        site: this node.
        wanted: trust and certificate.
        what: is done, for those who wait.
        is_lenient: one that cannot be installed is told, and the others are.

    Raises:
        RefusedError: see ``trust_store.install``.
        BusyError: another command holds the cluster's lock.
    """
    done, to_pem = list[ImportedOne](), site.backends.keys().to_pem
    with site.cluster_lock(f"set cert import trust {what}"):
        with site.node_lock(f"set cert import trust {what}"):
            if not is_lenient:
                require_installable(site, wanted)
            for trust, certificate in wanted:
                try:
                    done.append(_put(site, trust, certificate))
                except (RefusedError, CertificateError) as refusal:
                    if not is_lenient:
                        raise
                    why = refusal.message
                    done.append(ImportedOne(trust, certificate, refused=why))
                except StoreError as problem:
                    raise _left_in_place(problem, done) from problem
        pems = [
            (each.trust, to_pem(each.certificate)) for each in done if not each.refused
        ]
        return Imports(tuple(done), tuple(deliver_imported(site, pems)))


def _left_in_place(problem: StoreError, done: Sequence[ImportedOne]) -> StoreError:
    """The error, and what it left here that no other member has."""
    there = ", ".join(
        f"{each.certificate.common_name} in {each.trust}"
        for each in done
        if not (each.was_there or each.refused)
    )
    if not there:
        return problem
    return StoreError(
        f"{problem.message}; in place on this node only: {there}",
        "Import all of them again, which brings them to every member.",
    )


def _put(site: Site, trust: str, certificate: Certificate) -> ImportedOne:
    site.backends.keys().require_valid(certificate, site.clock.now())
    replaced, is_new = install(site, trust, certificate)
    earlier = replaced.certificate if replaced else None
    return ImportedOne(trust, certificate, earlier, not is_new)


def _roots_first(site: Site, found: tuple[Certificate, ...]) -> list[Certificate]:
    """So that after a crash none is there without those above it."""
    is_issued_by = site.backends.keys().is_issued_by
    left, ordered = list(found), list[Certificate]()
    while left:
        ready = [
            each
            for each in left
            if not any(at is not each and is_issued_by(each, at) for at in left)
        ]
        ordered += ready or left
        left = [each for each in left if each not in ordered]
    return ordered


Agree = Callable[[list[str]], None]


@use_case("set cert delete", changes=True)
def delete_trusted(site: Site, unit: str, name: str, agree: Agree) -> str:
    """Take an imported certificate out of a trust; a copy is kept.

    Args:
        site: this node.
        unit: whose trust, such as ``tomcat`` or ``CallManager-trust``.
        name: as `show cert list trust` prints it, such as ``ca.pem``.
        agree: is given who needs it, a line each; raises if it is to stay.

    Returns:
        Where the copy is, below the home.

    Raises:
        UsageError: there is no such trust.
        MissingFileError: there is no such certificate.
        RefusedError: it is this node's own, or another member's.
    """
    trust = require_trust(unit)
    name = name.removeprefix(f"{trust}/")
    try:
        entry = find_trusted(site, trust, name)
    except MissingFileError:
        _require_not_own(site, unit, name)
        raise
    if not entry.file:
        raise RefusedError(
            f"{trust}/{name} is a certificate of {entry.node}, a node of this cluster, "
            f"whose lists and TVS need it; {NOT_CHANGED}",
            f"It goes when {entry.node} goes (`cucmsh node remove`), or gets another.",
        )
    needed = _who_needs(site, entry)
    if needed:
        agree(needed)
    with site.node_lock(f"set cert delete {trust} {name}"):
        return remove(site, entry)


def _require_not_own(site: Site, unit: str, name: str) -> None:
    own = unit.removesuffix(TRUST)
    if own in own_units(site) and name == f"{own}.pem":
        raise RefusedError(
            f"{own}/{name} is this node's own certificate, and only trusted ones can "
            f"be deleted; {NOT_CHANGED}",
            f"`set cert regen {own}` makes a new one.",
        )


def _who_needs(site: Site, entry: TrustedOne) -> list[str]:
    """Phones of others, lists that are held, certificates of this node; lines."""
    der, lines = entry.certificate.der, list[str]()
    if entry.trust == PHONE_SAST:
        lines.append(
            "TVS of this node vouches for it as a signer of trust lists: phones that "
            "hold a list of this cluster would refuse the lists that it signs."
        )
    for kept in History(site).entries:
        named = [r for r in kept.trust_list.records if r.certificate == der]
        if named and not kept.is_given_up:
            lines.append(
                f"Phones that hold the ITL with MD5 {kept.digests.md5}, served "
                f"{period(kept)}, know it by that list; TVS of this node would not "
                "vouch for it any more."
            )
    keys, keystore = site.backends.keys(), Keystore(site)
    left = [
        each.certificate
        for each in imported(site)
        if each.trust == entry.trust and each.file != entry.file
    ]
    for unit in keystore.units:
        if trust_of(unit) != entry.trust:
            continue
        # There is none, or it has no chain even with this one.
        with suppress(CertificateError, MissingFileError):
            own = keystore.certificate(unit)
            now = own.not_before
            if own.is_self_signed:
                continue
            chain = keys.chain_of(own, [*left, entry.certificate], entry.trust, now)
            if entry.certificate in chain:
                lines.append(
                    f"The {unit} certificate of this node was signed by it, or below "
                    f"it: its chain would be broken."
                )
    return lines
