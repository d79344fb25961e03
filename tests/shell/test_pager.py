from collections.abc import Iterator

import pytest

from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.pager import PAUSE, ScreenPager
from cucmsh.shell.terminal import Size

CLEAR = "\r\x1b[K"


class Paper:
    def __init__(self, keys: str, rows: int = 4, columns: int = 70) -> None:
        self.text = ""
        self._keys: Iterator[str] = iter(keys)
        self.pager = ScreenPager(self._send, self._key, lambda: Size(rows, columns))

    def _send(self, text: str) -> None:
        self.text += text

    def _key(self) -> str:
        for key in self._keys:
            return key
        raise EndOfInput


def lines(first: int, last: int) -> str:
    return "".join(f"{number}\n" for number in range(first, last + 1))


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (" ", f"{lines(1, 3)}{PAUSE}{CLEAR}{lines(4, 6)}"),
        ("\n\n ", f"{lines(1, 3)}{PAUSE}{CLEAR}4\n{PAUSE}{CLEAR}5\n{PAUSE}{CLEAR}6\n"),
        ("q", f"{lines(1, 3)}{PAUSE}{CLEAR}"),
        ("!v:\x1bq", f"{lines(1, 3)}{PAUSE}{CLEAR}"),
        ("", f"{lines(1, 3)}{PAUSE}{CLEAR}"),
    ],
)
def test_three_keys_turn_the_page(keys: str, shown: str) -> None:
    together, one_by_one = Paper(keys), Paper(keys)
    together.pager.show(lines(1, 6))
    for line in lines(1, 6).splitlines(keepends=True):
        one_by_one.pager.show(line)
    assert together.text == one_by_one.text == shown


def test_a_page_that_fits_is_not_paged() -> None:
    paper = Paper("")
    paper.pager.show(lines(1, 3))
    assert paper.text == lines(1, 3)


def test_a_long_line_counts_its_rows_and_dots_count_none() -> None:
    paper = Paper(" ")
    paper.pager.show("x" * 150 + "\n")
    paper.pager.show("." * 5)
    paper.pager.show("end\n")
    assert paper.text == f"{'x' * 150}\n.....{PAUSE}{CLEAR}end\n"


def test_a_question_begins_a_new_page_even_after_quitting() -> None:
    paper = Paper("q")
    paper.pager.show(lines(1, 5))
    paper.pager.restart()
    paper.pager.show("after\n")
    assert paper.text.endswith(f"{CLEAR}after\n")


def test_a_terminal_of_one_row_or_none_still_ends() -> None:
    paper = Paper(" " * 9, rows=1, columns=1)
    paper.pager.show("abc\n" * 3)
    assert paper.text.count("abc") == 3
