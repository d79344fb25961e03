"""What the value of a parameter may be: declared by a command, held by the grammar.

Of whatever kind it is, a value holds nothing that cannot be shown and no dash at its
beginning (docs/security.md T11). Users and paths are names on another server,
which SSH and SFTP carry as they are: they may hold anything else, blanks too, and no
shell ever reads them. Opens nothing: whether a host or a file is there is for the
command to find out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_LONGEST_NAME = 255  # of a host (RFC 1035), and of a file on Linux
_LONGEST_PATH = 1024


class ParameterType(NamedTuple):
    """A kind of value; `what` goes on after "must be"."""

    what: str
    fits: Callable[[str], bool]


def problem_with(kind: ParameterType, value: str) -> str:
    """What goes on after the name of such a value that cannot be used, or nothing.

    It does not repeat the value.
    """
    if not value:
        return "must not be empty"
    if not value.isprintable():
        return "must hold only characters that can be shown"
    if value.startswith("-"):
        return "must not begin with a dash"
    return "" if kind.fits(value) else f"must be {kind.what}"


def _is_name(value: str) -> bool:
    return len(value) <= _LONGEST_NAME


def _is_plain(value: str, more: str) -> bool:
    """Tell whether it holds letters, digits and `more` only, and not too many."""
    letters = "".join(char for char in value if char not in more)
    return _is_name(value) and (not letters or letters.isalnum())


def _is_host(value: str) -> bool:
    return value.isascii() and _is_plain(value, ".-_:[]")


def _is_file(value: str) -> bool:
    parts = value.split("/")
    return _is_name(value) and all(part not in ("", ".", "..") for part in parts)


def _is_number(value: str) -> bool:
    return value.isascii() and value.isdecimal() and _is_name(value)


def _is_word(value: str) -> bool:
    return _is_name(value) and " " not in value


WORD = ParameterType("one word of at most 255 characters", _is_word)
NAME = ParameterType(
    "a name: letters, digits and . _ - /", lambda text: _is_plain(text, "._-/")
)
NUMBER = ParameterType("a number", _is_number)
HOST = ParameterType("a host name or address, with :port if you like", _is_host)
USER = ParameterType("a user name of at most 255 characters", _is_name)
PATH = ParameterType(
    "a path of at most 1,024 characters", lambda text: len(text) <= _LONGEST_PATH
)
FILE = ParameterType(
    "a file below the directory, without . and .. on the way", _is_file
)
TEXT = ParameterType("words", lambda _: True)
