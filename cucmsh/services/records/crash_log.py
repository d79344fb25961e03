"""What broke without having been foreseen: a line in HOME/log/errors for the makers."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from cucmsh.errors import CucmshError
from cucmsh.layout import ERRORS_FILE
from cucmsh.services.site import Site


def breakdown_recorder(site: Site) -> Callable[[BaseException], None]:
    """Something to hand an unforeseen error to; it never raises.

    It keeps the kind of the error and the places it came through. Not its text, which
    may hold a secret.
    """

    def record(error: BaseException) -> None:
        place = error.__traceback__
        places = []
        while place is not None:
            code = place.tb_frame.f_code
            places.append(f"{os.path.basename(code.co_filename)}:{place.tb_lineno}")
            place = place.tb_next
        when = site.clock.now().isoformat(timespec="seconds")
        line = f"{when} {type(error).__name__} at {' '.join(places)}"
        with suppress(CucmshError):  # the person was told that it broke
            site.home.append(ERRORS_FILE, line)

    return record
