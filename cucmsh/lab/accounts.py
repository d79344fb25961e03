"""Who may log in to a lab server, how, and what then runs for them.

An account has only the ways in that it was given: a password (asked for as ``password``
or ``keyboard-interactive``), a public key, or both. Nobody gets in without either.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

_UNKNOWN_WAYS = ("password", "keyboard-interactive")


class Account(NamedTuple):
    """A login of a lab server.

    Args:
        name: what the client calls it.
        password: None when there is none.
        authorized_key: a line ``type base64 [comment]`` without options, or None.
        shell: argument vector of the login shell (an absolute path first), or None.
        execute: gives the argument vector for the text of an exec request; may raise
            ``RefusedError``, whose message the client gets. None refuses them all.
        sftp_roots: directories that SFTP may reach, real paths of this machine; such an
            account has nothing else. None for no SFTP.
        is_platforms: its password is judged by the ``Platform``, and ``password`` is
            never compared.
    """

    name: str
    password: str | None
    authorized_key: str | None
    shell: Sequence[str] | None
    execute: Callable[[str], Sequence[str]] | None
    sftp_roots: Sequence[Path] | None
    is_platforms: bool = False

    def __repr__(self) -> str:
        return f"Account({self.name!r})"  # the password never shows


class Platform(Protocol):
    """A node's own accounts. Both may be called at any time, from any thread."""

    def account(self, name: str) -> Account | None:
        """The account of that name, or None."""

    def lets_in(self, name: str, password: str, address: str) -> bool:
        """Whether that password lets it in, from that address."""


def files_only(name: str, password: str, roots: Sequence[Path]) -> Account:
    """An account for SFTP below ``roots``, which gets in by its password."""
    return Account(name, password, None, None, None, roots)


def ways_in(account: Account | None) -> Sequence[str]:
    """The SSH authentication methods to offer; for an unknown name the usual two."""
    if account is None:
        return _UNKNOWN_WAYS
    ways = ["publickey"] if account.authorized_key is not None else []
    return [*ways, *(_UNKNOWN_WAYS if account.password is not None else ())]


def password_fits(account: Account | None, typed: str) -> bool:
    """Compare in constant time."""
    if account is None or account.password is None or account.is_platforms:
        return False
    return hmac.compare_digest(typed.encode(), account.password.encode())


def key_fits(account: Account | None, base64: str) -> bool:
    """Whether the public key (base64 of its SSH blob) is the account's."""
    if account is None or account.authorized_key is None:
        return False
    return account.authorized_key.split()[1:2] == [base64]
