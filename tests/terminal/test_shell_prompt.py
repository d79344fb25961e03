"""The prompt, as clients look for it: docs/clients.md P1 to P6 and T1, T2."""

import os
import re

import pytest

from tests.terminal.conftest import Client, load_toy

pytestmark = pytest.mark.terminal


def test_p1_the_prompt_is_bare_and_ends_what_was_sent(client: Client) -> None:
    client.call("show version active")
    assert client.raw.endswith(b"\r\nadmin:")


def test_p2_the_prompt_starts_a_line_after_output_that_ended_none(
    client: Client,
) -> None:
    assert client.call("utils dots") == "utils dots\n..."


def test_p3_the_prompt_arrives_in_one_write() -> None:
    keys, typed = os.pipe()
    packets, screen = os.pipe2(os.O_DIRECT)  # one read gives one write
    os.write(typed, b"utils dots\n\nshow version active\nexit\n")
    load_toy().toy_session(keys, screen).run()
    os.close(screen)
    writes = list(iter(lambda: os.read(packets, 4096), b""))
    assert [text for text in writes if b"admin" in text] == [
        b"admin:",
        b"\nadmin:",
        b"admin:",
        b"admin:",
    ]
    for fd in (keys, typed, packets):
        os.close(fd)


def test_p4_nothing_but_the_prompt_says_its_text(client: Client) -> None:
    for line in ("foo", "utils", "show lines", "utils say -x", "utils refuse"):
        assert "admin:" not in client.call(line)


@pytest.mark.parametrize("enter", ["\r", "\n", "\r\n"])
def test_p5_an_empty_line_answers_with_one_new_prompt(
    client: Client, enter: str
) -> None:
    client.send(enter * 3 + "show version active\r")
    answer = client.await_text("10.0.1.10000-24")
    assert answer == "\r\nadmin:" * 3 + "show version active\r\nActive Master Version: "
    client.await_prompt()


def test_p5_a_line_of_blanks_is_an_empty_line(client: Client) -> None:
    assert client.call("   ") == "   "


def test_p6_a_refusal_ends_with_words_that_are_no_prompt(client: Client) -> None:
    for line in ("foo", "utils", "show lines", "utils break"):
        assert not re.search(r"^[A-Za-z0-9_-]+:\s*$", client.call(line), re.MULTILINE)


def test_p7_the_prompt_is_never_drawn_again(client: Client) -> None:
    """A real node does, and clients cope; ours sends one a line."""
    client.send("utils sax\x7fy a\x15utils say b\x08c\r\r")
    client.await_text("said <c>")
    client.await_prompt()
    client.await_prompt()
    assert client.shown.count("admin:") == 3


def test_t1_the_banner_comes_first_and_ends_with_a_blank_line(opened: Client) -> None:
    greeting = opened.await_prompt()
    assert greeting.startswith("Command Line Interface is starting up, please wait ...")
    assert "\n   Welcome to the Platform Command Line Interface\n" in greeting
    assert greeting.endswith("\n\t2 vCPU: toy\n")


def test_t2_early_newlines_are_drained_before_the_first_command(opened: Client) -> None:
    opened.send("\n\n\n\nshow version active\n")
    opened.await_text("10.0.1.10000-24")
    opened.await_prompt()
    assert opened.shown.count("admin:") == 6
