"""A phone that holds a list: does it take the next one? Imports nothing of cucmsh.

Written from docs/formats.md#phones (its bytes and its RSA signature are read
by ``second_verifier``, which shares no line with the product):

* a phone that holds no list takes the first one that is consistent;
* one that holds a list takes another whose signer's certificate is in the held list
  with the role of a security token (SAST), the very certificate, with the very key;
* everything else needs a TVS that answers the phone, and is not counted here.

A list holds at most two security tokens (docs/formats.md#record); phones
are never given more.
"""

from __future__ import annotations

from tests.faults.second_verifier import SAST, Listed, Read, read

MOST_TOKENS = 2


def tokens(trust_list: Read) -> list[Listed]:
    """The records that may sign a list."""
    return [record for record in trust_list.records if record.role == SAST]


def takes(held: bytes | None, offered: bytes) -> bool:
    """Whether a phone that holds ``held`` takes ``offered``, no TVS being asked.

    Raises:
        AssertionError: ``offered`` is torn, wrongly signed, or has too many tokens.
    """
    new = read(offered)
    assert len(tokens(new)) <= MOST_TOKENS, "too many security tokens"
    assert new.signed_by.certificate, "the signer's certificate is missing"
    if held is None:
        return True
    return any(
        token.certificate == new.signed_by.certificate
        and token.key == new.signed_by.key
        for token in tokens(read(held))
    )
