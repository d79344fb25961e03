"""One SIP message: its first line, headers and body. Bytes to a value.

Only as much as what phones say of themselves needs: no transactions, no routing.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.phones.claims import ClaimError

LONGEST = 65_535  # bytes of a message; real ones are far below
MOST_HEADERS = 256
COMPACT = {"c": "content-type", "f": "from", "l": "content-length", "m": "contact"}


class SipRequest(NamedTuple):
    """A request.

    Attributes:
        method: such as ``REFER``.
        headers: name in lower case and trimmed value of each, in order.
        body: cut by Content-Length only if that is shorter than what is there.
    """

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def find(self, name: str) -> str:
        """The first header of that name (lower case); empty if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> list[str]:
        """All headers of that name."""
        return [value for key, value in self.headers if key == name]


def read_request(raw: bytes) -> SipRequest | None:
    """The request in these bytes; None for an answer.

    Raises:
        ClaimError: they are no SIP message.
    """
    if len(raw) > LONGEST:
        raise ClaimError(
            f"a SIP message of {len(raw)} bytes is too long to be a phone's"
        )
    head, body = _cut(raw.lstrip(b"\r\n"))
    first, *lines = head.decode("utf-8", "replace").split("\n")
    words = first.rstrip("\r").split(" ")
    if words[0] == "SIP/2.0":
        return None
    if len(words) != 3 or words[2] != "SIP/2.0" or not words[0].isalpha():
        raise ClaimError("these bytes are no SIP message")
    headers: list[tuple[str, str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and headers:  # folded
            name, value = headers[-1]
            if len(value) < LONGEST:
                headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon:
            continue
        if len(headers) >= MOST_HEADERS:
            raise ClaimError(f"a SIP message has more than {MOST_HEADERS} headers")
        name = name.strip().lower()
        headers.append((COMPACT.get(name, name), value.strip()))
    request = SipRequest(words[0].upper(), tuple(headers), body)
    said = request.find("content-length")
    if said.isascii() and said.isdecimal() and len(said) < 7 and int(said) < len(body):
        return request._replace(body=body[: int(said)])
    return request


def _cut(raw: bytes) -> tuple[bytes, bytes]:
    """Head and body; logs may have taken the carriage returns away."""
    ends = [(raw.find(end), len(end)) for end in (b"\r\n\r\n", b"\n\n")]
    found = [(at, length) for at, length in ends if at >= 0]
    if not found:
        return raw, b""
    at, length = min(found)
    return raw[:at], raw[at + length :]
