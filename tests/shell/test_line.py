import pytest

from cucmsh.shell.line import TypedLine


def typed(keys: str, mask: str | None = None) -> tuple[str, str]:
    line = TypedLine(mask)
    echo = "".join(line.press(key) for key in keys)
    return line.text, echo


@pytest.mark.parametrize(
    ("keys", "text", "echo"),
    [
        ("abc", "abc", "abc"),
        ("ab\x7fc", "ac", "ab\b \bc"),
        ("ab\x08c", "ac", "ab\b \bc"),
        ("\x7f\x7fa", "a", "a"),
        ("ab\x15c", "c", "ab\b \b\b \bc"),
        ("\u6f22\x7f", "", "\u6f22\b \b\b \b"),
        ("e\u0301\x7f\x7f", "", "e\u0301\b \b"),
        ("\x00\x7f", "", "\\x00\b \b\b \b\b \b\b \b"),
        ("\ta", "\ta", "\\x09a"),
    ],
)
def test_what_is_echoed_is_what_the_line_holds(keys: str, text: str, echo: str) -> None:
    assert typed(keys) == (text, echo)


@pytest.mark.parametrize(
    ("mask", "echo"), [("", ""), ("*", "***\b \b"), ("ab", "ababab\b \b\b \b")]
)
def test_a_mask_is_all_that_shows(mask: str, echo: str) -> None:
    assert typed("xyz\x7f", mask) == ("xy", echo)


def test_a_line_holds_one_character_more_than_it_may() -> None:
    line = TypedLine()
    echo = "".join(line.press("x") for _ in range(5000))
    assert line.is_too_long
    assert line.text == echo == "x" * 1025
