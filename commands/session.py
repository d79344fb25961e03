"""The session itself: who is in it, what it can do, and the way out."""

from __future__ import annotations

import os

from cucmsh.errors import UsageError
from cucmsh.services.caller import Privilege
from cucmsh.services.site import Site
from cucmsh.shell.command import Command, command, phrases
from cucmsh.shell.dialog import Dialog, EndSession
from cucmsh.shell.grammar import Pack
from cucmsh.shell.help_text import help_lines
from cucmsh.shell.origin import account_name
from cucmsh.shell.parameter_types import TEXT


@command("show myself", has_json=True)
def show_myself(dialog: Dialog, site: Site) -> None:
    """Show which node this is and which account is logged in.

    The account is the one that the operating system knows, of its names the one that
    logged in, in a lab the one that its SSH server let in; nobody can pretend it.

    Example:
    show myself
    """
    known = site.caller.account if site.caller else ""
    account = known or account_name(os.environ) or f"number {os.getuid()}"
    counts = "enabled" if dialog.session.counts_commands else "disabled"
    level = Privilege.READ if site.caller is None else site.caller.level
    dialog.result(
        lambda: [
            f"Machine Name    : {site.node.name}",
            f"account name    : {account}",
            f"privilege level : {level:d}",
            f"command count   : {counts}",
        ],
        lambda: {
            "node": site.node.name,
            "account": account,
            "level": int(level),
            "counts_commands": dialog.session.counts_commands,
        },
    )


@command("show packs", has_json=True)
def show_packs(dialog: Dialog, _: Site) -> int:
    """Show where the commands come from: each pack, its folder and its commands.

    A pack that could not be loaded is shown with the reason.

    Example:
    show packs
    """
    packs = dialog.session.grammar.packs
    dialog.result(
        lambda: [line for pack in packs for line in _pack_lines(pack)],
        lambda: {
            "packs": [
                {
                    "name": pack.name,
                    "path": pack.path or None,
                    "problem": pack.problem or None,
                    "commands": _phrases_of(pack),
                }
                for pack in packs
            ]
        },
    )
    return 1 if any(pack.problem for pack in packs) else 0


@command(
    "help [command...]",
    candidates={"command": phrases},
    kinds={"command": TEXT},
    has_json=True,
)
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
    named = place.menu.command
    if named is None and place.values:
        raise UsageError(
            f"there is no command {phrase!r}",
            grammar.lower_case_hint(words) or "Type help to see them.",
        )
    found.sort(key=lambda entry: entry.phrase)
    dialog.result(
        lambda: help_lines(named, found, dialog.columns),
        lambda: {"commands": [_described(entry) for entry in found]},
    )


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


def _pack_lines(pack: Pack) -> list[str]:
    lines = [f"{pack.name}    {pack.path}".rstrip()]
    if pack.problem:
        lines.append(f"    not loaded: {pack.problem}")
    return [*lines, *(f"    {phrase}" for phrase in _phrases_of(pack))]


def _phrases_of(pack: Pack) -> list[str]:
    return sorted(entry.phrase for entry in pack.commands)


def _described(entry: Command) -> dict[str, object]:
    return {
        "phrase": entry.phrase,
        "summary": entry.summary,
        "description": entry.description or None,
        "options": entry.options,
        "examples": entry.examples,
        "changes": entry.changes,
        "publisher_only": entry.publisher_only,
        "has_json": entry.has_json,
    }
