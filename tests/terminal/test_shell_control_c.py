"""Ctrl-C, anywhere: back to the prompt, or at the next safe point (T9)."""

import pytest

from tests.terminal.conftest import Client, RealClient

pytestmark = pytest.mark.terminal
HEARD = "Control-C pressed: a change is under way; waiting for its next safe point."


@pytest.mark.parametrize("person", [False, True])
@pytest.mark.parametrize(
    ("line", "question"),
    [
        ("ask name", "Name: "),
        ("ask password", "password :"),
        ("ask masked", "Password: "),
        ("ask key", "(y/n)?"),
    ],
)
def test_c1_at_every_kind_of_question(
    client: Client, person: bool, line: str, question: str
) -> None:
    if person:
        client.hand_over()
    client.send(f"{line}\r")
    client.await_text(question)
    client.send("a\x08\x03")
    client.await_text("Control-C pressed")
    client.send("utils say alive\r")
    client.await_text("said <alive>")


@pytest.mark.parametrize("person", [False, True])
def test_c1_in_the_pager(client: Client, person: bool) -> None:
    client.call("set cli pagination on")
    if person:
        client.hand_over()
    client.send("show lines 50\r")
    client.await_text("<q> to quit")
    client.send("\x03")
    client.await_text("\r\x1b[KControl-C pressed\r\n")
    client.send("utils say alive\r")
    client.await_text("said <alive>")
    assert "line 24" not in client.shown


def test_c1_in_a_list_of_completions_leads_back_to_the_line(client: Client) -> None:
    client.hand_over()
    client.send("show entries \t")
    client.await_text("<q> to quit")
    client.send("\x03")
    client.await_text("admin:")
    client.send("one\r")
    client.await_text("entry one")


@pytest.mark.parametrize("person", [False, True])
def test_c1_before_the_first_commit_nothing_is_changed(
    real_client: RealClient, person: bool
) -> None:
    if person:
        real_client.hand_over()
    real_client.send("utils commit 3\r")
    real_client.await_text("step 1")
    real_client.send("\x03")
    real_client.await_text(f"{HEARD}\r\n")
    real_client.send("x")
    real_client.await_text("Nothing was changed.")
    assert "step 2" not in real_client.shown
    real_client.send("utils say alive\r")
    real_client.await_text("said <alive>")


@pytest.mark.parametrize("person", [False, True])
def test_c1_between_commits_it_waits_and_says_so_once(
    real_client: RealClient, person: bool
) -> None:
    if person:
        real_client.hand_over()
    real_client.send("utils commit 3\r")
    real_client.await_text("step 1")
    real_client.send("x")
    real_client.await_text("step 2")
    real_client.send("\x03\x03")
    real_client.await_text(f"{HEARD}\r\n")
    real_client.send("x")
    real_client.await_text("step 3")
    real_client.send("x")
    real_client.await_text("committed")
    assert real_client.shown.count("Control-C") == 1
    real_client.send("utils say alive\r")
    real_client.await_text("said <alive>")


def test_no_page_ends_in_the_middle_of_a_change(real_client: RealClient) -> None:
    real_client.call("set cli pagination on")
    real_client.send("utils commit 40\r")
    for number in range(1, 41):
        real_client.await_text(f"step {number}\r\n")
        real_client.send("x")
    real_client.await_text("committed")
    assert "<q> to quit" not in real_client.shown
