"""T10 at the prompt: what is typed or pasted is never sent back as it came."""

import pytest

from tests.terminal.conftest import Client

pytestmark = pytest.mark.terminal
# bidirectional, zero-width, C1, a byte that is no UTF-8, a line separator
HIDDEN = ("\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u2028", "\x9b", "\x85")
REFUSED = "The command holds characters that cannot be shown."


def assert_nothing_hidden(client: Client) -> None:
    for char in HIDDEN:
        assert char.encode() not in client.raw, f"{char!r} in {client.raw!r}"
    client.raw.decode()


def test_what_is_pasted_at_the_prompt_is_echoed_as_escapes_and_refused(
    client: Client,
) -> None:
    seen = client.call(f"utils say {''.join(HIDDEN)}")
    assert REFUSED in seen
    assert r"\u202e\u2066\u200b\u200f\ufeff\u2028\x9b\x85" in seen
    client.send(b"utils say \xff\xc3(\r")
    assert r"\xff\xc3(" in client.await_prompt()
    assert_nothing_hidden(client)
    assert "said" not in client.shown


def test_what_is_pasted_into_the_editor_is_drawn_as_escapes_and_refused(
    client: Client,
) -> None:
    client.send("utils sa\t")
    client.await_text("say")
    client.send(f"\x1b[200~{''.join(HIDDEN)}\x1b[201~\r")
    client.await_text(REFUSED)
    client.send(b"utils say \xff\r")
    client.await_text(REFUSED)
    assert_nothing_hidden(client)
    assert r"\u202e\u2066\u200b\u200f\ufeff\u2028" in client.shown
    assert "said" not in client.shown


def test_a_pasted_line_break_makes_no_second_command(client: Client) -> None:
    client.send("utils sa\tone\x1b[200~\nutils say two\r\nutils say three\x1b[201~\r")
    client.await_text(REFUSED)
    assert "said" not in client.shown


def test_the_cursor_keeps_its_place_beside_what_is_drawn_longer(
    client: Client,
) -> None:
    client.send("utils sa\to\u202e\u200bne")
    client.await_text("ne")
    client.send("\x1b[D\x1b[D\x7f\x7f\r")  # before "ne", both hidden ones go
    client.await_text("said <one>")
    assert_nothing_hidden(client)


def test_a_search_shows_no_more_than_the_line_does(client: Client) -> None:
    client.send("\x12\u202eut\u2066")  # Ctrl-R
    client.await_text(r"\u2066")
    client.send("\x03")
    client.await_text("admin:")
    client.send("utils say one\r")
    client.await_text("said <one>")
    assert_nothing_hidden(client)


@pytest.mark.parametrize("key", ["?", "\t", "\x1b[A"])
@pytest.mark.parametrize("search", ["\x12", "\x1b\x13"], ids=["back", "forward"])
def test_no_key_in_a_search_leaves_the_line_for_good(
    client: Client, search: str, key: str
) -> None:
    client.send(f"{search}{key}\x07\x03")
    client.await_text("admin:")
    client.send("utils say one\r")
    client.await_text("said <one>")
