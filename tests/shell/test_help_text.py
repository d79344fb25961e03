"""`help` wraps at words, whatever the width."""

from __future__ import annotations

from typing import Any

import pytest

from cucmsh.shell.command import Command, command, find_command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.help_text import help_lines, wrapped

TEXT = "the quick brown fox jumps over the lazy dog and does not break its neck"


@command("show a thing of many words <number> [another]")
def show_thing(dialog: Dialog, context: Any, number: str, another: str = "") -> None:
    """Show a thing whose summary alone is longer than half of a usual terminal is wide.

    A paragraph that goes on over
    two lines of the source.

    number: which of the things, counted from the first one that anybody can remember
    another: one more, of which
    two lines tell

    Example:
    show a thing of many words 12345678901234567890
    """
    raise AssertionError((dialog, context, number, another))


@command("show b")
def show_b(dialog: Dialog, context: Any) -> None:
    """Show b."""
    raise AssertionError((dialog, context))


def entry(function: object) -> Command:
    found = find_command(function)
    assert found is not None
    return found


@pytest.mark.parametrize("columns", [1, 20, 39, 40, 80, 200])
def test_no_word_is_cut_and_no_line_is_longer_than_it_must(columns: int) -> None:
    lines = wrapped(TEXT, columns, "  ", "name  ")
    assert " ".join(" ".join(lines).split()) == f"name {TEXT}"
    for line in lines:
        assert len(line) <= columns or len(line.split()) <= 1 + line.startswith("name")


@pytest.mark.parametrize("columns", [30, 80, 132])
def test_help_fits_but_for_what_is_typed(columns: int) -> None:
    both = [entry(show_thing), entry(show_b)]
    lines = "\n".join(help_lines(both[0], both, columns)).split("\n")
    typed = {"show a thing of many words help:", *both[0].examples}
    assert all(len(line) <= columns for line in lines if line not in typed)
    assert "A paragraph that goes on over" in " ".join(lines)
    assert lines[-1] == "show b  Show b."


def test_what_is_said_of_an_option_may_have_several_lines() -> None:
    found = entry(show_thing)
    assert found.options["another"] == "one more, of which two lines tell"
    assert found.description.endswith("two lines of the source.")


def test_a_phrase_that_takes_half_of_the_line_stands_above_its_text() -> None:
    both = [entry(show_thing), entry(show_b)]
    first, second, *_ = help_lines(None, both, 80)
    assert first == both[0].phrase
    assert second.startswith("        Show a thing whose")


def test_wide_characters_count_twice() -> None:
    assert wrapped("漢字 漢字", 8) == ["漢字", "漢字"]
    assert wrapped("漢字 漢字", 9) == ["漢字 漢字"]
