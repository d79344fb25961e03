"""The session itself: who is in it, what it can do, and the way out."""

from __future__ import annotations

import os

from cucmsh.errors import UsageError
from cucmsh.services.caller import Privilege
from cucmsh.services.site import Site
from cucmsh.shell.command import EXAMPLE, Command, command, phrases
from cucmsh.shell.dialog import Dialog, EndSession
from cucmsh.shell.origin import account_name
from cucmsh.shell.parameter_types import TEXT


@command("show myself")
def show_myself(dialog: Dialog, site: Site) -> None:
    """Show which node this is and which account is logged in.

    The account is the one that the operating system knows, of its names the one that
    logged in; nobody can pretend it.

    Example:
    show myself
    """
    account = account_name(os.environ) or f"number {os.getuid()}"
    counts = "enabled" if dialog.session.counts_commands else "disabled"
    dialog.say(f"Machine Name    : {site.node.name}")
    dialog.say(f"account name    : {account}")
    level = Privilege.READ if site.caller is None else site.caller.level
    dialog.say(f"privilege level : {level:d}")
    dialog.say(f"command count   : {counts}")


@command("show packs")
def show_packs(dialog: Dialog, _: Site) -> int:
    """Show where the commands come from: each pack, its folder and its commands.

    A pack that could not be loaded is shown with the reason.

    Example:
    show packs
    """
    packs = dialog.session.grammar.packs
    for pack in packs:
        dialog.say(f"{pack.name}    {pack.path}".rstrip())
        if pack.problem:
            dialog.say(f"    not loaded: {pack.problem}")
        for phrase in sorted(entry.phrase for entry in pack.commands):
            dialog.say(f"    {phrase}")
    return 1 if any(pack.problem for pack in packs) else 0


@command("help [command...]", candidates={"command": phrases}, kinds={"command": TEXT})
def help_(dialog: Dialog, _: Site, phrase: str = "") -> None:
    """List the commands, or explain one.

    command: a command, or words that several commands begin with

    Example:
    help show itl
    """
    grammar = dialog.session.grammar
    words = phrase.split(" ") if phrase else []
    place = grammar.find(words)
    found = [entry for entry in grammar.commands if _begins(entry, place.walked)]
    if place.menu.command is not None:
        _explain(dialog, place.menu.command)
        found.remove(place.menu.command)
    elif place.values:
        raise UsageError(f"there is no command {phrase!r}", "Type help to see them.")
    found.sort(key=lambda entry: entry.phrase)
    width = max((len(entry.phrase) for entry in found), default=0)
    for entry in found:
        dialog.say(f"{entry.phrase.ljust(width)}  {entry.summary}")


@command("quit")
def quit_(_dialog: Dialog, _: Site) -> None:
    """End the session.

    Example:
    quit
    """
    raise EndSession


@command("exit")
def exit_(_dialog: Dialog, _: Site) -> None:
    """End the session.

    Example:
    exit
    """
    raise EndSession


def _begins(entry: Command, words: tuple[str, ...]) -> bool:
    return len(words) <= len(entry.words) and all(
        word in choices for word, choices in zip(words, entry.words, strict=False)
    )


def _explain(dialog: Dialog, entry: Command) -> None:
    """Explain it in the original's layout (docs/cli.md#editing).

    But for one thing: examples have no prompt before them. Programs take any line that
    begins with one for a prompt (docs/clients.md P4).
    """
    plain = [" ".join(choices) for choices in entry.words if len(choices) == 1]
    dialog.say(f"{' '.join(plain)} help:")
    dialog.say(entry.summary)
    if entry.description:
        dialog.say(f"\n{entry.description}")
    if options := entry.options:
        dialog.say("\noptions are:")
        width = max(map(len, options))
        for name, text in options.items():
            dialog.say(f"{name.ljust(width)} - {text}")
    if entry.examples:
        dialog.say(f"\n{EXAMPLE}")
        for line in entry.examples:
            dialog.say(line)
