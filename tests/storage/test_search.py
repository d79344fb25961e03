"""A search by a regular expression ends, whatever the expression."""

from __future__ import annotations

import sys

import pytest

from cucmsh.errors import RefusedError, UsageError
from cucmsh.remote.process import LocalRunner
from cucmsh.storage import search as searching
from cucmsh.storage.search import Matches, search
from cucmsh.storage.search_worker import MOST_LINES, REFUSED, look

pytestmark = pytest.mark.thorough


def found(*texts: bytes, expression: str, ignores_case: bool = False) -> Matches:
    feed = LocalRunner().feed
    return search(texts, expression, feed, ignores_case=ignores_case)


def test_lines_of_each_text_are_found() -> None:
    one, two = b"alpha\nBeta\r\ngamma", b"\xff beta\n\nlast"
    assert found(one, two, b"", expression="eta").lines == (
        *(("Beta",), ("\udcff beta",), ()),
    )
    either = found(one, two, expression="^B", ignores_case=True)
    assert either.lines == (("Beta",), ())
    assert not either.is_cut


@pytest.mark.parametrize("expression", ["(", "[z-a]", "a{2,1}", "(?P<n>a)(?P=m)"])
def test_what_is_no_expression_is_named(expression: str) -> None:
    with pytest.raises(UsageError, match="the regular expression cannot be read: "):
        found(b"a", expression=expression)


@pytest.mark.parametrize("end", ["time", "memory"])
def test_a_worker_that_does_not_end_is_ended(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: the worker here waits, or takes all memory it may."""
    monkeypatch.setattr(searching, "SECONDS", 1)
    body = {
        "time": "import signal; signal.pause()",
        "memory": "from cucmsh.storage import search_worker as worker\n"
        "worker.confine()\n"
        "b'x' * worker.MEMORY",
    }[end]
    worker = (sys.executable, "-I", "-c", body)
    said = {"time": "takes longer than 1 seconds", "memory": "the search failed"}[end]
    with pytest.raises(RefusedError, match=said):
        search([b"a"], "a", LocalRunner().feed, worker=worker)


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="longer than 1000 characters"):
        found(b"", expression="a" * 1001)
    monkeypatch.setattr(searching, "MOST_BYTES", 3)
    with pytest.raises(RefusedError, match="4 bytes, and at most 3"):
        found(b"ab", b"cd", expression="a")


def test_of_very_many_lines_the_first_are_given() -> None:
    many = found(b"x\n" * (MOST_LINES + 1), b"x\n", expression="x")
    assert [len(lines) for lines in many.lines] == [MOST_LINES, 0]
    assert many.is_cut


def test_worker_answers_a_refusal_in_words() -> None:
    status, why = look(b'{"expression": "(", "ignores_case": false, "sizes": []}\n')
    assert status == REFUSED
    assert "unterminated" in why
