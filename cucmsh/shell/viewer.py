"""The pager of `file view`, in the original's bytes: a text whose pages can be turned.

Not the pager of long output (`pager`): `set cli pagination off` does not turn it off
(docs/cli.md#pagination; docs/clients.md G3). It has five keys and Ctrl-C, ignores any
other, and starts no program (docs/security.md T3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cucmsh.errors import CancelledError
from cucmsh.shell.dialog import CONTROL_C, EndOfInput

_PAGE = 20  # lines, whatever the terminal's size
_END = "end of the file reached"
_OPTIONS = (
    "\x1b[1m\noptions: q=quit, n=next, p=prev, b=begin, e=end "
    "(lines {first} - {last} of {total}) : \x1b[0m"
)
_CTRL_C = "\x03"


def view(
    lines: Sequence[str], send: Callable[[str], None], wait_for_key: Callable[[], str]
) -> None:
    """Show a page of 20 lines after the other, until `q` or the end of the input.

    Args:
        lines: without their ends; all can be shown.
        send: writes text as it is.
        wait_for_key: one raw key.

    Raises:
        CancelledError: Ctrl-C.
    """
    last_page = max(len(lines) - 1, 0) // _PAGE
    page = 0
    while page >= 0:
        send(_page(lines, page * _PAGE))
        turns = {
            "n": min(page + 1, last_page),
            "p": max(page - 1, 0),
            "b": 0,
            "e": last_page,
            "q": -1,
        }
        page = turns[_key(turns, send, wait_for_key)]


def _page(lines: Sequence[str], start: int) -> str:
    total, last = len(lines), min(start + _PAGE, len(lines))
    text = "".join(f"{line}\n" for line in lines[start:last])
    options = _OPTIONS.format(first=min(start + 1, total), last=last, total=total)
    return f"{text}{_END if last == total else ''}{options}"


def _key(
    known: Mapping[str, int],
    send: Callable[[str], None],
    wait_for_key: Callable[[], str],
) -> str:
    key = ""
    while key not in known:
        try:
            key = wait_for_key()
        except EndOfInput:
            key = "q"
        if key == _CTRL_C:
            send("\n")
            raise CancelledError(CONTROL_C)
    send("\n")
    return key
