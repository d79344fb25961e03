"""Sizes as Java prints a 32-bit float: three samples, and a slow reference."""

import struct
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.views.times_and_sizes import kilobytes


def single(value: float) -> bytes:
    return struct.pack(">f", value)


def digits_of(text: str) -> int:
    return len(Decimal(text).normalize().as_tuple().digits)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (1709, "1.6689453"),  # the three of docs/cli.md#files
        (2702728, "2639.3828"),
        (2472833, "2414.876"),
        (0, "0.0"),
        (1, "9.765625E-4"),  # Float.toString has an exponent below a thousandth
        (2, "0.001953125"),
        (1024, "1.0"),
        (10240, "10.0"),
    ],
)
def test_samples_print_as_seen(size: int, shown: str) -> None:
    assert kilobytes(size) == shown


@pytest.mark.thorough
@given(st.integers(1, 1 << 33))
def test_text_is_the_shortest_that_means_the_same_float(size: int) -> None:
    shown = kilobytes(size)
    wanted = single(size / 1024)
    assert single(float(shown)) == wanted
    digits = digits_of(shown)
    if digits == 1:
        return
    # With a digit less, neither neighbour on either side is the same float.
    exact = Fraction(struct.unpack(">f", wanted)[0])
    exponent = Decimal(shown).adjusted() - (digits - 2)
    step = Fraction(10) ** exponent
    below = exact // step
    for neighbour in (below * step, (below + 1) * step):
        assert single(float(neighbour)) != wanted


@pytest.mark.thorough
@given(st.integers(2, 1 << 33))
def test_text_is_plain_with_a_point(size: int) -> None:
    whole, point, rest = kilobytes(size).partition(".")
    assert point == "."
    assert whole.isdecimal()
    assert rest.isdecimal()
