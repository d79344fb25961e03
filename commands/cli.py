"""How this session and the next ones behave: paging, idle time, the counting prompt."""

from __future__ import annotations

from cucmsh import services
from cucmsh.errors import CancelledError
from cucmsh.services.site import Site
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import NUMBER


@command("set cli pagination on|off", has_json=True)
def set_cli_pagination(dialog: Dialog, _: Site, choice: str) -> None:
    """Turn the pager for long output on or off, for this session.

    Without it a person's session pages and a program's does not.

    on: output stops at the end of each page of the terminal
    off: output never stops

    Example:
    set cli pagination off
    """
    dialog.session.pagination = choice == "on"
    dialog.result(
        lambda: [f"Automatic pagination is turned {choice}"],
        lambda: {"pagination": choice == "on"},
    )


@command("show cli pagination", has_json=True)
def show_cli_pagination(dialog: Dialog, _: Site) -> None:
    """Show whether long output stops at the end of each page.

    Example:
    show cli pagination
    """
    is_paged = dialog.session.is_paged
    dialog.result(
        lambda: [f"Automatic Pagination : {'On' if is_paged else 'Off'}."],
        lambda: {"pagination": is_paged},
    )


@command(
    "set cli session timeout <minutes>",
    of=lambda: services.set_idle_minutes,
    kinds={"minutes": NUMBER},
    has_json=True,
)
def set_cli_session_timeout(dialog: Dialog, site: Site, text: str) -> None:
    """Set after how many minutes without a key a session of this node ends.

    It holds for sessions that begin from now on; this one keeps what it has.

    minutes: 5 to 99999; 30 where nothing was set

    Example:
    set cli session timeout 60
    """
    minutes = services.read_minutes(text)
    again = "Please answer 'y' for <yes> or 'n' for <no>:"
    if dialog.ask_key("Continue (y/n)?", "yn", again) == "n":
        raise CancelledError("The session time-out was not changed.")
    services.set_idle_minutes(site, minutes)
    _say_minutes(dialog, site, minutes)


@command("show cli session timeout", has_json=True)
def show_cli_session_timeout(dialog: Dialog, site: Site) -> None:
    """Show after how many minutes without a key a new session ends.

    Example:
    show cli session timeout
    """
    _say_minutes(dialog, site, services.idle_minutes(site))


def _say_minutes(dialog: Dialog, site: Site, minutes: int) -> None:
    dialog.result(
        lambda: [f"The session time-out of new sessions is {minutes} minutes."],
        lambda: {"node": site.node.name, "minutes": minutes},
    )


@command("set commandcount enable|disable", has_json=True)
def set_commandcount(dialog: Dialog, _: Site, choice: str) -> None:
    """Let the prompt of this session say how many commands have run in it.

    enable: the prompt begins with the number, in parentheses
    disable: the prompt is plain

    Example:
    set commandcount enable
    """
    dialog.session.counts_commands = choice == "enable"
    dialog.result(tuple, lambda: {"counts_commands": choice == "enable"})
