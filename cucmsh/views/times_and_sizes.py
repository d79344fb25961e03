"""Times and sizes as the original prints them, and as programs read them.

Pure; reads no clock.
"""

from __future__ import annotations

import time
from array import array
from datetime import datetime

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_time(moment: float | datetime) -> str:
    """``Wed Feb 26 10:24:27 PST 2014``, in this machine's time zone."""
    return time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(_seconds(moment)))


def login_date(moment: datetime) -> str:
    """``Thu Oct 28 11:24:16 2021``, in this machine's time zone."""
    return time.strftime("%a %b %d %H:%M:%S %Y", time.localtime(moment.timestamp()))


def iso_time(moment: float | datetime) -> str:
    """``2014-02-26T18:24:27Z``; parts of a second are dropped."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_seconds(moment)))


def short_span(seconds: float) -> str:
    """How long something has been or will be, in its largest unit: ``3 d``, ``5 min``.

    Rounded down; what lies in the future, by a clock that differs, is ``in 5 min``.
    """
    size, unit = next((unit for unit in _UNITS if abs(seconds) >= unit[0]), _UNITS[-1])
    text = f"{int(abs(seconds)) // size} {unit}"
    return f"in {text}" if seconds <= -1 else text


def _seconds(moment: float | datetime) -> float:
    return moment if isinstance(moment, float | int) else moment.timestamp()


def kilobytes(size: int) -> str:
    """``1709`` bytes give ``1.6689453``.

    The original prints bytes / 1024 as Java's ``Float.toString`` does: the shortest
    decimal that identifies the 32-bit float (docs/cli.md#files).
    """
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
