"""Certificates that this node trusts: those of other members, and imported ones.

The trusts are those of the original, and each imported certificate lies in the folder
of its own. Which of them TVS vouches for, and as what, is ``tvs.trusted``'s rule. What
is replaced or deleted is copied to ``earlier`` first. Takes no lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from cucmsh.errors import CertificateError, MissingFileError, RefusedError, UsageError
from cucmsh.layout import PUBLIC_MODE, imported_file, imported_folder, removed_file
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.site import Site

PHONE_SAST = "Phone-SAST-trust"
CALL_MANAGER = "CallManager-trust"
TRUST = "-trust"
TRUSTS = (
    *("tomcat-trust", "ipsec-trust", CALL_MANAGER, "CAPF-trust", "TVS-trust"),
    PHONE_SAST,
)
# Where the certificates that another member brought are shown.
_SHOWN_IN = {
    Unit.TOMCAT: "tomcat-trust",
    Unit.CALL_MANAGER: CALL_MANAGER,
    Unit.CAPF: "CAPF-trust",
    Unit.TVS: "TVS-trust",
    Unit.ITL_RECOVERY: PHONE_SAST,
}
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 64  # characters of a name; an X.509 common name has as many


class TrustedOne(NamedTuple):
    """A certificate of somebody else.

    Attributes:
        trust: such as ``CallManager-trust``.
        name: as it is shown and typed, such as ``pub.example.org.pem``.
        certificate: it.
        file: where an imported one lies, in the home; empty for a member's.
        node: the member who brought it; empty for an imported one.
    """

    trust: str
    name: str
    certificate: Certificate
    file: str = ""
    node: str = ""


class TrustedShown(NamedTuple):
    """All of them, and a sentence for each file that cannot be read."""

    entries: tuple[TrustedOne, ...]
    problems: tuple[str, ...]


def require_trust(text: str) -> str:
    """The trust of that name; a unit's own name stands for its trust.

    Raises:
        UsageError: there is none; names those there are.
    """
    for trust in TRUSTS:
        if text in (trust, trust.removesuffix(TRUST)):
            return trust
    raise UsageError(
        f"{text!r} is no trust of certificates", f"Type one of: {', '.join(TRUSTS)}"
    )


def trust_of(unit: Unit) -> str:
    """Where the authorities of a unit's certificates are."""
    return f"{unit.value}{TRUST}"


def all_trusted(site: Site) -> TrustedShown:
    """What is in all trusts, by trust and name."""
    problems: list[str] = []
    found = [*_of_members(site), *_imported(site, problems)]
    found.sort(key=lambda each: (TRUSTS.index(each.trust), each.name))
    return TrustedShown(tuple(_with_own_names(found)), tuple(problems))


def imported(site: Site) -> tuple[TrustedOne, ...]:
    """The imported ones that can be read."""
    return tuple(each for each in all_trusted(site).entries if each.file)


def find_trusted(site: Site, trust: str, name: str) -> TrustedOne:
    """The one of that name.

    Raises:
        MissingFileError: there is none.
    """
    for each in all_trusted(site).entries:
        if (each.trust, each.name) == (trust, name):
            return each
    raise MissingFileError(
        f"there is no certificate {name} in {trust}", "See `show cert list trust`."
    )


def require_later(certificate: Certificate, there: TrustedOne) -> None:
    """Refuse to replace one of the same name by one that is no later.

    Raises:
        RefusedError: the one that is there is no older.
    """
    if certificate.not_before <= there.certificate.not_before:
        raise RefusedError(
            f"{there.trust}/{there.name} has the same name and is valid since "
            f"{there.certificate.not_before:%Y-%m-%d %H:%M:%S} UTC, no earlier than "
            "this one",
            f"`set cert delete {there.trust} {there.name}` makes room for it.",
        )


def require_installable(site: Site, wanted: Iterable[tuple[str, Certificate]]) -> None:
    """Refuse what ``install`` would refuse of these, one after the other.

    Raises:
        RefusedError: one of them; nothing was changed.
    """
    there = {
        (each.trust, each.certificate.subject_name): each for each in imported(site)
    }
    for trust, certificate in wanted:
        place = trust, certificate.subject_name
        found = there.get(place)
        if found and found.certificate != certificate:
            try:
                require_later(certificate, found)
            except RefusedError as refusal:
                raise RefusedError(
                    f"{refusal.message}; nothing was changed", refusal.advice
                ) from refusal
        name = _file_name(certificate)
        there[place] = TrustedOne(trust, name, certificate, imported_file(trust, name))


def install(
    site: Site, trust: str, certificate: Certificate
) -> tuple[TrustedOne | None, bool]:
    """Put an imported certificate into a trust; the caller holds the node's lock.

    One of that name that is there is replaced if its validity begins earlier, as the
    original does it.

    Returns:
        The one that it replaced, and whether anything was written.

    Raises:
        RefusedError: the one that is there is no older.
    """
    same_name = [
        each
        for each in imported(site)
        if each.trust == trust
        and each.certificate.subject_name == certificate.subject_name
    ]
    if any(each.certificate == certificate for each in same_name):
        return None, False
    for each in same_name:
        require_later(certificate, each)
    file = imported_file(trust, _file_name(certificate))
    site.home.write(file, site.backends.keys().to_pem(certificate), PUBLIC_MODE)
    for each in same_name:
        remove(site, each)
    return (same_name[0] if same_name else None), True


def remove(site: Site, entry: TrustedOne) -> str:
    """Take an imported certificate away; the caller holds the node's lock.

    Returns:
        Where a copy of it is, in the home.
    """
    digest = sha256(entry.certificate.der).hexdigest()[:16]
    copy = removed_file(entry.trust, f"{_stem(entry.certificate)}_{digest}.pem")
    pem = site.backends.keys().to_pem(entry.certificate)
    kept = b""
    with suppress(MissingFileError):
        kept = site.home.read(copy)
    if kept != pem:
        site.home.write(copy, pem, PUBLIC_MODE)
    site.home.remove(entry.file)
    return copy


def _of_members(site: Site) -> Iterator[TrustedOne]:
    keystore = Keystore(site)
    for node in site.settings.cluster.members:
        if node.name == site.node.name:
            continue
        for unit, trust in _SHOWN_IN.items():
            with suppress(CertificateError):  # doctor says so
                certificate = keystore.trusted(node, unit)
                if certificate is not None:
                    yield TrustedOne(
                        trust,
                        _shown_name(site, certificate),
                        certificate,
                        "",
                        node.name,
                    )


def _imported(site: Site, problems: list[str]) -> Iterator[TrustedOne]:
    read = site.backends.keys().read_certificate
    for trust in TRUSTS:
        for name in site.home.names(imported_folder(trust)):
            file = imported_file(trust, name)
            try:
                certificate = read(site.home.read(file))
            except (CertificateError, MissingFileError) as problem:
                problems.append(f"{trust}/{name} cannot be read: {problem.message}")
                continue
            yield TrustedOne(trust, _shown_name(site, certificate), certificate, file)


def _with_own_names(found: list[TrustedOne]) -> Iterator[TrustedOne]:
    """Each by a name that no other one in its trust has."""
    names = [(each.trust, each.name) for each in found]
    seen: dict[tuple[str, str], int] = {}
    for each in found:
        place = each.trust, each.name
        if names.count(place) == 1:
            yield each
            continue
        name = _file_name(each.certificate)
        number = seen[each.trust, name] = seen.get((each.trust, name), 0) + 1
        if number > 1:
            name = f"{name.removesuffix('.pem')}_{number}.pem"
        yield each._replace(name=name)


def _shown_name(site: Site, certificate: Certificate) -> str:
    if site.settings.profile.has_later_certificate_words:
        return _file_name(certificate)
    return f"{_stem(certificate)}.pem"


def _file_name(certificate: Certificate) -> str:
    return f"{_stem(certificate)}_{certificate.serial.hex()[:40]}.pem"


def _stem(certificate: Certificate) -> str:
    """The common name, of letters that a file name may have everywhere."""
    stem = _ODD.sub("_", certificate.common_name)[:_LONGEST].lstrip(".-")
    return stem or "certificate"
