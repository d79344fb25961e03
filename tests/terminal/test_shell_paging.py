"""Paging, as far as programs meet it: docs/clients.md G1 to G3."""

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


def test_option_page_pages_one_command_of_a_program(client: Client) -> None:
    client.send("show lines 100 page\r")
    client.await_text(f"line 23\r\n\x1b[1m{PAUSE}")
    client.send("q")
    client.await_text("\r\x1b[Kadmin:")
    assert client.call("show lines 100").endswith("\nline 100")


def test_g3_a_viewed_file_is_turned_over_by_raw_keys(client: Client) -> None:
    options = "\x1b[1m\r\noptions: q=quit, n=next, p=prev, b=begin, e=end (lines "
    client.call("set cli pagination off")  # it is another pager's
    client.send("file view 46\r")
    client.await_text(f"line 20\r\n{options}1 - 20 of 47) : \x1b[0m")
    client.send("n")
    client.await_text("\r\nline 21\r\n")
    client.await_text(f"line 40\r\n{options}21 - 40 of 47) : \x1b[0m")
    client.send("n")
    shown = client.await_text(f"end of the file reached{options}41 - 47 of 47) : ")
    assert "\\x1b[31m" in shown
    assert "\x1b[31m" not in shown
    client.send("p")
    client.await_text(f"{options}21 - 40 of 47) : \x1b[0m")
    client.send("q")
    client.await_text("\r\nadmin:")
    client.send("file view 46\r")
    client.await_text("1 - 20 of 47) : \x1b[0m")
    client.send("\x03")
    client.await_text("Control-C pressed")
    client.await_prompt()
    assert client.call("show lines 1").endswith("\nline 1")
