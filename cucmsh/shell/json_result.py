"""The one JSON document that a program gets in place of text (``-c LINE --json``).

``cucmsh doctor --json`` and ``cucmsh node list --json`` give one, too.

Knows no command: what stands in ``result`` is made by a view of the pack. The
envelope is ours, and its keys are always there, sorted::

    {"command": "show itl",     the phrase as `help` prints it; null if there is none
     "error": null,             or {"advice": ..., "kind": ..., "message": ...}; advice
                                may be null, kind is a word of docs/programs.md#errors
     "result": {...},           null when there is none
     "schema": "cucmsh/1",
     "status": 0}               the exit status

It is one line of ASCII. Within one schema number keys are added and never removed,
renamed or given another meaning. ``error`` and ``result`` say different things: a
report of nodes that are pending is a result, with status 3. What a person would read,
progress and questions, goes to the screen as ever, which is not standard output then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from cucmsh.errors import CucmshError, UsageError
from cucmsh.shell.command import FAILED, Command
from cucmsh.shell.screen import Screen

SCHEMA = "cucmsh/1"


class JsonResult:
    """Collects what one command gives, and writes it once to `out`."""

    def __init__(self, out: Screen) -> None:
        self.out = out
        self._phrase: str | None = None
        self._error: CucmshError | None = None
        self._result: Mapping[str, object] | None = None

    def require(self, command: Command, commands: Iterable[Command]) -> None:
        """Note which command it is.

        Raises:
            UsageError: it has no JSON form; the advice names those that have.
        """
        self._phrase = command.phrase
        if not command.has_json:
            having = sorted(each.phrase for each in commands if each.has_json)
            raise UsageError(
                f"'{command.phrase}' has no JSON form",
                f"Without --json it gives text. JSON have: {', '.join(having)}.",
            )

    def name(self, phrase: str) -> None:
        """Note what was called, where it is no command of a pack."""
        self._phrase = phrase

    def take(self, result: Mapping[str, object]) -> None:
        self._result = result

    def refuse(self, error: CucmshError) -> None:
        self._error = error

    def send(self, status: int) -> None:
        """Write the document; `out.is_gone` tells if nobody took it."""
        document = {
            "command": self._phrase,
            "error": None if self._error is None else _described(self._error),
            "result": self._result,
            "schema": SCHEMA,
            "status": status,
        }
        self.out.say(json.dumps(document, sort_keys=True))


def report(out: Screen, run: Callable[[JsonResult], int]) -> int:
    """Run what makes a session; a failure before there is one is a document too."""
    result = JsonResult(out)
    try:
        return run(result)
    except CucmshError as error:
        result.refuse(error)
        result.send(error.exit_status)
        return error.exit_status


def _described(error: CucmshError) -> dict[str, str | None]:
    lines = error.message.split("\n")  # the original's mark of failure is the status
    said = "\n".join(line for line in lines if line != FAILED)
    return {
        "advice": error.advice or None,
        "kind": error.kind,
        "message": said or FAILED,
    }
