"""Accounts of administrators on this node: level, whether they may log in, verifier.

The lab's SSH server judges their passwords by it. In production sshd and PAM judge
the password of the system's account, which root makes, and none is kept here; its
level, and that it is disabled or removed, hold at each login (``login``). An account
that is not here has all rights, as `cucmsh init --sshd` made it; so one that is deleted
stays here as removed, and does not come back with all of them.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from cucmsh.errors import RefusedError, UsageError
from cucmsh.layout import ACCOUNTS
from cucmsh.secret import Secret
from cucmsh.services.accounts.kept import Facts, damaged, read_accounts
from cucmsh.services.accounts.lockout import caller, is_locked
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.verifier import make_verifier, verifies
from cucmsh.services.elapsed import moment
from cucmsh.services.nodes.password_policy import require_account
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

LEVELS = (Privilege.READ, Privilege.CHANGE)  # of the accounts that are made here
LONGEST_NAME = 32
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
NOT_OURS = ("root", "cucmsh")  # the machine's, and the nodes' way to each other


class Account(NamedTuple):
    """One account.

    Attributes:
        name: as who logs in types it.
        level: what it may do.
        is_enabled: whether it may log in.
        is_locked: whether too many wrong passwords were given just now.
    """

    name: str
    level: int
    is_enabled: bool
    is_locked: bool


def accounts(site: Site) -> list[Account]:
    """All of them, by name."""
    kept = read_accounts(site)
    return [
        _account(site, name, kept[name]) for name in sorted(kept) if _is(kept[name])
    ]


def is_password(facts: Facts, password: Secret) -> bool:
    """Whether it is the account's.

    Raises:
        RefusedError: as ``read_accounts``.
    """
    try:
        return verifies(facts["verifier"], password)
    except (ValueError, KeyError, TypeError) as problem:
        raise damaged() from problem


def ensure_account(site: Site, name: str, password: Secret) -> None:
    """An account with all rights, unless it is there: the first one of a lab."""
    with site.accounts_lock():
        kept = read_accounts(site)
        if name not in kept:
            kept[name] = {"level": int(Privilege.ALL), "is_enabled": True}
            kept[name]["verifier"] = make_verifier(password)
            _write(site, kept)


@use_case("show account")
def show_accounts(site: Site) -> list[Account]:
    """The use-case of ``accounts``."""
    return accounts(site)


def require_new_account(site: Site, name: str) -> None:
    """Refuse a name that no account can have, or that one has.

    The caller's own and that under which this node's services and hooks run are
    refused, too: either would lose rights by it.

    Raises:
        UsageError, RefusedError: see above.
    """
    is_name = 0 < len(name) <= LONGEST_NAME and LETTERS.issuperset(name)
    if not is_name or not name[0].isalpha():
        raise UsageError(
            f"{name!r} is no name of an account",
            "Take small letters, digits, - and _, a letter first, 32 at most.",
        )
    if name in (*NOT_OURS, caller(site).account, _owner()):
        raise RefusedError(
            f"{name} has all rights on this node and keeps them; nothing was changed",
            "Choose another name.",
        )
    if _is(read_accounts(site).get(name, {})):
        raise RefusedError(f"There is an account {name} already; nothing was changed")


def read_level(text: str) -> Privilege:
    """The privilege level that was typed.

    Raises:
        UsageError: it is neither 0 nor 1.
    """
    if text not in ("0", "1"):
        raise UsageError(f"{text!r} is no privilege level: 0 or 1")
    return Privilege(int(text))


@use_case("set account name", changes=True, level=Privilege.ALL)
def create_account(site: Site, name: str, level: Privilege, password: Secret) -> None:
    """Make an account with level 0 or 1; who has a login is ``has_login``.

    Its password is kept in a lab, and where there is a page: by SSH in production the
    system's is the one that counts.

    Raises:
        UsageError, RefusedError: a name or password that it cannot have, or there is
            one of that name.
    """
    require_account(password)
    if level not in LEVELS:
        raise UsageError("accounts are made with the privilege level 0 or 1")
    with site.accounts_lock():
        require_new_account(site, name)
        kept = read_accounts(site)
        kept[name] = {"level": int(level), "is_enabled": True}
        if site.settings.lab or site.settings.own_web is not None:
            kept[name]["verifier"] = make_verifier(password)
        _write(site, kept)


def has_login(site: Site, name: str) -> bool:
    """Whether the SSH server of this node knows an account of that name.

    In production it is the system's, a further name for this process' user id, as
    `cucmsh init --sshd` makes it.
    """
    if site.settings.lab:
        return True
    with suppress(KeyError, ValueError):  # unknown there; no name that it can ask for
        return pwd.getpwnam(name).pw_uid == os.getuid()
    return False


@use_case("set account", changes=True, level=Privilege.ALL)
def set_account_enabled(site: Site, name: str, *, is_enabled: bool = False) -> None:
    """Let an account log in, or not any more; sessions that are there go on.

    Raises:
        RefusedError: there is no such account; or it is the caller's own, or has all
            rights, and would be disabled.
    """
    with site.accounts_lock():
        kept = read_accounts(site)
        facts = _required(kept, name)
        if not is_enabled:
            _require_others(site, name, facts)
        facts["is_enabled"] = is_enabled
        _write(site, kept)


@use_case("delete account", changes=True, level=Privilege.ALL)
def delete_account(site: Site, name: str) -> None:
    """Remove an account; raises as ``set_account_enabled``."""
    with site.accounts_lock():
        kept = read_accounts(site)
        facts = _required(kept, name)
        _require_others(site, name, facts)
        kept[name] = {"level": facts["level"], "is_removed": True}
        _write(site, kept)


def replace_password(
    site: Site, name: str, present: Facts, new: Secret, earlier: Sequence[object]
) -> None:
    """Keep another password of an account.

    Args:
        site: the node.
        name: the account.
        present: what was looked at.
        new: the password.
        earlier: verifiers of those that are not taken again.

    Raises:
        RefusedError: there is no such account any more, or its password is another one.
    """
    with site.accounts_lock():
        kept = read_accounts(site)
        facts = _required(kept, name)
        if facts.get("verifier") != present["verifier"]:
            raise RefusedError(
                f"The password of {name} was just changed; nothing more was"
            )
        facts["verifier"] = make_verifier(new)
        facts.update(earlier=earlier, changed=moment(site))
        _write(site, kept)


def _owner() -> str:
    with suppress(KeyError):  # an id without an entry
        return pwd.getpwuid(os.getuid()).pw_name
    return ""


def _is(facts: Mapping[str, Any]) -> bool:
    return bool(facts) and not facts.get("is_removed")


def _account(site: Site, name: str, facts: Facts) -> Account:
    is_enabled = facts.get("is_enabled") is True
    return Account(name, facts["level"], is_enabled, is_locked(site, name))


def _required(kept: dict[str, Facts], name: str) -> Facts:
    facts = kept.get(name, {})
    if not _is(facts):
        raise RefusedError(
            f"There is no account {name} here; nothing was changed",
            "`show account` names them.",
        )
    return facts


def _require_others(site: Site, name: str, facts: Facts) -> None:
    if name == caller(site).account:
        raise RefusedError("That is the account that is logged in; nothing was changed")
    if facts["level"] == Privilege.ALL:
        raise RefusedError(
            f"{name} is the administrator of this node; nothing was changed"
        )


def _write(site: Site, kept: dict[str, Facts]) -> None:
    site.home.write(ACCOUNTS, json.dumps(kept).encode())
