"""Accounts of administrators, and when wrong passwords lock them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cucmsh.services.accounts.lockout import LockoutPolicy
from cucmsh.services.accounts.store import Account


def lockout_lines(policy: LockoutPolicy) -> list[str]:
    """``show accountlocking``, in the original's words."""
    return [
        f"Account Lockout is {'enabled' if policy.is_enabled else 'disabled'}",
        f"Unlock Time : {policy.unlock_seconds} seconds",
        f"Retry Count : {policy.retry_count} attempts",
    ]


def system_account_lines(name: str, *, has_login: bool) -> Iterator[str]:
    """What is still root's to do for an account, in production; see ``has_login``."""
    if not has_login:
        way = f"`cucmsh init --sshd --user {name}`"
        yield f"It cannot log in yet: as root, run what {way} prints."
    yield f"SSH asks for its password of the system: as root, run `passwd {name}`."


def account_lines(accounts: Sequence[Account]) -> Iterator[str]:
    """``show account``: one a line; the original's form is not known."""
    for account in accounts:
        states = [] if account.is_enabled else ["disabled"]
        states += ["locked"] if account.is_locked else []
        state = f"  ({', '.join(states)})" if states else ""
        yield f"{account.name:<32}  Level {account.level}{state}"
