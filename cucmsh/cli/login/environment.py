"""The environment of a login: fixed, but for what sshd sets (docs/security.md T5, T6).

`python -I` has kept ``PYTHON*`` and the home's start-up files out by now. What is left
is read by libraries (``OPENSSL_CONF``, ``TZ``, ``LC_*``) and by the programs of the
configuration (``PATH``): all of it is removed before any of them is loaded.
"""

from __future__ import annotations

from collections.abc import MutableMapping

from cucmsh.services.nodes.health.isolation import LOGIN_PATH

FIXED = {
    "HOME": "/",
    "LANG": "C.UTF-8",
    "PATH": LOGIN_PATH,
}
# Who came, and from where: for the audit log, never for a decision.
KNOWN_BY_SSHD = ("LOGNAME", "SSH_CONNECTION", "SSH_TTY", "USER")
NO_TERMINAL = "dumb"
LONGEST = 256  # characters
_TERM_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+_."
)


def clean(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Leave the fixed entries and sshd's own; give back what there was.

    A TERM that could be a path, and what cannot be printed, is dropped too.
    """
    before = dict(environment)
    kept = {
        name: value
        for name in KNOWN_BY_SSHD
        if (value := before.get(name, "")).isprintable() and 0 < len(value) <= LONGEST
    }
    environment.clear()
    environment.update({**FIXED, **kept, "TERM": _terminal(before.get("TERM", ""))})
    return before


def _terminal(name: str) -> str:
    is_name = 0 < len(name) <= 64 and _TERM_CHARACTERS.issuperset(name)
    return name if is_name and ".." not in name else NO_TERMINAL
