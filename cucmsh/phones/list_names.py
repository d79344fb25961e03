"""Names by which phones ask for their lists (docs/formats.md#phones)."""

from __future__ import annotations

import re
from typing import NamedTuple

from cucmsh.layout import LIST_FILE

# What stands in every such name: the one cheap look at a line of a log.
IN_EVERY_NAME = b".tlv"
LIST_NAME = re.compile(
    r"(?:ext_)?(?:ITL|CTL)(?:File|SEP([0-9A-Fa-f]{12}))\.tlv(?:\.sha512)?\Z"
)
DEVICE = re.compile(r"SEP[0-9A-F]{12}\Z")
LONGEST = 255  # of what is kept of a name, characters


class ListName(NamedTuple):
    """A list that was asked for.

    Attributes:
        file: the last part of the name, as asked.
        phone: ``SEP`` and its MAC; empty where the name is everybody's.
        is_itl: it is the ITL that all phones of a node get.
    """

    file: str
    phone: str
    is_itl: bool


def list_name(path: str) -> ListName | None:
    """What list a path names; None for any other file."""
    file = path.rpartition("/")[2]
    found = LIST_NAME.match(file)
    if found is None:
        return None
    mac = found[1]
    return ListName(file, f"SEP{mac.upper()}" if mac else "", file == LIST_FILE)


def device_name(text: str) -> str:
    """The text as the name of a phone, in upper case; empty if it is none."""
    name = text.strip().upper()
    return name if DEVICE.match(name) else ""
