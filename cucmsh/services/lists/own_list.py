"""Whether this node made the list that it serves: what every login asks.

Reads a file and no key for a list of its own; what else it can be is found by
``foreign``, which is imported then: it costs half a megabyte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cucmsh.errors import CucmshError
from cucmsh.services.lists.served_lists import is_published, served_list
from cucmsh.services.site import Site

if TYPE_CHECKING:
    from cucmsh.services.lists.foreign import ForeignList


def foreign_list(site: Site) -> ForeignList | None:
    """The list in this node's TFTP directory, if it is a foreign one.

    One that cannot be read, or does not verify, is none; others tell that.
    """
    try:
        raw = served_list(site)
        if raw is None or is_published(site, raw):
            return None
        from cucmsh.services.lists.foreign import (  # noqa: PLC0415 - see above
            foreign_list_here,
        )

        return foreign_list_here(site, raw)
    except CucmshError:
        return None
