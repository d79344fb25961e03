"""Questions and secrets: docs/clients.md D1, D2, D5; docs/security.md T24, T25."""

import pytest

from tests.terminal.conftest import Client

pytestmark = pytest.mark.terminal
SECRET = "Tr0ub4dor"


@pytest.mark.parametrize("answer", ["y", "Y", "y\r", "y\n", "y\r\n"])
def test_d1_a_key_answers_alone_or_with_enter_and_is_no_second_command(
    client: Client, answer: str
) -> None:
    client.send("ask key\r")
    client.await_text("Continue (y/n)?")
    client.send(answer)
    assert "key was y" in client.await_prompt()
    assert client.call("utils say next") == "utils say next\nsaid <next>"
    assert client.shown.count("admin:") == 3


def test_d1_an_enter_just_after_the_new_prompt_still_belongs_to_the_key(
    client: Client,
) -> None:
    client.send("ask key\r")
    client.await_text("Continue (y/n)?")
    client.send("y")
    client.await_prompt()
    client.send("\r\n")
    assert client.call("utils say next") == "utils say next\nsaid <next>"


def test_d2_an_unreadable_answer_is_asked_again_and_never_taken_for_yes(
    client: Client,
) -> None:
    client.send("ask key\r")
    client.await_text("Continue (y/n)?")
    client.send("maybe\r")
    client.await_text("Please answer 'y' for <yes> or 'n' for <no>:")
    client.send("\r")
    client.await_text("Please answer 'y' for <yes> or 'n' for <no>:")
    client.send("n")
    assert "key was n" in client.await_prompt()


def test_what_was_typed_ahead_goes_with_the_answer_that_was_refused(
    client: Client,
) -> None:
    # A program that does not wait for questions: its password must not become the
    # answer to one that is asked again, nor a command.
    client.send(f"ask key\rmaybe\r127.0.0.1\rnobody\r{SECRET}\r")
    client.await_text("Please answer 'y' for <yes> or 'n' for <no>:")
    client.send("y")
    assert client.await_prompt().endswith("key was y")
    client.send("ask word\rmaybe\rn0body\r")
    client.await_text("Please type yes or no.\r\nReally (yes/no)? ")
    client.send("yes\r")
    assert client.await_prompt().endswith("word was yes")
    assert client.call("utils say next") == "utils say next\nsaid <next>"
    assert SECRET.encode() not in client.raw


def test_d5_a_secret_is_never_on_the_terminal(client: Client) -> None:
    client.send("ask password\r")
    client.await_text("Enter CCM Administrator password :")
    assert not client.echoes()
    client.send(f"{SECRET}x\x7f\r")
    assert client.await_prompt() == "\nright"
    assert SECRET.encode() not in client.raw


def test_d5_a_secret_typed_ahead_is_taken_and_not_shown(client: Client) -> None:
    client.send(f"ask password\r{SECRET}\rutils say next\r")
    client.await_text("right")
    client.await_text("said <next>")
    client.await_prompt()
    assert SECRET.encode() not in client.raw


def test_d5_the_echo_is_off_before_any_question_is_written(opened: Client) -> None:
    opened.send(f"ask password\r{SECRET}\r")  # perhaps before the program runs
    opened.await_prompt()
    opened.await_text("right")
    assert not opened.echoes()


def test_a_masked_secret_shows_its_length_only(client: Client) -> None:
    client.send("ask masked\r")
    client.await_text("Password: ")
    client.send("abcd\x7f\r")
    assert client.await_prompt() == "****\b \b\na secret of 3"


def test_an_answer_is_shown_as_it_is_typed(client: Client) -> None:
    client.send("ask name\r")
    client.await_text("Name: ")
    client.send(" Ada\t\x1b[A\x7fa \r")
    assert client.await_prompt() == " Ada\b \ba \nHello Ada!"


@pytest.mark.parametrize("command", ["ask name", "ask password", "ask key"])
@pytest.mark.parametrize(("key", "name"), [("\x03", "C"), ("\x04", "D")])
def test_c1_control_c_and_d_leave_a_question_and_nothing_else(
    client: Client, command: str, key: str, name: str
) -> None:
    client.send(f"{command}\r")
    client.await_text("?" if command == "ask key" else ":")
    client.send(key)
    assert client.await_prompt().endswith(f"\nControl-{name} pressed")
    assert client.call("utils say next") == "utils say next\nsaid <next>"


def test_an_answer_too_long_is_refused(client: Client) -> None:
    client.send("ask name\r" + "x" * 1100 + "\r")
    client.await_text("The answer is longer than 1024 characters.")
    client.await_prompt()
