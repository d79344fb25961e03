"""How many sessions there may be at once: a seat each, held by the kernel.

A seat is a locked file (flock(2)): whoever ends gives it back, however he ends. Only
prompts by SSH take one. Another limit holds for sessions that begin from then on.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from cucmsh.errors import RefusedError, StoreError, UsageError
from cucmsh.layout import SEATS_FOLDER, SESSION
from cucmsh.services.caller import Privilege
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

LEAST, MOST = 1, 10  # and the default is the most: docs/cli.md#leaving
KEY = "most_sessions"
FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def most_sessions(site: Site) -> int:
    """How many sessions there may be at once."""
    try:
        most = recall(site.home, SESSION).get(KEY)
    except StoreError:
        return MOST
    return most if isinstance(most, int) and LEAST <= most <= MOST else MOST


def read_limit(text: str) -> int:
    """The number that was typed.

    Raises:
        UsageError: it is none, or not between 1 and 10.
    """
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST))
    if not is_number or not LEAST <= int(text) <= MOST:
        raise UsageError(
            f"{text!r} is no number of sessions between {LEAST} and {MOST}"
        )
    return int(text)


@use_case("set session maxlimit", changes=True, level=Privilege.ALL)
def set_most_sessions(site: Site, most: int) -> None:
    """Keep how many sessions there may be at once, from now on."""
    remember(site.home, SESSION, {**recall(site.home, SESSION), KEY: most})


@contextmanager
def seated(site: Site) -> Iterator[None]:
    """Take a seat for the body.

    Where no seat can be made or locked (a full disk), there is room: whoever has to
    mend it must come in.

    Raises:
        RefusedError: as many sessions as may be are there.
    """
    most = most_sessions(site)
    with ExitStack() as stack:
        taken = 0
        seat = None
        # Then there is room, as said above.
        with suppress(OSError, StoreError), _alone(site) as folder:
            for number in range(1, MOST + 1):
                descriptor = os.open(str(number), FLAGS, 0o600, dir_fd=folder)
                if not _is_free(descriptor):
                    taken += 1
                    os.close(descriptor)
                elif seat is None:
                    seat = descriptor
                    stack.callback(os.close, descriptor)
                else:
                    os.close(descriptor)
        if taken >= most:
            raise RefusedError(
                f"There are {taken} sessions, and {most} may be at once",
                "Try again when one has ended; `set session maxlimit` sets how many.",
            )
        yield


@contextmanager
def _alone(site: Site) -> Iterator[int]:
    """The folder of the seats, open; nobody else looks for one meanwhile."""
    site.home.make_folder(SEATS_FOLDER, 0o700)
    path = os.path.join(site.settings.home, SEATS_FOLDER)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
