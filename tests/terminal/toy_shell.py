"""A toy with the whole engine under it, for scenarios: few commands, no cluster."""

import os
import select
import sys
import time
from typing import Any

from cucmsh.errors import CucmshError, RefusedError
from cucmsh.shell.answers import is_yes
from cucmsh.shell.command import Command, command, find_command
from cucmsh.shell.dialog import Dialog, EndSession
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.session import LineEditor, Session
from tests.rigs.no_audit import NoAudit

BANNER = (
    "Command Line Interface is starting up, please wait ...\n\n"
    "   Welcome to the Platform Command Line Interface\n\n"
    "VMware Installation:\n\t2 vCPU: toy\n"
)
HOSTILE = "name \x1b[31m\x07 \x9b1m \u202egnp.exe \u200b end"


@command("show version active")
def show_version_active(dialog: Dialog, context: Any) -> None:
    """Show the active version."""
    dialog.say("Active Master Version: 10.0.1.10000-24")


@command("show hostile")
def show_hostile(dialog: Dialog, context: Any) -> None:
    """Show what a certificate could be named."""
    dialog.say(HOSTILE)


@command("show lines <count> [page]")
def show_lines(dialog: Dialog, context: Any, count: str, page: str = "") -> None:
    """Show numbered lines.

    count: how many
    page: a page at a time
    """
    for number in range(1, int(count) + 1):
        dialog.say(f"line {number}")


@command("file view <count>")
def file_view(dialog: Dialog, context: Any, count: str) -> None:
    """View numbered lines, and what a file could hold.

    count: how many
    """
    numbered = (f"line {number}" for number in range(1, int(count) + 1))
    dialog.view("\n".join([*numbered, HOSTILE, ""]))


@command(
    "show entries <name>",
    candidates={"name": lambda _: ["one", *(f"entry{n}" for n in range(100))]},
)
def show_entries(dialog: Dialog, context: Any, name: str) -> None:
    """Show one of many."""
    dialog.say(f"entry {name}")


@command("show questions")
def show_questions(dialog: Dialog, context: Any) -> None:
    """Ask for a name, a word and a secret."""
    name = dialog.ask("Name: ")
    secret = dialog.ask_secret("Password: ")
    dialog.say(f"{name} has a secret of {len(secret.reveal())}")


@command("ask name")
def ask_name(dialog: Dialog, context: Any) -> None:
    """Ask for a name."""
    dialog.say(f"Hello {dialog.ask('Name: ')}!")


@command("ask password")
def ask_password(dialog: Dialog, context: Any) -> int:
    """Ask for a password and tell whether it is the right one."""
    secret = dialog.ask_secret("Enter CCM Administrator password :")
    dialog.say("right" if secret.reveal() == "Tr0ub4dor" else "wrong")
    return 0 if secret.reveal() == "Tr0ub4dor" else 1


@command("ask masked")
def ask_masked(dialog: Dialog, context: Any) -> None:
    """Ask for a password and show stars."""
    secret = dialog.ask_secret("Password: ", mask="*")
    dialog.say(f"a secret of {len(secret.reveal())}")


@command("ask key")
def ask_key(dialog: Dialog, context: Any) -> None:
    """Ask a question that one key answers."""
    again = "Please answer 'y' for <yes> or 'n' for <no>:"
    dialog.say(f"key was {dialog.ask_key('Continue (y/n)?', 'yn', again)}")


@command("ask word")
def ask_word(dialog: Dialog, context: Any) -> None:
    """Ask a question that takes a whole word."""
    answer = is_yes(dialog, "Really (yes/no)? ")
    dialog.say(f"word was {'yes' if answer else 'no'}")


@command("utils say [words...]", candidates={"words": lambda _: ["one", "two three"]})
def utils_say(dialog: Dialog, context: Any, words: str = "nothing") -> None:
    """Say it.

    words: what to say
    """
    dialog.say(f"said <{words}>")


@command("utils dots")
def utils_dots(dialog: Dialog, context: Any) -> None:
    """Print progress without an end."""
    dialog.write("...")


@command("utils wait")
def utils_wait(dialog: Dialog, context: Any) -> None:
    """Wait for Ctrl-C."""
    dialog.say("waiting")
    while True:  # a signal that came just before the call is seen when it ends
        select.select([], [], [], 0.1)


@command("utils busy <seconds>")
def utils_busy(dialog: Dialog, context: Any, seconds: str) -> None:
    """Take so long, and say so."""
    with dialog.working(lambda: "still busy"):
        select.select([], [], [], float(seconds))
    dialog.say("no more busy")


@command("utils commit <steps>", changes=True)
def utils_commit(dialog: Dialog, context: Any, steps: str) -> None:
    """Wait for a key in each step of a change; after the first one it may be left."""
    with dialog.uninterrupted() as safe_point:
        for number in range(1, int(steps) + 1):
            dialog.say(f"step {number}")
            os.read(0, 1)  # a key ends it, which nobody else reads
            if number == 1:
                safe_point()
    dialog.say("committed")


@command("utils refuse", changes=True)
def utils_refuse(dialog: Dialog, context: Any) -> None:
    """Refuse."""
    raise RefusedError("This is not a Publisher Node", "Log in to the publisher.")


@command("utils break")
def utils_break(dialog: Dialog, context: Any) -> None:
    """Break off."""
    raise ZeroDivisionError("with a secret in its text")


@command("set cli pagination on|off")
def set_cli_pagination(dialog: Dialog, context: Any, switch: str) -> None:
    """Turn the pager on or off."""
    dialog.session.pagination = switch == "on"
    dialog.say(f"Automatic pagination is turned {switch}")


@command("set commandcount enable|disable")
def set_commandcount(dialog: Dialog, context: Any, switch: str) -> None:
    """Let the prompt count."""
    dialog.session.counts_commands = switch == "enable"


@command("exit")
def leave(dialog: Dialog, context: Any) -> None:
    """Leave."""
    raise EndSession


def commands() -> list[Command]:
    found = (find_command(member) for member in list(globals().values()))
    return [each for each in found if each is not None]


def guard(called: Command) -> None:
    if called.phrase == "show guarded":
        raise CucmshError("refused by the guard")


def open_editor(*parts: Any) -> LineEditor:
    from cucmsh.shell.editor import PersonEditor  # noqa: PLC0415  # late, as in the app

    return PersonEditor(*parts)


def toy_session(
    read_fd: int,
    write_fd: int,
    idle: float | None = None,
    *,
    has_prompt: bool = True,
) -> Session:
    screen = Screen(write_fd)
    if has_prompt:
        screen.say(BANNER)
    return Session(
        lambda: Grammar(commands()),
        None,
        screen,
        Reader(read_fd, screen, time.monotonic),
        guard=guard,
        helpful=True,
        open_editor=open_editor,
        on_internal_error=lambda _: None,
        idle_seconds=lambda: idle,
        audit=NoAudit(),
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["--idle"]:
        sys.exit(toy_session(0, 1, float(words[1])).run())
    session = toy_session(0, 1, has_prompt=not words)
    sys.exit(session.run_line(words[0]) if words else session.run())
