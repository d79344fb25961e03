"""Times as the original prints them, and as programs read them. Reads no clock."""

from __future__ import annotations

import time
from datetime import datetime


def format_time(moment: float | datetime) -> str:
    """``Wed Feb 26 10:24:27 PST 2014``, in this machine's time zone."""
    return time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(_seconds(moment)))


def iso_time(moment: float | datetime) -> str:
    """``2014-02-26T18:24:27Z``; parts of a second are dropped."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_seconds(moment)))


def _seconds(moment: float | datetime) -> float:
    return moment if isinstance(moment, float | int) else moment.timestamp()
