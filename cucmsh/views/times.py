"""Times as the original prints them. Reads no clock."""

from __future__ import annotations

import time

from cucmsh.shapes import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def format_time(moment: float | datetime) -> str:
    """``Wed Feb 26 10:24:27 PST 2014``, in this machine's time zone."""
    seconds = moment if isinstance(moment, float | int) else moment.timestamp()
    return time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(seconds))
