"""A session that nobody types in ends: docs/security.md T14."""

import itertools
import string
import time

import pytest

from tests.terminal.conftest import IDLE_SECONDS, Client, RealClient

pytestmark = pytest.mark.terminal
SAID = "Nothing was typed for 0.01 min: the session ends."


def test_an_idle_prompt_says_a_line_and_ends_with_status_0(idle_client: Client) -> None:
    idle_client.await_text(f"\r\n{SAID}\r\n")
    assert idle_client.await_end() == 0


def test_a_half_typed_line_is_idle_too(idle_client: Client) -> None:
    idle_client.send("utils say")
    idle_client.await_text(f"utils say\r\n{SAID}\r\n")
    assert idle_client.await_end() == 0
    assert "said" not in idle_client.shown


def test_an_idle_editor_says_a_line_and_ends_with_status_0(idle_client: Client) -> None:
    idle_client.hand_over()
    idle_client.await_text(SAID)
    assert idle_client.await_end() == 0


def test_an_idle_question_ends_its_command_and_the_session(idle_client: Client) -> None:
    idle_client.send("ask password\r")
    idle_client.await_text(f"password :\r\n{SAID}")
    assert idle_client.await_end() == 1
    assert "wrong" not in idle_client.shown


def test_an_idle_page_ends_the_session(idle_client: Client) -> None:
    idle_client.call("set cli pagination on")
    idle_client.send("show lines 50\r")
    idle_client.await_text("<q> to quit")
    idle_client.await_text(SAID)
    assert idle_client.await_end() == 0


def test_a_command_that_runs_is_not_idle(idle_client: Client) -> None:
    assert idle_client.call("utils busy 0.9").endswith("no more busy")


@pytest.mark.parametrize("person", [False, True])
def test_each_key_counts_the_time_anew(idle_client: Client, person: bool) -> None:
    """Keys, each after the echo of the last: in all far longer than the limit."""
    if person:
        idle_client.hand_over()
    end = time.monotonic() + 3 * IDLE_SECONDS
    lines = itertools.cycle((string.ascii_lowercase, string.ascii_uppercase))
    while time.monotonic() < end:
        for key in next(lines):  # an editor draws nothing for what stands there already
            idle_client.send(key)
            idle_client.await_text(key)
        idle_client.send("\x15")
    idle_client.send("\x15utils say alive\r")
    idle_client.await_text("said <alive>")


def test_the_time_out_of_one_command_ends_a_forgotten_question(
    real_client: RealClient,
) -> None:
    """Without a limit a question waits for ever, as it always did."""
    real_client.send("ask password\r")
    real_client.await_text("password :")
    real_client.send("Tr0ub4dor\r")
    real_client.await_text("right")
