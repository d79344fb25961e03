"""A phone that holds a list: does it take the next one? Imports nothing of cucmsh.

Written from docs/formats.md#phones (its bytes and its RSA signature are read
by ``second_verifier``, which shares no line with the product):

* a phone that holds no list takes the first one that is consistent;
* one that holds a list takes another whose signer's certificate is in the held list
  with the role of a security token (SAST), the very certificate, with the very key;
* that certificate's issuer and serial number are spelled the same in both lists: a
  phone may compare them as they are written;
* one that holds a CTL too takes what either of the two takes;
* a signed file is taken if a held record with the role TFTP or CCM+TFTP has the issuer,
  the serial number and the key of its signer;
* everything else needs a TVS that answers the phone, and is not counted here.

A list holds at most two security tokens (docs/formats.md#record); phones
are never given more.
"""

from __future__ import annotations

from tests.faults.second_verifier import (
    CCM_TFTP,
    SAST,
    TFTP,
    Listed,
    Read,
    read,
    signed_by,
)

MOST_TOKENS = 2


def tokens(trust_list: Read) -> list[Listed]:
    """The records that may sign a list."""
    return [record for record in trust_list.records if record.role == SAST]


def takes(held: bytes | None, offered: bytes, ctl: bytes | None = None) -> bool:
    """Whether a phone that holds ``held`` takes ``offered``, no TVS being asked.

    Args:
        held: the ITL that it holds; None for none.
        offered: the ITL that it is given.
        ctl: the CTL that it holds; None for none.

    Raises:
        AssertionError: ``offered`` is torn, wrongly signed, or has too many tokens.
    """
    new = read(offered)
    assert len(tokens(new)) <= MOST_TOKENS, "too many security tokens"
    assert new.signed_by.certificate, "the signer's certificate is missing"
    lists = [trusted for trusted in (held, ctl) if trusted is not None]
    return not lists or any(_names(read(at), new.signed_by) for at in lists)


def _names(trusted: Read, signer: Listed) -> bool:
    return any(
        token.certificate == signer.certificate
        and token.key == signer.key
        and (token.issuer, token.serial) == (signer.issuer, signer.serial)
        for token in tokens(trusted)
    )


def takes_file(held: bytes, signed: bytes) -> bool:
    """Whether a phone that holds ``held`` takes a signed file."""
    return any(
        signed_by(signed, record)
        for record in read(held).records
        if record.role in (TFTP, CCM_TFTP)
    )
