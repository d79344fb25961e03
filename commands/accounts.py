"""Accounts of administrators, and when wrong passwords lock them."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NUMBER


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
