"""The names under which a lab node gives its lists to phones that it knows.

A phone asks for ``ITLSEP<MAC>.tlv`` and ``CTLSEP<MAC>.tlv``, and some for nothing else.
The original answers these with its one list, to phones that it has a configuration of,
and so does the lab (docs/formats.md#phones). A file of the name that was asked for goes
before.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from cucmsh.layout import CTL_FILE, LIST_FILE

_OF_A_PHONE = re.compile(r"/?(?P<kind>ITL|CTL)(?P<phone>SEP[0-9A-F]{12})\.tlv")
_LISTS = {"ITL": LIST_FILE, "CTL": CTL_FILE}


def names_in(directory: Path) -> Callable[[str], str]:
    """What to look for in the directory when a name is asked for."""

    def found(name: str) -> str:
        asked = _OF_A_PHONE.fullmatch(name)
        if asked is None or (directory / name.lstrip("/")).exists():
            return name
        is_known = (directory / f"{asked['phone']}.cnf.xml").exists()
        return _LISTS[asked["kind"]] if is_known else name

    return found
