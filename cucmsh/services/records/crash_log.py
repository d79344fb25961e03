"""Records unexpected exceptions as events, for the developers; never raises.

It is no part of ``sinks``, to which it sends: ``site`` imports ``sinks``, and this
module imports ``site``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from cucmsh.errors import CucmshError
from cucmsh.events import Event, Severity, Value
from cucmsh.services.records.sinks import CRASH
from cucmsh.services.site import Site

ACTION = "Report it to the makers of cucmsh, with the line of HOME/log/errors."


def crash_recorder(site: Site) -> Callable[[BaseException], None]:
    """A function that logs an unexpected exception; it never raises.

    The record holds the type of the error and its stack, and not its text, which may
    hold a secret.
    """

    def record(error: BaseException) -> None:
        place = error.__traceback__
        places = []
        while place is not None:
            code = place.tb_frame.f_code
            places.append(f"{os.path.basename(code.co_filename)}:{place.tb_lineno}")
            place = place.tb_next
        kind, now = type(error).__name__, site.clock.now()
        about: dict[str, Value] = {"places": tuple(places)}
        event = Event(CRASH, kind, Severity.ERROR, site.node.name, now, about, ACTION)
        with suppress(CucmshError):  # the person was told that it broke
            site.sinks.send(event)

    return record
