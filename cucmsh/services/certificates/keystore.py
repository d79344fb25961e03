"""The keys and certificates of a node on disk. Signs nothing, serves nothing.

A private key and its certificate are one file, so that no crash leaves half a pair;
``<unit>.pem`` is derived from it (docs/decisions/017). The truth of the publisher's
ITLRecovery is its PKCS#12; earlier ones are kept, numbered, until an administrator
removes them (docs/decisions/013). Adopted keys signed the lists of another tool that
phones hold (docs/decisions/032).
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import (
    CertificateError,
    KeyFileError,
    MissingFileError,
    StoreError,
    WrongPasswordError,
)
from cucmsh.layout import (
    ADOPTED_FOLDER,
    BROUGHT_KEYS,
    PUBLIC_MODE,
    RECOVERY_FILE,
    SECURITY_PASSWORD,
    TRUST_FOLDER,
    adopted_file,
    certificate_file,
    pair_file,
    trusted_file,
    trusted_folder,
    trusted_id,
)
from cucmsh.pki.model import Certificate, Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.cluster_passwords import ClusterPasswords
from cucmsh.services.nodes.node_id import ids_by_name, known_ids, mark_trusted
from cucmsh.services.records import as_one
from cucmsh.services.site import Site

if TYPE_CHECKING:
    from cucmsh.pki.credential import Credential
    from cucmsh.pki.sandbox import ImportedKey as OpenedFile

LEGACY_WARNING = (
    "The fetched key file is protected in an old or weak way (RC2, RC4 or 3DES, an "
    "unencrypted key, or no MAC); this node keeps its key under AES-256, with the same "
    "password. Save it again with `file get tftp ITLRecovery.p12`, and delete the old "
    "file."
)
FORM_WARNING = (
    "The fetched key file is not in the plain form (DER): it is BER, PEM or base64, or "
    "has bytes behind its end. This node keeps its key in a plain file, with the same "
    "password. Save it again with `file get tftp ITLRecovery.p12`."
)
PACKED_ANEW_WARNING = (
    "The fetched key file opens with a password of its own; this node keeps its key "
    "under AES-256 and this cluster's security password. Save it again with "
    "`file get tftp ITLRecovery.p12`."
)


class ImportedKey(NamedTuple):
    """A key file from outside, opened.

    Attributes:
        credential: what it holds.
        key_file: what to install: the very bytes, or a file written anew where
            they are protected weakly or not plain DER.
        warnings: what an administrator should know.
    """

    credential: Credential
    key_file: bytes
    warnings: tuple[str, ...]


class Keystore:
    """This node's keys and certificates, and those of others, as files of its home."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._home = site.home
        self._passwords = ClusterPasswords(site)
        self._ids: dict[str, tuple[str, ...]] | None = None

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units this node has: those of all members, and of its services.

        A subscriber has no ITLRecovery where there is one for the cluster.
        """
        site = self._site
        services = ("", *site.node.services)
        is_one = site.settings.profile.publisher_signs and not site.node.is_publisher
        return tuple(
            unit
            for unit in Unit
            if unit.profile.service in services
            and not (is_one and unit is Unit.ITL_RECOVERY)
        )

    def certificate(self, unit: Unit) -> Certificate:
        """This node's own certificate of that unit, out of the file with its key.

        The publisher's ITLRecovery is in its PKCS#12, which takes a third of a second
        to open: here it is the derived file, which is good enough to be shown.
        """
        if unit is not Unit.ITL_RECOVERY or not self._site.node.is_publisher:
            return self.credential(unit).certificate
        return self._certificate_at(certificate_file(unit))

    def credential(self, unit: Unit) -> Credential:
        """This node's own key of that unit; not the publisher's ITLRecovery."""
        return self._site.backends.keys().read_own(self._home.read(pair_file(unit)))

    def install(self, unit: Unit, credential: Credential) -> None:
        """Replace the pair, then the certificate derived from it.

        With ``keep_trust`` on, an earlier CallManager key is kept, numbered: a list
        that phones hold may know no other key of this node (see ``compose``).
        """
        if unit is Unit.CALL_MANAGER and self._site.settings.keep_trust:
            self._keep_earlier_pair(unit, credential)
        self._home.write(pair_file(unit), credential.to_pem())
        self._derive(unit, credential.certificate)

    def trusted(self, node: Node, unit: Unit) -> Certificate | None:
        """The other node's certificate, as far as it was brought here."""
        if node.name == self._site.node.name:
            return self.certificate(unit)
        try:
            folder = self.trusted_folder(node)
            return self._certificate_at(trusted_file(folder, unit))
        except MissingFileError:
            return None

    def trust(self, node: Node, unit: Unit, pem: bytes) -> None:
        """Keep another node's certificate.

        Raises:
            CertificateError: it is none; the message names the unit and the node.
        """
        self._read_certificate(pem, f"the {unit} certificate of {node.name}")
        folder = self.trusted_folder(node)
        # A start composes with what lies there.
        with self._site.node_lock("the installing of a certificate"):
            self._home.write(trusted_file(folder, unit), pem, PUBLIC_MODE)
        if node.name in (ids := ids_by_name(self._site)):
            with self._site.ids_lock():
                mark_trusted(self._site, folder, ids[node.name])

    def trusted_folder(self, node: Node) -> str:
        """Where the certificates of another node lie, or are to lie.

        The folder says whose it is, by id, so that it is found again when the node is
        called otherwise. A folder that does not say is known by its name.
        """
        by_name = trusted_folder(node.name)
        if self._ids is None:
            self._ids = known_ids(self._site)
        ids = self._ids.get(node.name, ())
        owner = self._owner_of(by_name)
        if not ids or owner in ids:
            return by_name
        for name in self._home.folders(TRUST_FOLDER):
            if self._owner_of(trusted_folder(name)) in ids:
                return trusted_folder(name)
        for alias in map(trusted_folder, node.aliases):
            if self._home.names(alias) and not self._owner_of(alias):
                return alias
        is_others = any(owner in theirs for theirs in self._ids.values())
        return f"{by_name}-{ids[0][:8]}" if is_others else by_name

    def recovery_file(self) -> bytes:
        """The bytes of the present PKCS#12."""
        return as_one.read(self._home, RECOVERY_FILE)

    def recovery(self) -> Credential:
        """The cluster's recovery key, from its PKCS#12; takes a third of a second."""
        keys, password = self._site.backends.keys(), self._passwords.security_password()
        try:
            return keys.read_key_file(self.recovery_file(), password)
        except WrongPasswordError:
            # Both were changed since, perhaps: whoever only looks takes no lock.
            if (now := self._passwords.security_password()) == password:
                raise
        return keys.read_key_file(self.recovery_file(), now)

    def signing_key(self, unit: Unit) -> Credential:
        """The key of that unit with which this node signs lists."""
        if unit is Unit.ITL_RECOVERY:
            return self.recovery()
        return self.credential(unit)

    def earlier(self, unit: Unit) -> Iterator[Credential]:
        """The earlier keys of that unit that are kept, the newest first.

        One that does not open is left out: it is damaged, or of another password.
        """
        keys = self._site.backends.keys()
        for name in self._earlier_files(unit):
            try:
                if name.startswith(RECOVERY_FILE):
                    raw = as_one.read(self._home, name)
                    yield keys.read_key_file(raw, self._passwords.security_password())
                else:
                    yield keys.read_own(self._home.read(name))
            except (StoreError, CertificateError, KeyFileError):
                continue

    def has_earlier(self, unit: Unit) -> bool:
        """Whether earlier keys of that unit are kept; opens none."""
        return bool(self._earlier_files(unit))

    def remove_earlier(self, unit: Unit, needed: Container[bytes]) -> None:
        """Remove the earlier keys of that unit but those with a certificate in needed.

        Not for ITLRecovery, whose key files stay until an administrator removes them.
        """
        keys = self._site.backends.keys()
        for name in self._earlier_files(unit):
            with suppress(CertificateError):
                if keys.read_own(self._home.read(name)).certificate.der in needed:
                    continue
            self._home.remove(name)

    def adopt(self, credential: Credential) -> None:
        """Keep a key that held lists name, once; the caller holds the node's lock."""
        name = adopted_file(hashlib.sha256(credential.certificate.der).hexdigest())
        raw = credential.to_pem()
        with suppress(MissingFileError):
            if self._home.read(name) == raw:
                return
        self._home.write(name, raw)

    def adopted(self) -> Iterator[Credential]:
        """The adopted keys, in the order of their names.

        One that does not open is left out: it is damaged.
        """
        keys = self._site.backends.keys()
        for name in self._adopted_files():
            with suppress(StoreError, CertificateError):
                yield keys.read_own(self._home.read(name))

    def damaged_adopted(self) -> list[str]:
        """The names of the adopted keys that do not open, below the home."""
        keys, damaged = self._site.backends.keys(), []
        for name in self._adopted_files():
            try:
                keys.read_own(self._home.read(name))
            except (StoreError, CertificateError):
                damaged.append(name)
        return damaged

    def remove_adopted(self, needed: Container[bytes]) -> None:
        """Remove the adopted keys but those with a certificate (DER) in ``needed``.

        One that does not open stays: an administrator may have another copy of it.
        """
        keys = self._site.backends.keys()
        for name in self._adopted_files():
            with suppress(StoreError, CertificateError):
                if keys.read_own(self._home.read(name)).certificate.der not in needed:
                    self._home.remove(name)

    def open_key_file(self, raw: bytes, password: Secret | None = None) -> ImportedKey:
        """A PKCS#12 from outside.

        Args:
            raw: the file.
            password: its own, of any length, which is kept nowhere: the file is
                written anew under the cluster security password. None: that one
                opens it.

        Raises:
            WrongPasswordError: another password opens it.
            KeyFileError: it holds no key that can be used.

        A process of its own opens it, for at most ten seconds, since it may be made to
        do harm (docs/security.md T27). A legacy file, or one that is not plain
        DER, is written anew; the publisher keeps no copy of its weak
        form. Where the present file holds that very key under modern protection, it
        stays: a second try installs no other.
        """
        opened = self._opened(raw, password)
        credential = opened.credential
        if password is None and opened.is_der and not opened.is_legacy:
            return ImportedKey(credential, raw, ())
        present = self._present_of(credential.certificate)
        anew = present or self.make_recovery_file(credential)
        warning = LEGACY_WARNING if opened.is_legacy else FORM_WARNING
        if password is not None:
            warning = PACKED_ANEW_WARNING
        return ImportedKey(credential, anew, (warning,))

    def _opened(self, raw: bytes, password: Secret | None) -> OpenedFile:
        backends = self._site.backends
        if password is None:
            return backends.open_key_file(raw, self._passwords.security_password())
        try:
            return backends.open_key_file(raw, password)
        except WrongPasswordError as problem:
            raise WrongPasswordError(
                "the key file does not open with that password",
                "It opens with the security password of the cluster that it came from.",
            ) from problem

    def install_recovery(self, raw: bytes, certificate: Certificate) -> None:
        """Install ``raw`` (PKCS#12) as the recovery key file; the present one is kept.

        The caller has opened ``raw`` and found ``certificate`` in it; opening takes a
        third of a second, on purpose.

        The earlier copy is on disk before the new file takes its place, so that at
        every instant a key file of each key is there (invariant I2).
        """
        as_one.finish(self._site)
        try:
            present = self.recovery_file()
        except MissingFileError:
            present = raw
        if present != raw:
            self._keep_earlier(present)
        self._home.write(RECOVERY_FILE, raw)
        self._derive(Unit.ITL_RECOVERY, certificate)

    def derive_recovery(self, certificate: Certificate) -> None:
        """Write the derived certificate anew: after a crash it may be an older one."""
        pem = self._site.backends.keys().to_pem(certificate)
        unit = Unit.ITL_RECOVERY
        try:
            if self._home.read(certificate_file(unit)) == pem:
                return
        except MissingFileError:
            pass
        self._derive(unit, certificate)

    def make_recovery_file(self, credential: Credential) -> bytes:
        """A PKCS#12 of that key under the cluster security password; writes nothing."""
        return self._site.backends.keys().write_key_file(
            credential, self._passwords.security_password()
        )

    def rekeyed(self, new: Secret) -> dict[str, bytes]:
        """What lies under the security password, and that itself, under a new one.

        That is the recovery key file, and of its earlier ones and of those that were
        brought here each that opens with the present password. Writes nothing; takes a
        second a file. What comes back is for ``as_one.replace``.

        Raises:
            KeyFileError: the recovery key file does not open with the present password.
            StoreError: one of them cannot be read; it would stay under this password.
        """
        keys, present = self._site.backends.keys(), self._passwords.security_password()
        opened: dict[str, Credential] = {}
        if self._site.node.is_publisher:
            opened[RECOVERY_FILE] = self.recovery()
            for name in self._earlier_files(Unit.ITL_RECOVERY):
                raw = as_one.read(self._home, name)
                with suppress(KeyFileError):
                    opened[name] = keys.read_key_file(raw, present)
        for name in self._home.names(BROUGHT_KEYS):
            path = f"{BROUGHT_KEYS}/{name}"
            raw = as_one.read(self._home, path)
            with suppress(KeyFileError):
                found = self._site.backends.open_key_file(raw, present)
                opened[path] = found.credential
        files = {name: self._packed(key, new) for name, key in opened.items()}
        return {**files, SECURITY_PASSWORD: new.reveal().encode()}

    def _packed(self, credential: Credential, password: Secret) -> bytes:
        """A key file that was proven to open with that password."""
        keys = self._site.backends.keys()
        raw = keys.write_key_file(credential, password)
        if keys.read_key_file(raw, password).certificate != credential.certificate:
            raise KeyFileError("the key file that was written holds another key")
        return raw

    def _owner_of(self, folder: str) -> str:
        """The id that is written in a folder of the trust store; empty without one."""
        try:
            return self._home.read(trusted_id(folder)).decode(errors="replace")
        except MissingFileError:
            return ""

    def _certificate_at(self, path: str) -> Certificate:
        return self._read_certificate(self._home.read(path), path)

    def _read_certificate(self, raw: bytes, what: str) -> Certificate:
        try:
            return self._site.backends.keys().read_certificate(raw)
        except CertificateError as problem:
            raise CertificateError(
                f"{what} cannot be read: {problem.message}", problem.advice
            ) from problem

    def _present_of(self, certificate: Certificate) -> bytes | None:
        """The present key file, if it opens and holds the key of ``certificate``."""
        keys = self._site.backends.keys()
        try:
            raw = self.recovery_file()
            present = keys.read_key_file(raw, self._passwords.security_password())
        except (MissingFileError, KeyFileError):
            return None
        seen = keys.inspect(raw)
        is_plain = not seen.is_legacy and seen.size == len(raw)
        return raw if is_plain and present.certificate == certificate else None

    def _derive(self, unit: Unit, certificate: Certificate) -> None:
        pem = self._site.backends.keys().to_pem(certificate)
        self._home.write(certificate_file(unit), pem, PUBLIC_MODE)

    def _keep_earlier(self, raw: bytes) -> None:
        """Keep a key file under the next number, once: a call that died may have."""
        self._keep_numbered(RECOVERY_FILE, raw)

    def _keep_earlier_pair(self, unit: Unit, credential: Credential) -> None:
        name = pair_file(unit)
        try:
            present = self._home.read(name)
        except MissingFileError:
            return
        if present != credential.to_pem():
            self._keep_numbered(name, present)

    def _keep_numbered(self, name: str, raw: bytes) -> None:
        last = max(self._numbers(name), default=0)
        if last and self._home.read(f"{name}.{last}") == raw:
            return
        self._home.write(f"{name}.{last + 1}", raw)

    def keep_also(self, name: str, raw: bytes) -> None:
        """Keep a key file from elsewhere under the next number, unless it is there.

        Args:
            name: of the present one, below the home.
            raw: what is kept beside it.
        """
        names = [name, *(f"{name}.{number}" for number in self._numbers(name))]
        for each in names:
            with suppress(MissingFileError):
                if self._home.read(each) == raw:
                    return
        self._keep_numbered(name, raw)

    def _adopted_files(self) -> list[str]:
        names = self._home.names(ADOPTED_FOLDER)
        return [f"{ADOPTED_FOLDER}/{name}" for name in sorted(names)]

    def _earlier_files(self, unit: Unit) -> list[str]:
        """The numbered files, the highest number first."""
        is_publishers = unit is Unit.ITL_RECOVERY and self._site.node.is_publisher
        name = RECOVERY_FILE if is_publishers else pair_file(unit)
        return [f"{name}.{number}" for number in sorted(self._numbers(name))[::-1]]

    def _numbers(self, name: str) -> list[int]:
        folder, _, base = name.rpartition("/")
        ends = (
            found.removeprefix(f"{base}.")
            for found in self._home.names(folder)
            if found.startswith(f"{base}.")
        )
        return [int(end) for end in ends if end.isdecimal()]
