"""The session itself: paging, help, and the way out."""

from __future__ import annotations

from cucmsh.errors import UsageError
from cucmsh.services.site import Site
from cucmsh.shell.command import Command, command
from cucmsh.shell.dialog import Dialog, EndSession
from cucmsh.shell.kinds import TEXT


@command("set cli pagination on|off")
def set_cli_pagination(dialog: Dialog, _: Site, choice: str) -> None:
    """Turn the pager for long output on or off, for this session."""
    dialog.session.pagination = choice == "on"
    dialog.say(f"Automatic pagination is turned {choice}")


@command("help [command...]", kinds={"command": TEXT})
def help_(dialog: Dialog, _: Site, phrase: str = "") -> None:
    """List the commands, or explain one."""
    commands = sorted(dialog.session.grammar.commands, key=lambda entry: entry.phrase)
    if not phrase:
        width = max(len(entry.phrase) for entry in commands)
        for entry in commands:
            dialog.say(f"{entry.phrase.ljust(width)}  {entry.summary}")
        return
    found = [entry for entry in commands if _begins(entry, phrase.split(" "))]
    if not found:
        raise UsageError(f"there is no command {phrase!r}", "Type help to see them.")
    for entry in found:
        _explain(dialog, entry)


@command("quit")
def quit_(_dialog: Dialog, _: Site) -> None:
    """End the session."""
    raise EndSession


@command("exit")
def exit_(_dialog: Dialog, _: Site) -> None:
    """End the session."""
    raise EndSession


def _begins(entry: Command, words: list[str]) -> bool:
    return len(words) <= len(entry.words) and all(
        word in choices for word, choices in zip(words, entry.words, strict=False)
    )


def _explain(dialog: Dialog, entry: Command) -> None:
    plain = [" ".join(choices) for choices in entry.words if len(choices) == 1]
    dialog.say(f"{' '.join(plain)} help:")
    dialog.say(entry.summary)
    if entry.details:
        dialog.say(f"\n{entry.details}")
    dialog.say(f"\nSyntax:\n{entry.phrase}\n")
