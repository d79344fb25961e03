"""A list file by itself, or as a phone that holds another one would see it.

Reads the named files and nothing else; needs no node and no configuration.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from cucmsh.cluster.local import LocalStore
from cucmsh.errors import MissingFileError, StoreError, TrustListError
from cucmsh.pki.model import Certificate
from cucmsh.trustlist.check import SignatureVerdict, Verifier, check
from cucmsh.trustlist.decode import MAX_LIST_SIZE, decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.seal import check_certificates
from cucmsh.trustlist.trust import TrustVerdict, judge


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
    def is_good(self) -> bool:
        accepted = self.trust is None or self.trust.accepted
        return self.verdict.is_valid and not self.mismatch and accepted


def inspect(
    file: str,
    held: str,
    verifier: Verifier,
    read_certificate: Callable[[bytes], Certificate],
) -> Inspection:
    """Judge the list in ``file``, against the one in ``held`` unless that is empty.

    Raises:
        StoreError: a file is not there, not regular, empty or too large.
        TrustListError: a file is no trust list; the message names it.
    """
    raw, trust_list = _read(file)
    trust = judge(_read(held)[1], trust_list, verifier) if held else None
    return Inspection(
        file,
        raw,
        trust_list,
        check(trust_list, verifier),
        check_certificates(trust_list, read_certificate),
        trust,
    )


def _read(path: str) -> tuple[bytes, TrustList]:
    folder, name = os.path.split(os.path.realpath(path))
    if not name:
        raise StoreError(f"{path} is not a regular file")
    try:
        raw = LocalStore(folder).read(name)
    except MissingFileError as problem:
        raise MissingFileError(f"{path} is not there") from problem
    if not raw:
        raise StoreError(f"{path} is empty", "An ITL file has some thousand bytes.")
    if len(raw) > MAX_LIST_SIZE:
        raise StoreError(
            f"{path} has {len(raw)} bytes; a trust list has at most {MAX_LIST_SIZE}"
        )
    try:
        return raw, decode(raw)
    except TrustListError as problem:
        raise StoreError(f"{path}: {problem.message}", problem.advice) from problem
