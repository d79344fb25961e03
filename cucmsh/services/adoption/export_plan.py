"""What an export would write, and what the exported keys are good for; writes nothing.

Which key the next tool must sign with is judged by sealing a list with each key in
memory and asking ``trustlist.trust.judge``, so the answer is the one that phones give.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from hashlib import sha1, sha256
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.errors import (
    CertificateError,
    KeyFileError,
    MissingFileError,
    SignatureError,
    StoreError,
    TrustListError,
)
from cucmsh.layout import (
    CTL_FILE,
    EXPORTED_CERTIFICATES,
    EXPORTED_HELD,
    EXPORTED_KEYS,
    EXPORTED_TFTP,
    LIST_FILE,
    RECOVERY_NAME,
)
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.acceptance import signers_of_any
from cucmsh.services.lists.compose import digest_of, next_timestamp
from cucmsh.services.lists.secret_files import Secrets, secrets_of
from cucmsh.services.records.history import History, Kept
from cucmsh.services.site import Site
from cucmsh.storage.tree import tree_below
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.signed import CONFIGURATION_SIGNERS, SUFFIX
from cucmsh.trustlist.tags import Role
from cucmsh.trustlist.trust import judge

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential

UNREADABLE = (StoreError, CertificateError, KeyFileError)


class HeldList(NamedTuple):
    """A list that phones hold.

    Attributes:
        name: of its file in the folder.
        trust_list: the list.
        kept: the entry of the history; None for a CTL.
    """

    name: str
    trust_list: TrustList
    kept: Kept | None = None


class ExportedKey(NamedTuple):
    """A key that goes out, and what its signatures are good for.

    Attributes:
        name: of its file in the folder.
        what: for a sentence: "an earlier CallManager key".
        credential: key and certificate.
        refused: by the name of a held list, why its holders refuse lists that this key
            signs; a held list that is missing here takes them.
        files_for: the names of the held lists whose holders take files that it signs.
    """

    name: str
    what: str
    credential: Credential
    refused: dict[str, str]
    files_for: tuple[str, ...]

    @property
    def signs_lists(self) -> bool:
        """Whether a trust list is ever signed with it; CAPF's key signs none."""
        return self.what != f"the {Unit.CAPF} key"


class ListedCertificate(NamedTuple):
    """A certificate that a list names, and as what."""

    name: str
    certificate: Certificate
    roles: tuple[int, ...]


class ExportPlan(NamedTuple):
    """What would be written.

    Attributes:
        node: this node.
        moment: when.
        lists_only: no key is written.
        keys: in the order in which they are to be tried.
        recovery_file: ITLRecovery.p12, as it is; empty without one.
        files: names in the TFTP directory: lists, and files that are signed.
        empty: of the lists there, those of no byte: CUCM-less servers have such.
        certificates: of the records of all lists.
        held: what phones hold.
        given_up: how many kept lists a person gave up: they are not among ``held``.
        left_out: names, and why they are not written.
    """

    node: str
    moment: datetime
    lists_only: bool
    keys: tuple[ExportedKey, ...]
    recovery_file: bytes
    files: tuple[str, ...]
    empty: tuple[str, ...]
    certificates: tuple[ListedCertificate, ...]
    held: tuple[HeldList, ...]
    given_up: int
    left_out: tuple[tuple[str, str], ...]

    @property
    def signers(self) -> tuple[ExportedKey, ...]:
        """The keys that may sign the next list: holders of every kept ITL take it."""
        return tuple(
            key
            for key in self.keys
            if key.signs_lists and self._binding.isdisjoint(key.refused)
        )

    @property
    def file_signers(self) -> tuple[ExportedKey, ...]:
        """The keys that may sign phones' files, for holders of every kept ITL."""
        return tuple(key for key in self.keys if self._binding <= set(key.files_for))

    @property
    def _binding(self) -> set[str]:
        """The held lists by which keys are chosen: a CTL only if no ITL is held.

        Who holds a CTL and an ITL takes what either of the two does.
        """
        itls = {held.name for held in self.held if held.kept}
        return itls or {held.name for held in self.held}


def plan_export(site: Site, *, lists_only: bool = False) -> ExportPlan:
    """What would be written; changes nothing. Called under the node's lock.

    Raises:
        StoreError: the home or the TFTP directory cannot be looked at.
    """
    left_out: list[tuple[str, str]] = []
    secrets = secrets_of(site)
    served = _served(site, secrets, left_out)
    history = History(site)
    if LIST_FILE in served:
        history.consider(site.node.name, served[LIST_FILE])
    left_out += [(EXPORTED_HELD, problem) for problem in history.damaged]
    held = [
        HeldList(_held_name(kept), kept.trust_list, kept) for kept in history.binding
    ]
    with suppress(KeyError, TrustListError):
        raw = served[CTL_FILE]
        held.append(HeldList(f"{EXPORTED_TFTP}/{CTL_FILE}", decode(raw)))
    found = _credentials(site, history.binding, left_out)
    keys = [_judged(site, *each, held) for each in found]
    recovery_file = b""
    if site.node.is_publisher and not lists_only:
        with _left_out_of(left_out, f"{EXPORTED_KEYS}/{RECOVERY_NAME}"):
            recovery_file = Keystore(site).recovery_file()
    empty = [name for name in served if not served[name]]
    files = [*(name for name in served if served[name]), *_signed_names(site, left_out)]
    return ExportPlan(
        node=site.node.name,
        moment=site.clock.now(),
        lists_only=lists_only,
        keys=tuple(keys),
        recovery_file=recovery_file,
        files=tuple(files),
        empty=tuple(empty),
        certificates=tuple(_certificates(site, held, left_out)),
        held=tuple(held),
        given_up=len(history.entries) - len(history.binding),
        left_out=tuple(left_out),
    )


def _served(
    site: Site, secrets: Secrets, left_out: list[tuple[str, str]]
) -> dict[str, bytes]:
    """The lists that lie in the TFTP directory, by name; an empty file is none."""
    found: dict[str, bytes] = {}
    for name in (LIST_FILE, CTL_FILE) if site.node.has_tftp else ():
        try:
            raw = site.tftp.read(name)
        except MissingFileError:
            continue
        except StoreError as problem:
            left_out.append((name, problem.message))
            continue
        if why := secrets.why_kept(raw):
            left_out.append((name, why))
        else:
            found[name] = raw
    return found


def _held_name(kept: Kept) -> str:
    """Its file is called after the SHA-1, which phones and alarms show."""
    return f"{EXPORTED_HELD}/{kept.digests.sha1}.tlv"


def _signed_names(site: Site, left_out: list[tuple[str, str]]) -> list[str]:
    if not site.node.has_tftp:
        return []
    tree = tree_below(site.tftp.root)
    left_out += [
        (name, "it is a link, and none is followed")
        for name in tree.links
        if name.endswith(SUFFIX)
    ]
    left_out += [(f"{name}/", "the folder cannot be read") for name in tree.closed]
    return [name for name in tree.files if name.endswith(SUFFIX)]


def _credentials(
    site: Site, held: Iterable[Kept], left_out: list[tuple[str, str]]
) -> Iterator[tuple[str, str, Credential]]:
    """Names of files, what the keys are, and the keys: those that sign come first.

    Of earlier keys those that a kept list names; of this node's own that do not open,
    why.
    """
    keystore = Keystore(site)
    own = [Unit.CALL_MANAGER]
    if site.node.is_publisher:
        own.append(Unit.ITL_RECOVERY)
    for unit in own:
        name = f"{EXPORTED_KEYS}/{unit}.pem"
        with _left_out_of(left_out, name):
            yield name, f"the {unit} key", keystore.signing_key(unit)
    needed = signers_of_any(held)
    for unit in own:
        for earlier in keystore.earlier(unit):
            if earlier.certificate.der in needed:
                name = (
                    f"{EXPORTED_KEYS}/{unit}-earlier-{_short(earlier.certificate)}.pem"
                )
                yield name, f"an earlier {unit} key", earlier
    for adopted in keystore.adopted():
        short = _short(adopted.certificate)
        name = f"{EXPORTED_KEYS}/adopted-{short}.pem"
        yield name, f"the adopted key {short}", adopted
    if Unit.CAPF in keystore.units:
        name = f"{EXPORTED_KEYS}/{Unit.CAPF}.pem"
        with _left_out_of(left_out, name):
            yield name, f"the {Unit.CAPF} key", keystore.credential(Unit.CAPF)


def _short(certificate: Certificate) -> str:
    return certificate.sha256_fingerprint.hex()[:16]


@contextmanager
def _left_out_of(left_out: list[tuple[str, str]], name: str) -> Iterator[None]:
    """Note why the body could not read what would become that file, and go on."""
    try:
        yield
    except UNREADABLE as problem:
        left_out.append((name, problem.message))


def _judged(
    site: Site, name: str, what: str, credential: Credential, held: list[HeldList]
) -> ExportedKey:
    """Have a list that the key signs judged by the holder of each held list."""
    certificate = credential.certificate
    files_for = tuple(
        each.name
        for each in held
        if any(
            record.role in CONFIGURATION_SIGNERS
            and record.certificate == certificate.der
            for record in each.trust_list.records
        )
    )
    refused: dict[str, str] = {}
    key = ExportedKey(name, what, credential, refused, files_for)
    if not key.signs_lists:
        return key
    try:
        records = [full_record(Role.SAST, certificate)]
        at, digest = next_timestamp(site), digest_of(site)
        offered = seal(records, credential, timestamp=at, digest=digest)
    except SignatureError as problem:
        refused.update((each.name, problem.message) for each in held)
        return key
    verifier = site.backends.verifier()
    for each in held:
        verdict = judge(each.trust_list, offered, verifier)
        if not verdict.accepted:
            refused[each.name] = verdict.reason
    return key


def _certificates(
    site: Site, held: list[HeldList], left_out: list[tuple[str, str]]
) -> Iterator[ListedCertificate]:
    """The certificates of all records, each once, in the order of the lists.

    Of a record that has only a hash, the certificate is looked for among those that
    this node has.
    """
    hashed = {sha1(der, usedforsecurity=False).digest(): der for der in _known(site)}
    roles: dict[bytes, list[int]] = {}
    for record in (record for each in held for record in each.trust_list.records):
        der = record.certificate or hashed.get(record.certificate_hash or b"")
        if der:
            roles.setdefault(der, []).append(-1 if record.role is None else record.role)
        elif record.certificate_hash:
            what = f"the certificate of {record.subject_name}"
            why = "the lists have only its hash, and this node does not know it"
            if (what, why) not in left_out:
                left_out.append((what, why))
    for der, found in roles.items():
        listed = tuple(sorted(set(found)))
        words = "-".join(_word(role) for role in listed)
        name = f"{EXPORTED_CERTIFICATES}/{words}-{sha256(der).hexdigest()[:16]}.pem"
        with _left_out_of(left_out, name):
            certificate = site.backends.keys().read_certificate(der)
            yield ListedCertificate(name, certificate, listed)


def _word(role: int) -> str:
    try:
        return Role(role).name.lower().replace("_", "+")
    except ValueError:
        return f"role{role}"


def _known(site: Site) -> Iterator[bytes]:
    """The certificates of all members, as far as they are here."""
    keystore = Keystore(site)
    for node in site.settings.cluster.members:
        for unit in (Unit.CAPF, Unit.TVS, Unit.CALL_MANAGER, Unit.ITL_RECOVERY):
            with suppress(*UNREADABLE):
                if certificate := keystore.trusted(node, unit):
                    yield certificate.der
