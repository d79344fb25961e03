"""Times as the original prints them. Reads no clock."""

from __future__ import annotations

import time
from datetime import datetime


def format_time(moment: float | datetime) -> str:
    """``Wed Feb 26 10:24:27 PST 2014``, in this machine's time zone."""
    seconds = moment.timestamp() if isinstance(moment, datetime) else moment
    return time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(seconds))
