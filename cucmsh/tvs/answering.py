"""What a TVS answers, given what is vouched for. Opens no socket and no file.

A certificate that nobody vouches for gets an answer that says so, never silence. Only a
lookup that cannot read its store leaves a phone without one, and so the phone asks the
next TVS.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cucmsh.tvs.codec import (
    Answer,
    QueryAnswer,
    Request,
    VerifyAnswer,
    VerifyRequest,
)


class Known(NamedTuple):
    """A certificate that is vouched for.

    Attributes:
        certificate: DER.
        roles: numbers of docs/formats.md#roles, 0 to 255.
        ttl: for how long a phone may keep the answer, in seconds.
    """

    certificate: bytes
    roles: tuple[int, ...]
    ttl: int


class Lookup(Protocol):
    """What is vouched for. Asked between two packets, so it answers from memory.

    Both raise ``StoreError`` where they cannot read what they would answer from.
    """

    def verify(self, certificate: bytes) -> Known | None:
        """The certificate with these bytes; None if it is not known."""

    def query(self, subject: str, issuer: str, serial: bytes) -> Known | None:
        """The certificate that a list names so; None if it is not known."""


def answer_to(request: Request, lookup: Lookup) -> Answer:
    """What to send back.

    A lookup that finds another certificate than the one that a verify holds is not
    believed: issuer and serial number alone prove nothing.

    Raises:
        StoreError: the lookup cannot read its store. Nothing may be answered.
    """
    if isinstance(request, VerifyRequest):
        known = lookup.verify(request.certificate)
        if known is None or known.certificate != request.certificate:
            return VerifyAnswer(request.session, False, (), 0)
        return VerifyAnswer(request.session, True, known.roles, known.ttl)
    known = lookup.query(request.subject, request.issuer, request.serial)
    if known is None:
        return QueryAnswer(request.session, False, b"", (), 0)
    return QueryAnswer(request.session, True, *known)
