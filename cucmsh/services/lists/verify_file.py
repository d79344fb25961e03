"""`cucmsh verify`: a list or signed file by itself, or as a phone would judge it.

Reads the named files and nothing else; needs no node and no configuration.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple, TypeVar, overload

from cucmsh.errors import MissingFileError, StoreError, TrustListError
from cucmsh.pki.model import Certificate
from cucmsh.services.lists.asked_names import without_folder
from cucmsh.storage.local import LocalStore
from cucmsh.trustlist.check import SignatureVerdict, Verifier, check
from cucmsh.trustlist.decode import MAX_LIST_SIZE, decode
from cucmsh.trustlist.model import Header, TrustList
from cucmsh.trustlist.sealing import check_certificates
from cucmsh.trustlist.signed import SignedFile, decode_signed, is_no_list
from cucmsh.trustlist.signed_trust import SignedVerdict, judge_signed
from cucmsh.trustlist.tags import HeaderTag
from cucmsh.trustlist.trust import TrustVerdict, judge

_Value = TypeVar("_Value")
BEGINNING = bytes((HeaderTag.VERSION, 0, 2))  # tag and length of the first field


class Inspection(NamedTuple):
    """What was found.

    Attributes:
        file: the path that was read.
        raw: its bytes.
        trust_list: what it decodes to.
        verdict: whether its own signer made it.
        mismatch: how a record contradicts its certificate; empty if none does.
        trust: what a holder of the held list would do, if one was named.
    """

    file: str
    raw: bytes
    trust_list: TrustList
    verdict: SignatureVerdict
    mismatch: str
    trust: TrustVerdict | None

    @property
    def header(self) -> Header:
        return self.trust_list.header

    @property
    def is_good(self) -> bool:
        accepted = self.trust is None or self.trust.accepted
        return self.verdict.is_valid and not self.mismatch and accepted


class SignedInspection(NamedTuple):
    """What was found in a signed file.

    Attributes:
        file: the path that was read.
        raw: its bytes.
        signed: what it decodes to.
        verdict: what a holder of the held list would do; None if none was named, for
            nothing in the file itself can verify it.
        asked: the name that the phone is taken to have asked for.
    """

    file: str
    raw: bytes
    signed: SignedFile
    verdict: SignedVerdict | None
    asked: str

    @property
    def header(self) -> Header:
        return self.signed.header

    @property
    def is_good(self) -> bool:
        return self.verdict is not None and self.verdict.accepted


def inspect(
    file: str,
    held: str,
    verifier: Verifier,
    read_certificate: Callable[[bytes], Certificate],
    asked: str = "",
) -> Inspection | SignedInspection:
    """Judge what is in ``file``, against the list in ``held`` unless that is empty.

    Args:
        file: its path.
        held: the path of the list that the phone holds.
        verifier: does the RSA operation.
        read_certificate: the X.509 reader.
        asked: the name by which the phone asked for a signed file; without it, the
            end of the path, as long as the name in the file.

    Raises:
        StoreError: a file is not there, not regular, empty or too large, or it is
            neither a trust list nor a signed file; the message names it.
    """
    raw = _read(file)
    holding = read_held(held) if held else None
    seen: Inspection | SignedInspection
    if is_no_list(raw):
        signed = _decoded(file, raw, decode_signed)
        path = asked or _asked_for(file, signed.header.file_name)
        seen = SignedInspection(file, raw, signed, None, path)
        return seen._replace(verdict=holding and judge_by(seen, holding, verifier))
    trust_list = _decoded(file, raw, decode)
    seen = Inspection(
        file,
        raw,
        trust_list,
        check(trust_list, verifier),
        check_certificates(trust_list, read_certificate),
        None,
    )
    return seen._replace(trust=holding and judge_by(seen, holding, verifier))


def read_held(path: str) -> TrustList:
    """The list at that path.

    Raises:
        StoreError: as ``inspect``.
    """
    return _decoded(path, _read(path), decode)


@overload
def judge_by(seen: Inspection, held: TrustList, verifier: Verifier) -> TrustVerdict: ...
@overload
def judge_by(
    seen: SignedInspection, held: TrustList, verifier: Verifier
) -> SignedVerdict: ...
def judge_by(
    seen: Inspection | SignedInspection, held: TrustList, verifier: Verifier
) -> TrustVerdict | SignedVerdict:
    """What a holder of that list would do with what was found."""
    if isinstance(seen, SignedInspection):
        return judge_signed(held, seen.signed, verifier, path=seen.asked)
    return judge(held, seen.trust_list, verifier)


def _asked_for(file: str, named: str) -> str:
    """What a phone asks for to get this file, as far as its path tells.

    Args:
        file: the path of the signed file.
        named: the name inside, with as many folders as it may have.
    """
    parts = os.path.abspath(file).split(os.sep)
    ending = "/".join(parts[-named.count("/") - 1 :])
    return without_folder(ending) or ending


def _read(path: str) -> bytes:
    folder, name = os.path.split(os.path.realpath(path))
    if not name:
        raise StoreError(f"{path} is not a regular file")
    try:
        raw = LocalStore(folder).read(name)
    except MissingFileError as problem:
        raise MissingFileError(f"{path} is not there") from problem
    if not raw:
        raise StoreError(f"{path} is empty", "An ITL file has some thousand bytes.")
    if not raw.startswith(BEGINNING):
        raise StoreError(
            f"{path} is no trust list and no signed file: it looks like "
            f"{_looks_like(raw)}",
            "Such a file begins with the bytes 01 00 02; ITLFile.tlv, CTLFile.tlv and "
            "names that end in .sgn are some.",
        )
    if len(raw) > MAX_LIST_SIZE and not is_no_list(raw):
        raise StoreError(
            f"{path} has {len(raw)} bytes; a trust list has at most {MAX_LIST_SIZE}"
        )
    return raw


def _looks_like(raw: bytes) -> str:
    """What kind of file the bytes seem to be, for a person who named the wrong one."""
    start = raw[:512].lstrip()
    if start.startswith(b"-----BEGIN "):
        return "PEM: a certificate or a key"
    if start.startswith(b"<"):
        return "XML: a configuration file that was not signed"
    if start.startswith(b"\x30\x82"):
        return "DER: a certificate or a PKCS#12 file"
    try:
        is_text = start.decode().replace("\n", "").replace("\t", "").isprintable()
    except UnicodeDecodeError:
        is_text = False
    return "text" if is_text else "something else"


def _decoded(path: str, raw: bytes, read: Callable[[bytes], _Value]) -> _Value:
    try:
        return read(raw)
    except TrustListError as problem:
        raise StoreError(f"{path}: {problem.message}", problem.advice) from problem
