"""Accounts of administrators, and when wrong passwords lock them."""

from __future__ import annotations

from commands.passwords import ask_new
from cucmsh import services, views
from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NAME, NUMBER


@command("show accountlocking", has_json=True)
def show_accountlocking(dialog: Dialog, site: Site) -> None:
    """Show whether wrong passwords lock an account, how many, and for how long.

    Example:
    show accountlocking
    """
    _say_policy(dialog, site, services.show_policy(site))


@command(
    "set accountlocking enable|disable", of=lambda: services.set_policy, has_json=True
)
def set_accountlocking(dialog: Dialog, site: Site, choice: str) -> None:
    """Let wrong passwords lock an account of this node for a while, or never.

    enable: as many as `set accountlocking count` says lock it
    disable: none is counted

    Example:
    set accountlocking enable
    """
    policy = services.set_policy(site, is_enabled=choice == "enable")
    _say_policy(dialog, site, policy)


@command(
    "set accountlocking count <attempts>",
    of=lambda: services.set_policy,
    kinds={"attempts": NUMBER},
    has_json=True,
)
def set_accountlocking_count(dialog: Dialog, site: Site, text: str) -> None:
    """Set how many wrong passwords lock an account.

    attempts: 2 to 5; 3 where nothing was set

    Example:
    set accountlocking count 3
    """
    count = services.read_retry_count(text)
    _say_policy(dialog, site, services.set_policy(site, retry_count=count))


@command(
    "set accountlocking unlocktime <seconds>",
    of=lambda: services.set_policy,
    kinds={"seconds": NUMBER},
    has_json=True,
)
def set_accountlocking_unlocktime(dialog: Dialog, site: Site, text: str) -> None:
    """Set for how long an account is locked.

    seconds: 30 to 3600; 300 where nothing was set

    Example:
    set accountlocking unlocktime 300
    """
    seconds = services.read_unlock_time(text)
    _say_policy(dialog, site, services.set_policy(site, unlock_seconds=seconds))


def _say_policy(dialog: Dialog, site: Site, policy: services.LockoutPolicy) -> None:
    dialog.result(
        lambda: views.lockout_lines(policy),
        lambda: {"node": site.node.name, **policy._asdict()},
    )


@command("show session maxlimit", has_json=True)
def show_session_maxlimit(dialog: Dialog, site: Site) -> None:
    """Show how many sessions by SSH this node takes at once.

    Example:
    show session maxlimit
    """
    _say_limit(dialog, site, services.most_sessions(site))


@command(
    "set session maxlimit <sessions>",
    of=lambda: services.set_most_sessions,
    kinds={"sessions": NUMBER},
    has_json=True,
)
def set_session_maxlimit(dialog: Dialog, site: Site, text: str) -> None:
    """Set how many sessions by SSH this node takes at once.

    Those that are there stay.

    sessions: 1 to 10; 10 where nothing was set

    Example:
    set session maxlimit 5
    """
    most = services.read_limit(text)
    services.set_most_sessions(site, most)
    _say_limit(dialog, site, most)


def _say_limit(dialog: Dialog, site: Site, most: int) -> None:
    dialog.result(
        lambda: [f"The maximum number of sessions is {most}."],
        lambda: {"node": site.node.name, "most_sessions": most},
    )


def names(site: Site) -> list[str]:
    """The accounts of this node, for completion."""
    return [account.name for account in services.show_accounts(site)]


@command("show account", has_json=True)
def show_account(dialog: Dialog, site: Site) -> None:
    """Show the accounts of this node, their levels, and who may not log in.

    Example:
    show account
    """
    found = services.show_accounts(site)
    dialog.result(
        lambda: views.account_lines(found),
        lambda: {
            "node": site.node.name,
            "accounts": [account._asdict() for account in found],
        },
    )


@command(
    "set account name <name>",
    of=lambda: services.create_account,
    kinds={"name": NAME},
    has_json=True,
)
def set_account_name(dialog: Dialog, site: Site, name: str) -> None:
    """Make an account for this node, which may look (0) or change things, too (1).

    In production SSH asks for the password of the system's account of that name,
    which root makes and sets: what is typed here does not change it.

    name: small letters, digits, - and _

    Example:
    set account name joe
    """
    services.require_new_account(site, name)
    dialog.say("Privilege Levels are:\n   Ordinary - Level 0\n   Advanced - Level 1\n")
    level = _ask_level(dialog)
    password = ask_new(
        dialog, "Please enter the password :", "             re-enter to confirm :"
    )
    services.create_account(site, name, level, password)
    has_login = services.has_login(site, name)
    dialog.result(
        lambda: ["Account successfully created"],
        lambda: {
            "node": site.node.name,
            "account": name,
            "level": int(level),
            "has_login": has_login,
        },
    )
    if dialog.helpful and not site.settings.lab:
        for line in views.system_account_lines(name, has_login=has_login):
            dialog.say(line)


def _ask_level(dialog: Dialog) -> services.Privilege:
    question = "Please enter the privilege level :"
    for left in (2, 1, 0):
        answer = dialog.ask(question)
        try:
            return services.read_level(answer)
        except UsageError as refused:
            if not left:
                raise
            dialog.ask_again(question, f"{refused.message}.")
    raise AssertionError  # the last one raises


@command(
    "set account enable|disable <name>",
    of=lambda: services.set_account_enabled,
    candidates={"name": names},
    kinds={"name": NAME},
    has_json=True,
)
def set_account(dialog: Dialog, site: Site, choice: str, name: str) -> None:
    """Let an account of this node log in, or not any more.

    Sessions that it has open go on.

    enable: it may log in, unless too many wrong passwords lock it
    disable: it may not
    name: one that `show account` names

    Example:
    set account disable joe
    """
    is_enabled = choice == "enable"
    services.set_account_enabled(site, name, is_enabled=is_enabled)
    dialog.result(
        lambda: [f"Account {name} is {choice}d"],
        lambda: {"node": site.node.name, "account": name, "is_enabled": is_enabled},
    )


@command(
    "delete account <name>",
    of=lambda: services.delete_account,
    candidates={"name": names},
    kinds={"name": NAME},
    has_json=True,
)
def delete_account(dialog: Dialog, site: Site, name: str) -> None:
    """Remove an account of this node, which may not log in any more.

    Sessions that it has open go on. In production the system's account of that name
    stays, without a prompt.

    name: one that `show account` names

    Example:
    delete account joe
    """
    services.delete_account(site, name)
    dialog.result(
        lambda: ["Account successfully deleted"],
        lambda: {"node": site.node.name, "account": name},
    )
