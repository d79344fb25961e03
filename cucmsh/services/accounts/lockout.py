"""Too many wrong passwords lock an account for a while; one store for all ways in.

The prompt (the CCM Administrator password, an old password), SSH and the page count
here. A guess is counted before it is judged, and taken back if it was right, so that a
kill forgets none; and one is judged after the other, so that no number of them at once
tries more than is allowed, and many right ones at once lock nobody out. What is
older than the unlock time counts no more; right under clock jumps and over restarts
(``services.elapsed``).

That an account is locked is told by an alarm, and to nobody who types a password: it
is refused as a wrong one is, and judged for as long (docs/cli.md#accounts).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from cucmsh.alarms import (
    AUTHENTICATION_FAILED,
    AUTHENTICATION_SUCCEEDED,
    PLATFORM_ADMIN_ACCOUNT_LOCKED,
    Alarm,
)
from cucmsh.errors import MissingFileError, RefusedError, StoreError, UsageError
from cucmsh.layout import LOCKOUT, LOGIN_FAILURES
from cucmsh.services.caller import Privilege
from cucmsh.services.elapsed import moment, seconds_since
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

LEAST_COUNT, MOST_COUNT, DEFAULT_COUNT = 2, 5, 3
LEAST_SECONDS, MOST_SECONDS, DEFAULT_SECONDS = 30, 3600, 300
LOCKING = "set accountlocking"
NAMELESS = "console"  # where nobody says which account it is


class LockoutPolicy(NamedTuple):
    """When an account is locked, and for how long.

    Attributes:
        is_enabled: whether accounts are locked at all.
        retry_count: wrong passwords that lock an account.
        unlock_seconds: how long it is locked; older failures count no more.
    """

    is_enabled: bool = True
    retry_count: int = DEFAULT_COUNT
    unlock_seconds: int = DEFAULT_SECONDS


class Who(NamedTuple):
    """Whose password is tried.

    Attributes:
        account: the platform account.
        interface: the way in, such as ``ssh``.
        address: from where; empty for this node.
    """

    account: str
    interface: str
    address: str = ""


def policy(site: Site) -> LockoutPolicy:
    """What was set on this node; the defaults where that cannot be read."""
    try:
        kept = recall(site.home, LOCKOUT)
    except StoreError:
        return LockoutPolicy()
    count, seconds = kept.get("retry_count"), kept.get("unlock_seconds")
    return LockoutPolicy(
        kept.get("is_enabled") != 0,
        _within(count, LEAST_COUNT, MOST_COUNT, DEFAULT_COUNT),
        _within(seconds, LEAST_SECONDS, MOST_SECONDS, DEFAULT_SECONDS),
    )


def read_retry_count(text: str) -> int:
    """The number of attempts that was typed.

    Raises:
        UsageError: it is none, or not between 2 and 5.
    """
    return _number(text, LEAST_COUNT, MOST_COUNT, "attempts")


def read_unlock_time(text: str) -> int:
    """The number of seconds that was typed.

    Raises:
        UsageError: it is none, or not between 30 and 3600.
    """
    return _number(text, LEAST_SECONDS, MOST_SECONDS, "seconds")


@use_case("show accountlocking")
def show_policy(site: Site) -> LockoutPolicy:
    """The use-case of ``policy``."""
    return policy(site)


@use_case(LOCKING, changes=True, level=Privilege.ALL)
def set_policy(
    site: Site,
    *,
    is_enabled: bool | None = None,
    retry_count: int | None = None,
    unlock_seconds: int | None = None,
) -> LockoutPolicy:
    """Change what is given; enabling begins with no failure counted."""
    with site.accounts_lock():
        now = policy(site)
        wanted = LockoutPolicy(
            now.is_enabled if is_enabled is None else is_enabled,
            now.retry_count if retry_count is None else retry_count,
            now.unlock_seconds if unlock_seconds is None else unlock_seconds,
        )
        if wanted.is_enabled and not now.is_enabled:
            _write(site, {})
        facts = wanted._asdict() | {"is_enabled": int(wanted.is_enabled)}
        remember(site.home, LOCKOUT, facts)
    return wanted


def attempt(site: Site, who: Who, is_right: Callable[[], bool]) -> bool:
    """Whether a password that somebody gave is right, and may be tried.

    Args:
        site: the node.
        who: whose it is.
        is_right: judges it; called once, also where it cannot help.

    Raises:
        StoreError: failures cannot be counted; then nobody gets in by a password.
        BusyError: others' passwords are being judged for half a minute.
    """
    with site.accounts_lock():
        count, is_locked = _count_one(site, who.account)
        is_in = is_right() and not is_locked
        if is_in:
            _forgive(site, who.account)
    if is_in:
        _tell(site, AUTHENTICATION_SUCCEEDED, who)
        return True
    _tell(site, AUTHENTICATION_FAILED, who)
    if count == policy(site).retry_count and not is_locked:
        ends = site.clock.now() + timedelta(seconds=policy(site).unlock_seconds)
        when = ends.isoformat(timespec="seconds")
        tell(site, PLATFORM_ADMIN_ACCOUNT_LOCKED, who.account, when, str(count))
    return False


def is_locked(site: Site, account: str) -> bool:
    """Whether too many wrong passwords were given for it just now."""
    rule = policy(site)
    return rule.is_enabled and _failures(site, account, rule) >= rule.retry_count


def require_not_locked(site: Site, account: str) -> None:
    """Refuse an account that is locked, for a way in that has judged the password.

    Raises:
        RefusedError: it is; the message does not say so.
    """
    if is_locked(site, account):
        raise RefusedError("This account may not log in now")


def caller(site: Site) -> Who:
    """Who types a password at the prompt, or on a page."""
    if site.caller is None:
        return Who(NAMELESS, "CLI")
    account, address = site.caller.account, site.caller.address
    return Who(account or NAMELESS, str(site.caller.way_in), address)


def _count_one(site: Site, account: str) -> tuple[int, bool]:
    """Count a failure; how many there are now, and whether it was locked before.

    The accounts' lock is held, as for ``_forgive``.
    """
    rule = policy(site)
    if not rule.is_enabled:
        return 0, False
    kept = _read(site)
    # What is over is for nobody: the file holds who failed just now.
    kept = {name: facts for name, facts in kept.items() if _counts(site, facts, rule)}
    before = _count_of(kept.get(account, {}))
    if before >= rule.retry_count:
        return before, True
    kept[account] = {"count": before + 1, **moment(site)}
    _write(site, kept)
    return before + 1, False


def _forgive(site: Site, account: str) -> None:
    if not policy(site).is_enabled:
        return
    kept = _read(site)
    if kept.pop(account, None) is not None:
        _write(site, kept)


def _failures(site: Site, account: str, rule: LockoutPolicy) -> int:
    facts = _read(site).get(account, {})
    return _count_of(facts) if _counts(site, facts, rule) else 0


def _counts(site: Site, facts: dict[str, object], rule: LockoutPolicy) -> bool:
    since = seconds_since(site, facts)
    return since is not None and since < rule.unlock_seconds


def _count_of(facts: dict[str, object]) -> int:
    count = facts.get("count")
    return count if isinstance(count, int) else 0


def _read(site: Site) -> dict[str, dict[str, object]]:
    try:
        kept = json.loads(site.home.read(LOGIN_FAILURES))
    except (MissingFileError, ValueError):  # broken: nobody is locked for ever
        return {}
    if not isinstance(kept, dict):
        return {}
    return {name: facts for name, facts in kept.items() if isinstance(facts, dict)}


def _write(site: Site, kept: dict[str, dict[str, object]]) -> None:
    site.home.write(LOGIN_FAILURES, json.dumps(kept).encode())


def _tell(site: Site, alarm: Alarm, who: Who) -> None:
    when = site.clock.now().isoformat(timespec="seconds")
    tell(site, alarm, who.address or "local", when, who.account, who.interface)


def _within(value: object, least: int, most: int, default: int) -> int:
    return value if isinstance(value, int) and least <= value <= most else default


def _number(text: str, least: int, most: int, what: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not is_number or not least <= int(text) <= most:
        raise UsageError(f"{text!r} is no number of {what} between {least} and {most}")
    return int(text)
