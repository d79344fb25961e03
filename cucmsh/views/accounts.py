"""Accounts of administrators, and when wrong passwords lock them."""

from __future__ import annotations

from cucmsh.services.accounts.lockout import LockoutPolicy


def lockout_lines(policy: LockoutPolicy) -> list[str]:
    """``show accountlocking``, in the original's words."""
    return [
        f"Account Lockout is {'enabled' if policy.is_enabled else 'disabled'}",
        f"Unlock Time : {policy.unlock_seconds} seconds",
        f"Retry Count : {policy.retry_count} attempts",
    ]
