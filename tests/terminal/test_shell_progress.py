"""What takes long says so: to people, in plain lines, and not to a program's `show`."""

import pytest

from tests.terminal.conftest import Client

pytestmark = pytest.mark.terminal


def test_a_person_sees_that_something_goes_on(client: Client) -> None:
    client.hand_over()
    client.send("utils busy 1.3\r")
    client.await_text("still busy\r\nno more busy")


def test_what_is_quick_says_nothing(client: Client) -> None:
    client.hand_over()
    client.send("utils busy 0\r")
    client.await_text("no more busy")
    assert "still busy" not in client.shown


def test_a_program_gets_what_it_asked_for_and_no_more(client: Client) -> None:
    assert client.call("utils busy 1.3") == "utils busy 1.3\nno more busy"


def test_the_prompt_counts_commands_when_told_to(client: Client) -> None:
    client.call("utils say one")
    client.send("set commandcount enable\r")
    client.await_text("\r\n(2) admin:")
    client.send("\r")
    client.await_text("\r\n(2) admin:")
    client.send("nonsense\r")
    client.await_text("\r\n(2) admin:")
    client.send("utils say two\r")
    client.await_text("\r\n(3) admin:")
    client.hand_over()
    client.send("utils say three\r")
    client.await_text("(4) admin:")
    client.send("set commandcount disable\r")
    client.await_text("\r\n")
    client.send("utils say four\r")
    client.await_text("said <four>")
    assert "(5) admin:" not in client.shown
    assert "(6) admin:" not in client.shown
