"""Completion, hint, history, pager and resize on a real terminal emulator (tmux)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.tmux import Screen

pytestmark = pytest.mark.terminal
PAUSE = "Press <enter> for 1 line, <space> for one page, or <q> to quit"


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """A person in front of 24 rows of 80 columns, with the prompt on it."""
    screen = Screen(tmp_path)
    screen.await_last("admin:")
    yield screen
    screen.end()


def test_tab_completes_and_lists_and_keeps_the_line(screen: Screen) -> None:
    screen.type("ut")
    screen.press("Tab")
    screen.await_last("admin:utils")
    screen.press("Tab")
    rows = screen.await_rows(lambda rows: rows[-1] == "admin:utils" and len(rows) > 9)
    begin = rows.index("admin:utils")
    assert rows[begin + 1].split() == ["break", "Break", "off."]
    assert all(row.startswith("      ") for row in rows[begin + 1 : -1])
    screen.type("say two")
    screen.press("Tab")
    screen.await_last("admin:utils say two three")
    screen.press("Enter")
    screen.await_rows(lambda rows: "said <two three>" in rows)


def test_a_question_mark_lists_what_can_come_with_a_line_of_help(
    screen: Screen,
) -> None:
    screen.type("show lines ?")
    rows = screen.await_rows(
        lambda rows: rows[-1].startswith("admin:show lines") and "Syntax:" in rows
    )
    begin = rows.index("Syntax:")
    assert rows[begin : begin + 3] == [
        "Syntax:",
        "show lines count [page]",
        "count   mandatory   how many",
    ]


def test_what_is_missing_stands_at_the_right_until_it_is_typed(screen: Screen) -> None:
    screen.press("C-a")
    screen.type("show lines ")
    rows = screen.await_rows(lambda rows: rows[-1].endswith("count [page]"))
    assert len(rows[-1]) in (79, 80)
    screen.type("2")
    screen.await_last("admin:show lines 2")
    screen.press("Enter")
    screen.await_rows(lambda rows: rows[-3:] == ["line 1", "line 2", "admin:"])


def test_nothing_of_the_hint_stays_on_the_screen(screen: Screen) -> None:
    screen.press("C-a")
    screen.type("show lines ")
    screen.await_rows(lambda rows: rows[-1].endswith("count [page]"))
    screen.press("Enter")
    rows = screen.await_rows(lambda rows: "unsuccessfully" in rows[-2])
    assert not any(row.endswith("count [page]") for row in rows)


def test_up_and_control_r_bring_lines_back_and_never_a_password(
    screen: Screen,
) -> None:
    screen.type("utils say one")
    screen.press("Enter")
    screen.type("ask password")
    screen.press("Enter")
    screen.type("Tr0ub4dor")
    screen.press("Enter")
    screen.await_rows(lambda rows: "right" in rows)
    screen.press("Up")
    screen.await_last("admin:ask password")
    screen.press("Up")
    screen.await_last("admin:utils say one")
    screen.press("C-c")
    screen.await_last("admin:")
    screen.press("C-r")
    screen.type("say")
    screen.await_rows(lambda rows: "utils say one" in rows[-1])
    screen.press("C-c")
    screen.await_last("admin:")
    screen.press("C-r")
    screen.type("Tr0")
    screen.await_rows(lambda rows: "Tr0" in rows[-1])
    assert not any("Tr0ub" in row for row in screen.rows())


def test_a_page_is_as_large_as_the_screen(screen: Screen) -> None:
    screen.press("C-a")
    screen.type("show lines 60")
    screen.press("Enter")
    rows = screen.await_last(PAUSE)
    assert rows == [*(f"line {number}" for number in range(1, 24)), PAUSE]
    screen.press("Space")
    rows = screen.await_rows(lambda rows: rows[-2:] == ["line 46", PAUSE])
    assert rows[0] == "line 24"
    screen.press("Enter")
    screen.await_rows(lambda rows: rows[-2:] == ["line 47", PAUSE])
    screen.type("q")
    rows = screen.await_last("admin:")
    assert rows[-2] == "line 47"


@pytest.mark.parametrize(("rows", "columns"), [(10, 80), (40, 120)])
def test_a_resized_screen_gets_pages_of_its_new_size(
    screen: Screen, rows: int, columns: int
) -> None:
    screen.press("C-a")
    screen.type("show lines 90")
    screen.press("Enter")
    screen.await_last(PAUSE)
    screen.resize(rows, columns)
    screen.await_last(PAUSE)
    screen.press("Space")
    last = f"line {23 + rows - 1}"
    seen = screen.await_rows(lambda seen: seen[-2:] == [last, PAUSE])
    assert seen[0] == "line 24"
    screen.type("q")
    screen.await_last("admin:")


def test_a_narrow_screen_loses_no_line_to_the_wrapped_pause(screen: Screen) -> None:
    screen.press("C-a")
    screen.await_last("admin:")
    screen.resize(10, 40)
    screen.type("show lines 30")
    screen.press("Enter")
    rows = screen.await_rows(lambda rows: rows[-2].startswith("Press <enter>"))
    assert rows[0] == "line 1"
    assert rows[-3] == "line 8"


def test_a_long_list_of_completions_is_paged_too(screen: Screen) -> None:
    screen.type("show entries ")
    screen.press("Tab")
    screen.await_last(PAUSE)
    screen.type("q")
    screen.await_rows(lambda rows: rows[-1].startswith("admin:show entries"))
    screen.type("one")
    screen.press("Enter")
    screen.await_rows(lambda rows: "entry one" in rows)


def test_wide_characters_fill_a_page_by_their_columns(screen: Screen) -> None:
    screen.press("C-a")
    screen.type(f"utils say {'漢' * 200}")
    screen.press("Enter")
    screen.await_rows(lambda rows: rows[-1] == "admin:" and len(rows) > 10)
    screen.resize(6, 80)
    screen.type(f"utils say {'漢' * 200}")
    screen.press("Enter")
    screen.await_last(PAUSE)
    screen.type(" ")
    screen.await_last("admin:")
