"""`-c LINE --json`: one document and nothing else, whatever happens."""

import json
import os
from typing import Any

import pytest

from cucmsh.errors import ConfigurationError, RefusedError
from cucmsh.shell.command import Command, command, find_command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.grammar import Grammar
from cucmsh.shell.json_result import JsonResult, report
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen
from cucmsh.shell.session import LineEditor, Session
from tests.rigs.no_audit import NoAudit

KEYS = ["command", "error", "result", "schema", "status"]


@command("show sum <number>", has_json=True)
def show_sum(dialog: Dialog, context: Any, number: str) -> int:
    """Show a number."""
    dialog.say("adding")
    dialog.result(lambda: [f"sum {number}"], lambda: {"z": 1, "sum": int(number)})
    return int(number)


@command("show half", has_json=True)
def show_half(dialog: Dialog, context: Any) -> int:
    """Fail."""
    raise RefusedError(f"there is {dialog.ask('Name: ')}", "Do the other half.")


@command("show mad", has_json=True)
def show_mad(dialog: Dialog, context: Any) -> None:
    """Break."""
    raise ZeroDivisionError("with a secret")


@command("set text", changes=True)
def set_text(dialog: Dialog, context: list[str]) -> None:
    """Change something."""
    context.append("changed")


@command("set sum", changes=True, has_json=True)
def set_sum(dialog: Dialog, context: list[str]) -> None:
    """Change something, and show it."""
    context.append("changed")
    dialog.result(list, dict)


GRAMMAR = Grammar(
    found for found in map(find_command, list(globals().values())) if found is not None
)


def guard(called: Command) -> None:
    if called.phrase == "show guarded":
        raise AssertionError


def no_editor(*parts: Any) -> LineEditor:
    raise AssertionError


class Run:
    """One line with `--json`: its status, its document, and what a person reads."""

    def __init__(self, line: str, typed: str = "", out: int = -1) -> None:
        keys, hand = os.pipe()
        os.write(hand, typed.encode())
        os.close(hand)
        seen, wire = os.pipe()
        said, lips = os.pipe()
        self.changes: list[str] = []
        session = Session(
            lambda: GRAMMAR,
            self.changes,
            Screen(lips),
            Reader(keys, Screen(lips), lambda: 0.0),
            guard=guard,
            helpful=True,
            open_editor=no_editor,
            on_internal_error=lambda _: None,
            audit=NoAudit(),
        )
        target = Screen(wire if out < 0 else out)
        self.status = session.run_line(line, JsonResult(target))
        for fd in (keys, wire, lips):
            os.close(fd)
        with os.fdopen(seen) as stream:
            self.raw = stream.read()
        with os.fdopen(said) as stream:
            self.said = stream.read()

    @property
    def document(self) -> dict[str, Any]:
        assert self.raw.endswith("\n")
        assert self.raw.count("\n") == 1
        assert self.raw.isascii()
        read = json.loads(self.raw)
        assert isinstance(read, dict)
        assert list(read) == KEYS
        assert read["schema"] == "cucmsh/1"
        assert read["status"] == self.status
        return read


@pytest.mark.parametrize("status", [0, 1, 3])
def test_a_result_comes_with_the_status_and_without_the_text(status: int) -> None:
    run = Run(f"show sum {status}")
    assert run.status == status
    assert run.document["result"] == {"sum": status, "z": 1}
    assert run.raw.index('"sum"') < run.raw.index('"z"')
    assert run.document["command"] == "show sum <number>"
    assert run.document["error"] is None
    assert run.said == "adding\n"


def test_a_refusal_is_a_document_with_its_advice() -> None:
    run = Run("show half", "caf\u00e9 \x1b[m\n")
    assert run.status == 1
    assert run.document["result"] is None
    assert run.document["error"] == {
        "advice": "Do the other half.",
        "kind": "refused",
        "message": "there is caf\u00e9 \x1b[m",
    }
    assert run.said.startswith("Name: \n")


@pytest.mark.parametrize(
    ("line", "status", "kind", "message"),
    [
        ("foo", 2, "usage", "No valid command entered"),
        (
            *("show sum", 2, "usage"),
            "Expected 1 mandatory and up to 0 non-mandatory parameter(s)",
        ),
        ("show half", 1, "cancelled", "The input ended before the answer."),
        ("show mad", 1, "failed", "The command broke off: ZeroDivisionError."),
    ],
)
def test_every_failure_is_a_document(
    line: str, status: int, kind: str, message: str
) -> None:
    run = Run(line)
    assert run.status == status
    error = {"advice": None, "kind": kind, "message": message}
    assert run.document["error"] == error
    assert "with a secret" not in run.raw + run.said


def test_a_command_without_a_form_is_refused_before_it_runs() -> None:
    run = Run("set text")
    assert run.status == 2
    assert run.changes == []
    error = run.document["error"]
    assert error["message"] == "'set text' has no JSON form"
    assert error["advice"].endswith(
        "JSON have: set sum, show half, show mad, show sum <number>."
    )


@pytest.mark.parametrize(("line", "status"), [("show sum 0", 1), ("set sum", 3)])
def test_a_document_that_nobody_takes_is_no_success(line: str, status: int) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    assert Run(line, out=full).status == status
    os.close(full)


def test_a_failure_before_there_is_a_session_is_a_document_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def run(_: JsonResult) -> int:
        raise ConfigurationError("x.toml: no such file", "Write one.")

    assert report(Screen(1), run) == 2
    assert json.loads(capfd.readouterr().out) == {
        "command": None,
        "error": {
            "advice": "Write one.",
            "kind": "configuration",
            "message": "x.toml: no such file",
        },
        "result": None,
        "schema": "cucmsh/1",
        "status": 2,
    }
