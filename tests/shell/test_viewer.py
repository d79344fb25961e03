"""The pager of `file view`: docs/cli.md#pagination; docs/clients.md G3."""

from collections.abc import Iterator

import pytest

from cucmsh.errors import CancelledError
from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.viewer import view


def viewed(count: int, keys: str) -> str:
    text = ""
    left: Iterator[str] = iter(keys)

    def send(more: str) -> None:
        nonlocal text
        text += more

    def key() -> str:
        for each in left:
            return each
        raise EndOfInput

    view([f"{number}" for number in range(1, count + 1)], send, key)
    return text


def page(first: int, last: int, total: int) -> str:
    lines = "".join(f"{number}\n" for number in range(first, last + 1) if number)
    end = "end of the file reached" if last == total else ""
    return (
        f"{lines}{end}\x1b[1m\noptions: q=quit, n=next, p=prev, b=begin, e=end "
        f"(lines {first} - {last} of {total}) : \x1b[0m\n"
    )


@pytest.mark.parametrize(
    ("keys", "pages"),
    [
        ("q", [(1, 20)]),
        ("", [(1, 20)]),
        ("nq", [(1, 20), (21, 40)]),
        ("nnnnq", [(1, 20), (21, 40), (41, 47), (41, 47), (41, 47)]),
        ("epbpq", [(1, 20), (41, 47), (21, 40), (1, 20), (1, 20)]),
        ("!v:s\x1b \n|nq", [(1, 20), (21, 40)]),
    ],
)
def test_five_keys_turn_the_pages_and_no_other(
    keys: str, pages: list[tuple[int, int]]
) -> None:
    assert viewed(47, keys) == "".join(page(*each, 47) for each in pages)


def test_what_fits_on_a_page_waits_for_a_key_too() -> None:
    assert viewed(7, "q") == page(1, 7, 7)
    assert viewed(20, "nq") == page(1, 20, 20) * 2
    assert viewed(0, "enpq") == page(0, 0, 0) * 4


def test_control_c_ends_the_command() -> None:
    with pytest.raises(CancelledError, match="Control-C pressed"):
        viewed(30, "n\x03q")
