"""Lists that were read lately are told apart by all of their bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.phones import decide
from cucmsh.phones.decide import load_list

RAW = (Path(__file__).parents[1] / "vectors" / "cucm10-sha1.itl").read_bytes()


def test_same_bytes_are_read_once() -> None:
    assert load_list(RAW) is load_list(bytes(bytearray(RAW)))


@pytest.mark.parametrize("at", [len(RAW) - 1, len(RAW) // 2, 600])
def test_list_with_the_header_of_another_is_another(at: int) -> None:
    """As of somebody who puts other records under a header that is known."""
    known = load_list(RAW)
    forged = bytearray(RAW)
    forged[at] ^= 1
    other = load_list(bytes(forged))
    assert other is None or other.raw == bytes(forged)
    assert other != known
    again = load_list(RAW)
    assert again
    assert again.raw == RAW
    assert load_list(RAW[:-1]) is None


def test_no_more_is_kept_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "_lately", {})
    monkeypatch.setattr(decide, "_MOST_LISTS", 3)
    first = load_list(RAW)
    for number in (7, 8):
        load_list(RAW[:200] + bytes([number]) + RAW[201:])
    assert load_list(RAW) is first
    load_list(RAW[:200] + b"\t" + RAW[201:])
    again = load_list(RAW)  # it came first, so it went first
    assert again == first
    assert again is not first
