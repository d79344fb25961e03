"""Imports the editor's libraries, nine tenths of the way to its first line, cheaply.

Two things are spared, and nothing else about the libraries is changed.

asyncio brings OpenSSL's TLS along where there is one, a twentieth of that way, and does
without where there is none. What the editor's loop watches is a terminal.

CPython (3.11 to 3.14) keeps Python frames in pieces of 16 KiB, and takes and returns
the second piece to the kernel at every call that crosses the border. Deep in a session,
with prompt_toolkit's imports nested fifteen deep above, its loops cross it 1,200 times:
another twentieth. A frame too large for a piece is given a larger one with room for
all that it calls.
"""

from __future__ import annotations

import sys
from types import FunctionType

_FRAME_SLOTS = 8192  # 64 KiB; its piece is of 128 KiB, and is touched where it is used


def import_editor() -> None:
    """Import `cucmsh.shell.editor` and all that it stands on."""
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
