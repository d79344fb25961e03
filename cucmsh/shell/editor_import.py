"""Imports `editor` and prompt_toolkit: nine tenths of the time to a person's first Tab.

A module of its own, since what it does must come before their imports. Two things make
them cheaper; the libraries themselves are not changed.

asyncio imports ssl where it can, a twentieth of that time, and works without it. The
editor's event loop watches a terminal and opens no connection.

CPython (3.11 to 3.14) keeps Python frames in chunks of 16 KiB, and allocates and frees
the next chunk at every call that crosses the end of one. The imports of prompt_toolkit,
nested fifteen deep below a session, cross it 1,200 times: another twentieth. A frame
that is larger than a chunk gets a larger one, with room for all that it calls.
"""

from __future__ import annotations

import sys
from types import FunctionType

_FRAME_SLOTS = 8192  # 64 KiB; its chunk has 128 KiB, of which only used pages count


def import_editor() -> None:
    """Import `cucmsh.shell.editor` and all that it imports."""
    roomy = _import.__code__.replace(co_stacksize=_FRAME_SLOTS)
    FunctionType(roomy, globals())()


def _import() -> None:
    if "asyncio" not in sys.modules and "ssl" not in sys.modules:
        sys.modules["ssl"] = None  # type: ignore[assignment]  # "not importable"
        try:
            import asyncio  # noqa: F401, PLC0415 - without ssl, on purpose
        finally:
            del sys.modules["ssl"]  # whoever wants it later still gets it
    import cucmsh.shell.editor  # noqa: F401, PLC0415 - in this frame, on purpose
