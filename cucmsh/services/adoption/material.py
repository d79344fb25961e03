"""What was handed over for an adoption: read, opened and checked before anything else.

Needs no node that is whole, so that ``cucmsh init`` finds out what is wrong with the
files before it makes one. Changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cucmsh.errors import KeyFileError, RefusedError, WrongPasswordError
from cucmsh.pki.model import Certificate
from cucmsh.secret import Secret
from cucmsh.services.adoption.keys import (
    KeyFile,
    OpenedKey,
    certificates_in,
    open_key,
    read_certificate_file,
    read_key_file,
)
from cucmsh.services.adoption.sources import FoundList, read_sources
from cucmsh.services.backends import Backends
from cucmsh.trustlist.model import Record
from cucmsh.trustlist.tags import Role, role_label

ATTEMPTS = 3  # at the password of one file
# As whom a list has to name a key that is adopted: lists and files are signed by it.
SIGNING_ROLES = frozenset((Role.SAST, Role.TFTP, Role.CCM_TFTP))


class Request(NamedTuple):
    """What a person named.

    Attributes:
        lists: places of lists that phones hold, whose records may enter ours.
        keys: paths of the key files that signed them.
        capf: path of the CAPF certificate that phones enrolled with, with its key or
            alone; empty for none.
        held: places of further lists that phones may hold.
        records: role and path of a certificate that our lists are to name, too.
    """

    lists: tuple[str, ...]
    keys: tuple[str, ...]
    capf: str = ""
    held: tuple[str, ...] = ()
    records: tuple[tuple[int, str], ...] = ()


class GivenRecord(NamedTuple):
    """A certificate that our lists are to name with this role, and where it was."""

    role: int
    certificate: Certificate
    place: str


class Material(NamedTuple):
    """What ``Request`` names, read and opened.

    Attributes:
        lists: what phones hold.
        keys: what was handed over; one file may give several, by certificate.
        capf: the CAPF key with its certificate; None where there is none.
        records: certificates that were named with their roles; a CAPF certificate
            without its key is one.
    """

    lists: tuple[FoundList, ...]
    keys: tuple[OpenedKey, ...]
    capf: OpenedKey | None = None
    records: tuple[GivenRecord, ...] = ()


class PasswordDialog(Protocol):
    """Who is asked for the passwords of key files."""

    @property
    def is_told_all(self) -> bool:
        """Whether one password a protected file was given beforehand.

        Then no other is tried, so that each file takes the one that is meant for it.
        """

    def password(self, path: str, *, is_first: bool) -> Secret:
        """The password of that file; ``is_first`` is False after a wrong one.

        Raises:
            WrongPasswordError: nobody can be asked again.
        """


def gather(
    backends: Backends,
    request: Request,
    dialog: PasswordDialog,
    likely: Secret | None = None,
    lists: tuple[FoundList, ...] | None = None,
) -> Material:
    """Read and open all of it.

    Args:
        backends: read TFTP, open keys.
        request: what was named.
        dialog: asked for the password of each protected key file, in the order of the
            options, CAPF's last.
        likely: a password that is tried before anybody is asked, such as the
            cluster's own.
        lists: what ``read_sources`` gave for the request already; None reads them.

    Raises:
        StoreError, RefusedError, ConnectionFailedError: see ``read_sources``; or no
            place has a list.
        KeyFileError: a file cannot be used, or no list names its key; the message names
            the file. Three wrong passwords end it.
        CertificateError: a certificate cannot be read.
    """
    if lists is None:
        lists = read_sources(backends, request.lists, request.held)
    if not any(found.trust_list for found in lists):
        places = ", ".join(found.place for found in lists) or "nowhere"
        raise RefusedError(
            f"there is no list that phones could hold: {places} (zero bytes)",
            "Phones without a list take the first one that they are given; there is "
            "nothing to adopt.",
        )
    known = certificates_in(backends, lists)
    keys: list[OpenedKey] = []
    for path in request.keys:
        file = read_key_file(backends, path)
        opened = _open(backends, file, dialog, likely, known)
        keys += _named(opened, lists)
    capf, records = None, []
    for role, path in request.records:
        certificate = read_certificate_file(backends, path)
        records.append(GivenRecord(role, certificate, path))
    if request.capf:
        file = read_key_file(backends, request.capf)
        if file.has_key:
            capf = _open(backends, file, dialog, likely, known)[0]
        else:
            certificate = read_certificate_file(backends, request.capf)
            records.append(GivenRecord(Role.CAPF, certificate, request.capf))
    return Material(lists, _once(keys), capf, tuple(records))


def roles_in(found: FoundList, certificate: Certificate) -> tuple[int, ...]:
    """The roles that the list gives a certificate, which it carries whole."""
    records = found.trust_list.records if found.trust_list else ()
    return tuple(
        record.role
        for record in records
        if record.role is not None and record.certificate == certificate.der
    )


def _open(
    backends: Backends,
    file: KeyFile,
    dialog: PasswordDialog,
    likely: Secret | None,
    known: tuple[Certificate, ...],
) -> tuple[OpenedKey, ...]:
    if not file.needs_password:
        return open_key(backends, file, Secret(""), known)
    if likely is not None and not dialog.is_told_all:
        try:
            return open_key(backends, file, likely, known)
        except WrongPasswordError:
            pass
    for attempt in range(ATTEMPTS):
        password = dialog.password(file.path, is_first=attempt == 0)
        try:
            return open_key(backends, file, password, known)
        except WrongPasswordError:
            continue
    raise WrongPasswordError(
        f"{file.path} was not opened: {ATTEMPTS} wrong passwords; nothing was changed",
        "It has the password that it was saved or exported with; `openssl pkcs12 -in "
        "FILE -noout` tries one.",
    )


def _named(
    opened: tuple[OpenedKey, ...], lists: tuple[FoundList, ...]
) -> list[OpenedKey]:
    """Those that a list names as a signer of lists or files.

    Raises:
        KeyFileError: none does.
    """
    named = [
        key
        for key in opened
        if any(SIGNING_ROLES & {*roles_in(at, key.certificate)} for at in lists)
    ]
    if named:
        return named
    certificate = opened[0].certificate
    roles = sorted({role for at in lists for role in roles_in(at, certificate)})
    how = f" but as {', '.join(map(role_label, roles))}" if roles else ""
    raise KeyFileError(
        f"{opened[0].path} is no key that phones believe: no list that was given names "
        f"{certificate.subject_name} (SHA-1 {certificate.sha1_fingerprint.hex()}){how}",
        f"Give the key of the list's signer, {_signers(lists)}, or the list that names "
        "this key as System Administrator Security Token, TFTP or CCM+TFTP.",
    )


def _signers(lists: tuple[FoundList, ...]) -> str:
    signers: list[Record] = [found.signer for found in lists if found.signer]
    return " or ".join(dict.fromkeys(signer.subject_name for signer in signers))


def _once(keys: list[OpenedKey]) -> tuple[OpenedKey, ...]:
    return tuple({key.certificate.der: key for key in keys}.values())
