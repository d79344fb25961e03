"""Control keys, ends and failures: docs/clients.md C1, C2; docs/security.md T9."""

import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.conftest import PROJECT, TOY, Client, RealClient

pytestmark = pytest.mark.terminal


def test_c1_control_c_at_the_prompt_gives_a_new_one(client: Client) -> None:
    client.send("half a line\x03")
    assert client.await_prompt() == "half a line^C"
    assert client.call("utils say next") == "utils say next\nsaid <next>"


def test_c1_control_c_on_an_empty_line_makes_the_prompt_before_it_no_prompt(
    client: Client,
) -> None:
    # Who waits for a line that is a prompt and no more (asyncssh's readuntil) would
    # take the prompt that stood there already for the answer to Ctrl-C.
    client.send("\x03")
    assert client.await_prompt() == "^C"


def test_c1_control_c_typed_ahead_keeps_its_place(client: Client) -> None:
    client.send("utils say one\rhalf\x03utils say two\r")
    client.await_text("said <one>")
    assert client.await_text("said <two>") == (
        "\r\nadmin:half^C\r\nadmin:utils say two\r\n"
    )


def test_c1_control_c_ends_a_running_command_and_not_the_session(
    real_client: RealClient,
) -> None:
    real_client.send("utils wait\r")
    real_client.await_text("waiting")
    real_client.send("\x03")
    assert real_client.await_prompt() == "\nControl-C pressed"
    assert real_client.call("utils say next") == "utils say next\nsaid <next>"


@pytest.mark.parametrize("key", ["\x1a", "\x1c"])
def test_c1_no_key_suspends_or_kills(real_client: RealClient, key: str) -> None:
    real_client.send("utils wait\r")
    real_client.await_text("waiting")
    real_client.send(key + "\x03")
    real_client.await_text("Control-C pressed")
    real_client.await_text("\\x1a" if key == "\x1a" else "\\x1c")


def test_c1_control_d_on_a_line_with_text_does_nothing(client: Client) -> None:
    client.send("utils say\x04 a\r")
    client.await_text("said <a>")


@pytest.mark.parametrize("leave", ["exit\r", "\x04"])
def test_c2_leaving_gives_status_0_and_the_echo_back(
    client: Client, leave: str
) -> None:
    client.send(leave)
    assert client.await_end() == 0
    assert getattr(client, "echo_at_end", True)


def test_c2_the_kernels_echo_is_restored_at_exit() -> None:
    """On a pty that outlives the program, unlike pexpect's."""
    master, slave = pty.openpty()
    raw = termios.tcgetattr(slave)
    raw[1] &= ~termios.OPOST  # some clients ask for the barest of terminals
    raw[3] &= ~termios.ECHOE
    termios.tcsetattr(slave, termios.TCSANOW, raw)
    before = termios.tcgetattr(slave)
    for last in (b"exit\r", b"\x04", b"utils wait\r"):
        with subprocess.Popen(
            [sys.executable, str(TOY)],
            stdin=slave,
            stdout=slave,
            env={"PYTHONPATH": str(PROJECT)},
            start_new_session=True,
        ) as process:
            _read_until(master, b"admin:")
            assert termios.tcgetattr(slave) != before
            os.write(master, last)
            if b"wait" in last:
                _read_until(master, b"waiting")
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGINT)
            process.wait(10)
        assert termios.tcgetattr(slave) == before
    os.close(slave)
    os.close(master)


def _read_until(fd: int, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        assert select.select([fd], [], [], 60)[0], seen
        seen += os.read(fd, 4096)


def test_a_line_hung_up_at_the_prompt_ends_the_session_without_a_traceback(
    client: Client,
) -> None:
    client.hang_up()
    assert client.status() == 0


def test_a_line_hung_up_at_a_question_ends_the_session(client: Client) -> None:
    client.send("ask password\r")
    client.await_text("password :")
    client.hang_up()
    assert client.status() == 1


def test_sigterm_at_the_prompt_ends_the_session_in_order(
    real_client: RealClient,
) -> None:
    real_client.ends.kill(signal.SIGTERM)
    assert real_client.await_end() == 0
    assert b"Traceback" not in real_client.raw


def test_an_internal_error_is_one_line_without_its_text(client: Client) -> None:
    assert client.call("utils break") == (
        "utils break\nThe command broke off: ZeroDivisionError.\n"
        "Executed command unsuccessfully"
    )


def test_a_refusal_says_what_is_wrong_what_to_do_and_that_it_failed(
    client: Client,
) -> None:
    assert client.call("utils refuse") == (
        "utils refuse\nThis is not a Publisher Node\nLog in to the publisher.\n"
        "Executed command unsuccessfully"
    )


def test_off_a_terminal_there_is_no_echo_and_no_carriage_return() -> None:
    finished = _piped("show version active\r\nask name\nAda\n")
    assert finished.stdout.endswith(
        b"admin:\nActive Master Version: 10.0.1.10000-24\n"
        b"admin:\nName: \nHello Ada!\nadmin:\n"
    )
    assert b"\r" not in finished.stdout
    assert (finished.returncode, finished.stderr) == (0, b"")


def test_off_a_terminal_the_end_of_input_at_a_question_is_status_1() -> None:
    finished = _piped("ask password\n")
    assert (finished.returncode, finished.stderr) == (1, b"")


@pytest.mark.parametrize(
    ("line", "answers", "status"),
    [
        ("show version active", "", 0),
        ("ask password", "Tr0ub4dor\n", 0),
        ("ask password", "else\n", 1),
        ("ask password", "", 1),
        ("ask key", "y\n", 0),
        ("ask key", "maybe\ny\n", 2),
        ("ask word", "maybe\nyes\n", 1),
        ("utils refuse", "", 1),
        ("utils break", "", 1),
        ("utils", "", 2),
        ("", "", 2),
        ("exit", "", 0),
    ],
)
def test_one_command_gives_its_exit_status(
    line: str, answers: str, status: int
) -> None:
    finished = _piped(answers, line)
    assert finished.returncode == status
    assert b"admin:" not in finished.stdout
    assert finished.stderr == b""


def test_output_that_nobody_takes_is_no_success_and_no_traceback() -> None:
    with Path("/dev/full").open("wb") as full:
        finished = _piped("", "show version active", stdout=full)
    assert (finished.returncode, finished.stderr) == (1, b"")


def test_one_command_on_a_terminal_hides_its_secret(
    open_real: Callable[..., RealClient],
) -> None:
    client = open_real("ask password")
    client.await_text("password :")
    assert not client.echoes()
    client.send("Tr0ub4dor\r")
    client.await_text("right")
    assert client.await_end() == 0
    assert b"Tr0ub" not in client.raw


def _piped(
    answers: str, *arguments: str, stdout: Any = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, str(TOY), *arguments],
        input=answers.encode(),
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(PROJECT)},
        timeout=20,
        check=False,
    )


def test_c1_control_c_works_where_the_starter_ignored_it(
    open_real: Callable[..., RealClient],
) -> None:
    """A script's background job hands an ignored SIGINT down to what it starts."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        client = open_real()
    finally:
        signal.signal(signal.SIGINT, before)
    client.await_prompt()
    client.send("utils wait\r")
    client.await_text("waiting\r\n")
    client.send("\x03")
    client.await_text("Control-C pressed")
    client.await_prompt()
