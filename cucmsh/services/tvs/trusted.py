"""The certificates for which this node vouches, and as what (docs/decisions/030).

Read from its own keys, the trust store, the configuration, the folders of imported
certificates, and lists in its TFTP directory. Opens no socket, writes nothing.

Role 0, to sign trust lists, has only who signs lists of this cluster now, and what a
person put into Phone-SAST-trust. So a certificate that was replaced is none here,
though the list that is still served may name it. Validity dates say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from typing import NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import (
    CertificateError,
    CucmshError,
    MissingFileError,
    TrustListError,
)
from cucmsh.layout import CTL_FILE, IMPORTED_FOLDER, LIST_FILE
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.given_list import given_list, is_given
from cucmsh.services.records.state import read_published
from cucmsh.services.site import Site
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS
from cucmsh.trustlist.tags import Role

# What a certificate from elsewhere may be trusted as, by the folder it lies in. The
# first two as a genuine server was seen to answer: both together give roles 0 and 3.
IMPORTED = {
    "Phone-SAST-trust": Role.SAST,
    "CallManager-trust": Role.TFTP,
    "CAPF-trust": Role.CAPF,
    "tomcat-trust": Role.APPLICATION_SERVER,
}
KEPT = "the key that signs here"  # under `keep_trust`; other members do not know it
# In a list of others: not to sign lists, and not to vouch for anybody.
FROM_LISTS = (
    *(Role.CCM, Role.CCM_TFTP, Role.TFTP, Role.CAPF, Role.APPLICATION_SERVER),
)


class Trusted(NamedTuple):
    """A certificate, its roles in ascending order, and where it is from."""

    certificate: Certificate
    roles: tuple[int, ...]
    source: str


class TrustedOnes(NamedTuple):
    """All that this node vouches for.

    Attributes:
        certificates: each once; what is more ours comes first.
        problems: what could not be read, a sentence each: whoever is not among the
            certificates may have been there.
    """

    certificates: tuple[Trusted, ...]
    problems: tuple[str, ...]


def trusted_ones(site: Site) -> TrustedOnes:
    """Read all of it; takes a few milliseconds for each certificate."""
    return _Reading(site).all()


def signers_of(site: Site) -> list[tuple[str, Certificate]]:
    """Who signs lists of this cluster now, as far as this node can read it.

    Returns:
        For each what it is, such as ``the CallManager certificate of pub``.
    """
    return [
        (found.source, found.certificate)
        for found in trusted_ones(site).certificates
        if Role.SAST in found.roles and found.source not in IMPORTED
    ]


class _Reading:
    """One pass over all that is on the disk."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._keystore = Keystore(site)
        self._found: dict[bytes, tuple[Certificate, set[int], str]] = {}
        self._problems: list[str] = []

    def all(self) -> TrustedOnes:
        for node in self._site.settings.cluster.members:
            self._member(node)
        # By then all is there that is ours: lists are judged by it.
        own = {der for der, (_, roles, _) in self._found.items() if Role.SAST in roles}
        names = {_name(certificate) for certificate, _, _ in self._found.values()}
        self._configured()
        self._imported()
        self._in_lists(own, names)
        return TrustedOnes(
            tuple(
                Trusted(certificate, tuple(sorted(roles)), source)
                for certificate, roles, source in self._found.values()
                if roles
            ),
            tuple(self._problems),
        )

    def _add(self, certificate: Certificate, roles: Iterable[int], source: str) -> None:
        known = self._found.setdefault(certificate.der, (certificate, set(), source))
        known[1].update(map(int, roles))

    def _member(self, node: Node) -> None:
        is_own = node.name == self._site.node.name
        units = self._keystore.units if is_own else Unit
        for unit in units:
            if not (roles := self._roles_of(node, unit)):
                continue
            with self._noted():
                certificate = (
                    self._keystore.certificate(unit)
                    if is_own
                    else self._keystore.trusted(node, unit)
                )
                if certificate is not None:  # else it was not brought here yet
                    source = f"the {unit} certificate of {node.name}"
                    self._add(certificate, roles, source)

    def _roles_of(self, node: Node, unit: Unit) -> set[Role]:
        """As what phones may need to know a present certificate of a member."""
        profile = self._site.settings.profile
        roles: set[Role] = set()
        if unit is Unit.CALL_MANAGER and (node.has_tftp or node.is_publisher):
            roles.add(Role.TFTP)
        is_composing = unit == profile.signer and (node.has_tftp or node.is_publisher)
        if is_composing or (unit == profile.reset_signer and node.is_publisher):
            roles.add(Role.SAST)
        if unit is Unit.CAPF and "capf" in node.services:
            roles.add(Role.CAPF)
        if unit is Unit.TVS and node.has_tvs:
            roles.add(Role.TVS)
        if unit is Unit.TOMCAT:
            roles.add(Role.APPLICATION_SERVER)
        if unit is Unit.ITL_RECOVERY and not node.is_publisher:
            return set()  # no list names it
        return roles

    def _configured(self) -> None:
        """Records of lists that the configuration has, but for the right to sign lists.

        Whose key is kept off this machine signs no list of now; who wants phones to be
        told of it puts its certificate into Phone-SAST-trust.
        """
        for further in self._site.settings.cluster.records:
            if further.role in FROM_LISTS:
                with self._noted():
                    read = self._site.backends.keys().read_certificate
                    certificate = read(further.certificate.encode())
                    self._add(certificate, [further.role], "the configuration")

    def _imported(self) -> None:
        home = self._site.home
        for folder, role in IMPORTED.items():
            place = f"{IMPORTED_FOLDER}/{folder}"
            names: list[str] = []
            with self._noted():
                names = home.names(place)
            for name in names:
                with self._noted(f"{home.root}/{place}/{name}"):
                    raw = home.read(f"{place}/{name}")
                    read = self._site.backends.keys().read_certificate
                    self._add(read(raw), [role], folder)

    def _in_lists(self, own: set[bytes], names: set[tuple[str, str]]) -> None:
        """What the lists in the TFTP directory name, and who signed the one served.

        Args:
            own: who signs lists of this cluster (DER).
            names: subject and issuer of each present certificate of a member. Another
                one of that name was replaced, and is nobody's any more.
        """
        if not self._site.node.has_tftp:
            return
        adopted: set[bytes] = set()
        with self._noted():
            adopted = {key.certificate.der for key in self._keystore.adopted()}
        for file in (CTL_FILE, LIST_FILE):
            with self._noted():
                found = self._list_at(file)
                if found is None:
                    continue
                trust_list, signer = found
                if file == LIST_FILE:
                    self._keys_kept(trust_list, signer, adopted)
                    if self._is_composed_here(trust_list.raw):
                        continue  # it names what was read above, or what was replaced
                if signer in own | adopted:
                    self._records(trust_list, file, names)

    def _list_at(self, file: str) -> tuple[TrustList, bytes] | None:
        """The list in that file and its signer's certificate, if it verifies."""
        try:
            trust_list = decode(self._site.tftp.read(file))
        except (MissingFileError, TrustListError):
            return None
        verdict = check(trust_list, self._site.backends.verifier())
        if not verdict.is_valid or verdict.signer is None:
            return None
        certificate = verdict.signer.certificate
        return (trust_list, certificate) if certificate else None

    def _is_composed_here(self, raw: bytes) -> bool:
        published = read_published(self._site.home)
        return published is not None and published.sha256 == sha256(raw).hexdigest()

    def _keys_kept(self, served: TrustList, signer: bytes, adopted: set[bytes]) -> None:
        """With ``keep_trust`` an earlier or adopted key may sign; then phones meet it.

        An adopted one signs files, too (``lists.sign_files``). With it off the next
        start signs with the present key, and a replaced one is unknown at once.
        """
        if not self._site.settings.keep_trust:
            return
        source, read = KEPT, self._site.backends.keys()
        # It may be known already as what it is besides: imported, or a list's record.
        _, roles, _ = self._found.get(signer, (None, set(), ""))
        if Role.SAST not in roles and (signer in adopted or self._was_ours(signer)):
            self._add(read.read_certificate(signer), [Role.SAST], source)
        for record in served.records:
            der = record.certificate
            if record.role in CONFIGURATION_SIGNERS and der and der in adopted:
                self._add(read.read_certificate(der), [record.role], source)

    def _was_ours(self, signer: bytes) -> bool:
        """Whether it is a key of this node that was replaced, and is kept.

        Where the publisher signs: also this node's own, in place of what it was given,
        and the earlier key of the publisher that signed that.
        """
        if is_given(self._site):
            with suppress(CucmshError):  # then nothing tells that it was ours
                own = self._keystore.certificate(Unit.CALL_MANAGER).der
                given = given_list(self._site)
                verdict = given and check(given, self._site.backends.verifier())
                by = verdict.signer if verdict else None
                if signer == own or (by and signer == by.certificate):
                    return True
        return any(
            key.certificate.der == signer
            for unit in (Unit.CALL_MANAGER, Unit.ITL_RECOVERY)  # the cheap ones first
            for key in self._keystore.earlier(unit)
        )

    def _records(
        self, trust_list: TrustList, file: str, names: set[tuple[str, str]]
    ) -> None:
        for record in trust_list.records:
            if record.role not in FROM_LISTS or not record.certificate:
                continue
            try:
                read = self._site.backends.keys().read_certificate
                certificate = read(record.certificate)
            except CertificateError:
                continue  # of an odd kind; the list is good all the same
            if certificate.der in self._found or _name(certificate) not in names:
                self._add(certificate, [record.role], file)

    def _noted(self, what: str = "") -> _Noted:
        return _Noted(self._problems, what)


class _Noted(suppress):
    """A problem of the body is noted; what comes after it is still read."""

    def __init__(self, problems: list[str], what: str) -> None:
        super().__init__(CucmshError)
        self._problems = problems
        self._what = what

    def __exit__(self, kind: object, problem: object, traceback: object) -> bool:
        if isinstance(problem, CucmshError):
            lead = f"{self._what}: " if self._what else ""
            self._problems.append(f"{lead}{problem.message}")
            return True
        return False


def _name(certificate: Certificate) -> tuple[str, str]:
    return certificate.subject_name, certificate.issuer_name
