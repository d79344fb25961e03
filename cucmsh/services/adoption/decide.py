"""Which certificates of adopted lists enter ours, and why the others do not.

A list is believed if a key that was handed over signed it; or if such a key is one of
its SAST and a person types the list's SHA-1 (a CUCM's ITLRecovery key signs no list of
every day). Nothing of another list enters. Each further SAST is asked about by itself:
it could sign lists that our phones take.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple, Protocol

from cucmsh.errors import CertificateError
from cucmsh.pki.model import Certificate
from cucmsh.services.adoption.material import GivenRecord, Material, roles_in
from cucmsh.services.adoption.sources import FoundList
from cucmsh.services.lists.list_records import own_records
from cucmsh.services.site import Site
from cucmsh.trustlist.model import Record
from cucmsh.trustlist.tags import Role, role_label

MOST_SAST = 3  # with ``sast_records = 3``: a signer, ITLRecovery and one more


class Standing(Enum):
    """What the keys that were handed over are to a list."""

    SIGNED = "signed by a key that was handed over"
    NAMED = "names a key that was handed over as SAST"
    FILES_ONLY = "names a key that was handed over as TFTP only"
    LOST = "no key of it was handed over"
    HELD = "only judged"
    EMPTY = "zero bytes: no list"


class Answers(Protocol):
    """What only a person decides; nothing of it is ever assumed."""

    def trusts(self, found: FoundList) -> bool:
        """Whether the person types this list's SHA-1."""

    def takes_sast(self, found: FoundList, name: str, sha256: str) -> bool:
        """Whether this further SAST of the list may sign lists for our phones.

        Args:
            found: the list that names it.
            name: the subject of its certificate.
            sha256: the certificate's, in hex.
        """


class LeftOut(NamedTuple):
    """A certificate that does not enter our lists: which one, where it was, and why."""

    what: str
    place: str
    reason: str


class Decided(NamedTuple):
    """What enters our lists, and what does not."""

    entering: tuple[GivenRecord, ...]
    left_out: tuple[LeftOut, ...]


def standing_of(found: FoundList, material: Material) -> Standing:
    """What the keys of ``material`` are to this list."""
    if found.trust_list is None or found.signer is None:
        return Standing.EMPTY
    ders = {key.certificate.der for key in material.keys}
    roles = {role for key in material.keys for role in roles_in(found, key.certificate)}
    if found.signer.certificate in ders:
        return Standing.SIGNED
    if Role.SAST in roles:
        return Standing.NAMED
    if not found.may_give:
        return Standing.HELD
    return Standing.FILES_ONLY if roles else Standing.LOST


def decide(site: Site, material: Material, answers: Answers) -> Decided:
    """What of the adopted lists, and of what was named by hand, enters ours.

    Args:
        site: this node; its own certificates are in its lists anyway.
        material: what was handed over.
        answers: asked about lists and SAST records.
    """
    return _Decision(site, material, answers).run()


class _Decision:
    def __init__(self, site: Site, material: Material, answers: Answers) -> None:
        self._material = material
        self._answers = answers
        self._read = site.backends.keys().read_certificate
        self._own = {(r.role, r.certificate) for r in own_records(site)}
        self._signers = {key.certificate.der for key in material.keys}
        self._room = site.settings.cluster.sast_records - 2
        self._entering: dict[tuple[int, bytes], GivenRecord] = {}
        self._left: list[LeftOut] = []

    def run(self) -> Decided:
        for given in self._material.records:
            self._enter(given)
        for found in self._material.lists:
            if found.may_give and found.trust_list is not None:
                self._list(found, found.trust_list.records)
        return Decided(tuple(self._entering.values()), tuple(self._left))

    def _list(self, found: FoundList, records: Iterable[Record]) -> None:
        standing = standing_of(found, self._material)
        if standing in (Standing.LOST, Standing.FILES_ONLY):
            self._leave("all its certificates", found, "no key of it was handed over")
        elif standing is Standing.NAMED and not self._answers.trusts(found):
            reason = "another key signed it, and nobody typed its SHA-1"
            self._leave("all its certificates", found, reason)
        else:
            for record in records:
                self._record(found, record)

    def _record(self, found: FoundList, record: Record) -> None:
        role, der = record.role, record.certificate
        if role is None or (der is None and record.public_key is None):
            return  # a blank record says nothing
        name = f"{role_label(role)} {record.subject_name}"
        if role == Role.TVS:
            self._leave(
                name,
                found,
                "a TVS vouches for any signer; --adopt-record tvs=FILE keeps it",
            )
        elif der is None:
            if not self._is_given(role, record):
                self._leave(
                    name,
                    found,
                    "only its hash is in the list; give the certificate with "
                    f"{'--adopt-capf' if role == Role.CAPF else '--adopt-record'}",
                )
        elif not self._is_there(role, der):
            self._whole(found, name, role, der)

    def _whole(self, found: FoundList, name: str, role: int, der: bytes) -> None:
        try:
            certificate = self._read(der)
        except CertificateError as problem:
            self._leave(name, found, problem.message)
            return
        if role != Role.SAST:
            self._enter(GivenRecord(role, certificate, found.place))
        elif self._room <= 0:
            self._leave(
                name,
                found,
                "a list holds two SAST, the signer and ITLRecovery; with sast_records "
                "= 3 under [cluster] you are asked about a third",
            )
        elif self._is_taken(found, certificate):
            self._enter(GivenRecord(role, certificate, found.place))
        else:
            self._leave(name, found, "nobody said yes to it: it could sign any list")

    def _is_taken(self, found: FoundList, certificate: Certificate) -> bool:
        sha256 = certificate.sha256_fingerprint.hex().upper()
        return self._answers.takes_sast(found, certificate.subject_name, sha256)

    def _is_there(self, role: int, der: bytes) -> bool:
        """Whether our lists have it anyway."""
        return (
            (role, der) in self._own
            or (role == Role.SAST and der in self._signers)
            or (role, der) in self._entering
            or self._is_capf(role, der)
        )

    def _is_capf(self, role: int, der: bytes) -> bool:
        capf = self._material.capf
        return role == Role.CAPF and capf is not None and capf.certificate.der == der

    def _is_given(self, role: int, record: Record) -> bool:
        """Whether the certificate of a hash was handed over: as CAPF, or by hand."""
        capf = self._material.capf
        given = [at.certificate for at in self._entering.values() if at.role == role]
        if role == Role.CAPF and capf is not None:
            given.append(capf.certificate)
        return any(
            certificate.sha1_fingerprint == record.certificate_hash
            for certificate in given
        )

    def _enter(self, given: GivenRecord) -> None:
        if given.role == Role.SAST:
            self._room -= 1
        self._entering[given.role, given.certificate.der] = given

    def _leave(self, what: str, found: FoundList, reason: str) -> None:
        self._left.append(LeftOut(what, found.place, reason))
