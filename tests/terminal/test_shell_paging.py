"""Paging, as far as programs meet it: clients.md section 3, G1."""

import pytest

from tests.terminal.conftest import Client

pytestmark = pytest.mark.terminal
PAUSE = "Press <enter>"


def test_g1_long_output_never_stops_a_program_that_did_not_ask(client: Client) -> None:
    assert client.call("show lines 200").endswith("\nline 200")
    assert PAUSE not in client.shown


def test_g1_pagination_is_turned_off_in_the_originals_words_and_stays_off(
    client: Client,
) -> None:
    client.call("set cli pagination on")
    assert client.call("set cli pagination off") == (
        "set cli pagination off\nAutomatic pagination is turned off"
    )
    assert client.call("show lines 200").endswith("\nline 200")
    assert PAUSE not in client.shown


def test_g2_a_program_that_asked_pages_with_raw_keys(client: Client) -> None:
    client.call("set cli pagination on")
    client.send("show lines 100\r")
    for key in ("\r", " ", "q"):
        client.await_text("\x1b[1mPress <enter> for 1 line, <space> for one page, ")
        client.await_text("or <q> to quit\x1b[0m")
        client.send(key)
    client.await_text("\r\x1b[Kadmin:")
    assert "line 47\n" in client.shown.replace("\r\n", "\n")
    assert "line 48\n" not in client.shown.replace("\r\n", "\n")
