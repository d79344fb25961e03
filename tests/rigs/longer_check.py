"""How a longer check ends: with 1 as well if anything broke where nobody looked.

A thread that breaks, a task whose exception nobody asks for and a finaliser that raises
print something and let the process go on. A check that goes on without its rig proves
nothing, whatever it counted.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import NoReturn


class _Unseen(logging.Handler):
    """What broke where nobody looked, told on standard error and remembered."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.names: list[str] = []

    def of_thread(self, broken: threading.ExceptHookArgs) -> None:
        threading.__excepthook__(broken)
        if broken.exc_type is not SystemExit:
            self.names.append(f"thread {getattr(broken.thread, 'name', '?')}")

    def of_finaliser(self, broken: sys.UnraisableHookArgs) -> None:
        sys.__unraisablehook__(broken)
        self.names.append(f"finaliser of {broken.object!r}")

    def emit(self, record: logging.LogRecord) -> None:
        """An error of asyncio's: a task or callback of its loop."""
        self.names.append(f"asyncio: {record.getMessage()}")


def exit_with(check: Callable[[], int]) -> NoReturn:
    """Run a check and leave with its status, or with 1 if anything broke unseen."""
    unseen = _Unseen()
    threading.excepthook = unseen.of_thread
    sys.unraisablehook = unseen.of_finaliser
    logger = logging.getLogger("asyncio")
    logger.addHandler(unseen)
    logger.addHandler(logging.StreamHandler())
    status = check()
    if unseen.names:
        print("broke unseen, so nothing is proven:", *unseen.names, sep="\n  ")
        status = status or 1
    sys.exit(status)
