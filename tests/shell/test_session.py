import os
from collections.abc import Callable
from typing import Any

import pytest

from cucmsh.errors import (
    REINSTALL,
    CommandClashError,
    HalfDoneError,
    RefusedError,
    UsageError,
)
from cucmsh.shell.audit import Attempt
from cucmsh.shell.command import Command, command, find_command
from cucmsh.shell.dialog import Dialog, EndSession
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.session import LineEditor, Session

NOT_HERE = "This is not a Publisher Node"
NOT_LOADED = "cucmsh cannot be loaded: ModuleNotFoundError: No module named 'tftp'"
MAY_HAVE = "It may have changed something by then."
AGAIN = "Run it again: it finishes what is left."
FAILED = "Executed command unsuccessfully"


@command("add <number>")
def add(dialog: Dialog, context: list[int], number: str) -> int | None:
    """Add a number to the context."""
    if not number.isdigit():
        raise UsageError("Enter a number.", "Digits only.")
    context.append(int(number))
    return 3 if number == "3" else None


@command("utils change", changes=True)
def utils_change(dialog: Dialog, context: list[int]) -> None:
    """Change something."""
    context.append(-1)


@command("utils break")
def utils_break(dialog: Dialog, context: Any) -> None:
    """Break off."""
    raise KeyError("a secret")


@command("utils halve", changes=True)
def utils_halve(dialog: Dialog, context: Any) -> None:
    """Do half of it, and tell so."""
    raise HalfDoneError("One half is done", "Do the other.") from KeyError("a secret")


@command("utils load", changes=True)
def utils_load(dialog: Dialog, context: list[int]) -> None:
    """Import something that is not there, in the middle of a change."""
    with dialog.uninterrupted():
        context.append(-2)
        raise ModuleNotFoundError("No module named 'tftp'")


@command("utils miss", changes=True)
def utils_miss(dialog: Dialog, context: Any) -> None:
    """Import something that is not there, before the change."""
    raise ModuleNotFoundError("No module named 'tftp'")


@command("utils interrupt")
def utils_interrupt(dialog: Dialog, context: Any) -> None:
    """Do what Ctrl-C does."""
    raise KeyboardInterrupt


@command("utils alter <what>", changes=True)
def utils_alter(dialog: Dialog, context: list[int], what: str) -> int:
    """Change something, after a question."""
    context.append(int(dialog.ask(what)))
    return 3


@command("file view <text>")
def file_view(dialog: Dialog, context: Any, text: str) -> None:
    """View a file that says so."""
    dialog.view("" if text == "nothing" else f"{text}\n")


@command("quit")
def leave(dialog: Dialog, context: Any) -> None:
    """Leave."""
    raise EndSession(4)


def grammar() -> Grammar:
    found = map(find_command, list(globals().values()))
    return Grammar(each for each in found if each is not None)


def guard(called: Command) -> None:
    if called.phrase == "utils change":
        raise RefusedError(NOT_HERE, "Log in to the publisher.")


def no_editor(*parts: Any) -> LineEditor:
    raise AssertionError("nobody is at the keyboard")


class Record:
    """Keeps what the session tells; refuses to begin if it is told to."""

    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []
        self.is_full = False

    def submitted(self, attempt: Attempt) -> None:
        self.events.append(("submitted", attempt.line))

    def unread(self, lines: tuple[str, ...]) -> None:
        self.events.append(("unread", *lines))

    def begins(self, attempt: Attempt) -> None:
        if self.is_full:
            raise RefusedError("no room")
        self.events.append(("begins", *attempt.words))

    def ended(self, attempt: Attempt) -> None:
        known = (*attempt.words, *attempt.values)
        self.events.append(("ended", *known, str(attempt.status), attempt.outcome))


class Pipes:
    """A session between two pipes."""

    def __init__(self, typed: str, helpful: bool, load: Callable[[], Grammar]) -> None:
        keys, hand = os.pipe()
        os.write(hand, typed.encode())
        os.close(hand)
        self._seen, wire = os.pipe()
        screen = Screen(wire)
        self._fds = [keys, wire]
        self.numbers: list[int] = []
        self.errors: list[BaseException] = []
        self.record = Record()
        self.session = Session(
            load,
            self.numbers,
            screen,
            Reader(keys, screen, lambda: 0.0),
            guard=guard,
            helpful=helpful,
            open_editor=no_editor,
            on_internal_error=self.errors.append,
            audit=self.record,
        )

    def seen(self) -> str:
        while self._fds:
            os.close(self._fds.pop())
        text = os.read(self._seen, 65536).decode()
        os.close(self._seen)
        return text


OpenPipes = Callable[..., Pipes]


@pytest.fixture
def open_pipes() -> OpenPipes:
    def open_one(
        typed: str = "", *, helpful: bool = True, load: Callable[[], Grammar] = grammar
    ) -> Pipes:
        return Pipes(typed, helpful, load)

    return open_one


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("add 7", 0, ""),
        ("add 3", 3, ""),
        (
            "add x",
            2,
            "Enter a number.\nDigits only.\nExecuted command unsuccessfully\n",
        ),
        ("utils change", 1, f"{NOT_HERE}\nLog in to the publisher.\n{FAILED}\n"),
        (
            "utils break",
            1,
            "The command broke off: KeyError.\nExecuted command unsuccessfully\n",
        ),
        ("utils halve", 3, f"One half is done\nDo the other.\n{FAILED}\n"),
        (
            "utils load",
            3,
            f"{NOT_LOADED}\n{MAY_HAVE} {REINSTALL} {AGAIN}\n{FAILED}\n",
        ),
        ("utils miss", 1, f"{NOT_LOADED}\n{REINSTALL}\n{FAILED}\n"),
        ("utils interrupt", 1, "Control-C pressed\n"),
        ("quit", 4, ""),
        ("foo", 2, "Executed command unsuccessfully\nNo valid command entered\n"),
    ],
)
def test_one_line_has_a_status_and_says_why(
    open_pipes: OpenPipes, line: str, status: int, said: str
) -> None:
    pipes = open_pipes()
    assert pipes.session.run_line(line) == status
    assert pipes.seen() == said


def test_advice_is_an_improvement_that_can_be_turned_off(
    open_pipes: OpenPipes,
) -> None:
    pipes = open_pipes(helpful=False)
    pipes.session.run_line("utils change")
    assert pipes.seen() == (
        "This is not a Publisher Node\nExecuted command unsuccessfully\n"
    )


@pytest.mark.parametrize(("text", "shown"), [("x", "x\n"), ("nothing", "")])
def test_off_a_terminal_a_view_is_the_file_and_nothing_else(
    open_pipes: OpenPipes, text: str, shown: str
) -> None:
    pipes = open_pipes()
    assert pipes.session.run_line(f"file view {text}") == 0
    assert pipes.seen() == shown


def test_a_refused_command_does_not_run(open_pipes: OpenPipes) -> None:
    pipes = open_pipes("utils change\nadd 7\n")
    assert pipes.session.run() == 0
    assert pipes.numbers == [7]


def test_an_internal_error_is_told_to_the_log_and_not_to_the_person(
    open_pipes: OpenPipes,
) -> None:
    pipes = open_pipes("utils break\nutils halve\nutils change\nadd 7\n")
    assert pipes.session.run() == 0
    assert [type(error) for error in pipes.errors] == [KeyError, KeyError]
    assert pipes.numbers == [7]
    assert "secret" not in pipes.seen()


def test_leaving_gives_the_status_that_the_command_asks_for(
    open_pipes: OpenPipes,
) -> None:
    assert open_pipes("quit\nadd 7\n").session.run() == 4


KEY = """-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED

add 1
-----END RSA PRIVATE KEY-----
"""
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nadd 1\n-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("block", "said"),
    [
        (KEY, "A private key was pasted where a command is read; it was not kept."),
        (CERTIFICATE, "A PEM block was pasted where a command is read"),
        ("-----BEGIN X-----\n\n", "A PEM block was pasted"),  # somebody typed it
    ],
)
def test_no_line_of_a_pasted_block_is_run_or_recorded(
    open_pipes: OpenPipes, block: str, said: str
) -> None:
    pipes = open_pipes(f"{block}add 7\n")
    pipes.session.run()
    assert pipes.numbers == [7]
    assert "add 1" not in str(pipes.record.events)
    assert said in pipes.seen()


def test_the_first_prompt_stands_before_the_commands_are_loaded(
    open_pipes: OpenPipes,
) -> None:
    def load() -> Grammar:
        raise CommandClashError("two commands", "Rename one.")

    pipes = open_pipes("add 7\n", load=load)
    assert pipes.session.run() == 1
    assert pipes.seen() == (
        "admin:\ntwo commands\nRename one.\nExecuted command unsuccessfully\n"
    )


@pytest.mark.parametrize(
    ("line", "ended"),
    [
        ("add 7", ("add", "7", "0", "done")),
        ("add 3", ("add", "3", "3", "done")),
        ("add x", ("add", "x", "2", "UsageError")),
        ("add 1 password", ("add", "2", "UsageError")),
        ("add 7\nquit", ("add", "7\nquit", "2", "UsageError")),
        ("add \x1b7", ("add", "\x1b7", "2", "UsageError")),
        ("my password", ("2", "UsageError")),
        ("utils change", ("utils", "change", "1", "RefusedError")),
        ("utils break", ("utils", "break", "1", "KeyError")),
        ("utils interrupt", ("utils", "interrupt", "1", "KeyboardInterrupt")),
        ("quit", ("quit", "4", "done")),
    ],
)
def test_every_line_is_recorded_with_its_end(
    open_pipes: OpenPipes, line: str, ended: tuple[str, ...]
) -> None:
    pipes = open_pipes()
    pipes.session.run_line(line)
    pipes.seen()
    assert pipes.record.events == [("submitted", line), ("ended", *ended)]


@pytest.mark.parametrize(("word", "status"), [("load", 3), ("miss", 1)])
def test_a_module_that_is_missing_is_recorded_as_the_end(
    open_pipes: OpenPipes, word: str, status: int
) -> None:
    pipes = open_pipes()
    assert pipes.session.run_line(f"utils {word}") == status
    pipes.seen()
    ended = ("ended", "utils", word, str(status), "ModuleNotFoundError")
    assert pipes.record.events[-1] == ended


def test_a_change_is_recorded_before_it_begins(open_pipes: OpenPipes) -> None:
    pipes = open_pipes("\n  \nutils alter 7\n9\n")
    assert pipes.session.run() == 0
    pipes.seen()
    assert pipes.numbers == [9]
    assert pipes.record.events == [
        ("submitted", "utils alter 7"),
        ("begins", "utils", "alter"),
        ("ended", "utils", "alter", "7", "3", "done"),
    ]


def test_a_change_that_cannot_be_recorded_does_not_run(open_pipes: OpenPipes) -> None:
    pipes = open_pipes("utils alter 7\nadd 5\n")
    pipes.record.is_full = True
    assert pipes.session.run() == 0
    assert "no room" in pipes.seen()
    assert pipes.numbers == [5]


def test_an_input_that_ends_in_a_question_is_recorded(open_pipes: OpenPipes) -> None:
    pipes = open_pipes("utils alter 7\n")
    pipes.session.run()
    pipes.seen()
    ended = ("ended", "utils", "alter", "7", "1", "EndOfInput")
    assert pipes.record.events[-1] == ended
