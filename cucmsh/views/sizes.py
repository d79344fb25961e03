"""Sizes as ``file get`` prints them. Pure.

The original prints bytes / 1024 as Java's ``Float.toString`` does: the shortest decimal
that identifies the 32-bit float (docs/cli.md#files).
"""

from __future__ import annotations

from array import array


def kilobytes(size: int) -> str:
    """``1709`` bytes give ``1.6689453``."""
    wanted = _single(size / 1024)
    for digits in range(1, 10):  # nine digits identify every 32-bit float
        text = f"{wanted:.{digits}g}"
        if _single(float(text)) == wanted:
            break
    value = float(text)
    if 0 < value < 0.001:  # Java has an exponent from here down, Python later
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{float(mantissa)}E{int(exponent)}"
    return f"{value:.1f}" if value == int(value) else repr(value)


def _single(value: float) -> float:
    return float(array("f", [value])[0])
