"""docs/clients.md#checklist, as far as it needs the real commands and SSH.

The rest is in tests/terminal, tests/commands and tests/lab, by the names of the items.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator

import pexpect
import pytest

from cucmsh.remote import deadline
from cucmsh.testing import PROMPT, Lab
from tests.clients.doors import GET, REGEN, RESET, Door

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]
COMMANDS = 500
PAGER = "Press <enter>"


@pytest.fixture
def admin(cluster: Lab) -> Iterator[pexpect.spawn[str]]:
    """The publisher's prompt on a terminal of its own."""
    child = cluster.shell()
    yield child
    child.close(force=True)


@pytest.fixture
def lab_door(cluster: Lab) -> Door:
    """The lab's own SSH server."""
    password = cluster.passwords.admin
    node = cluster.publisher
    door = Door(cluster, *node.ssh, "admin", password, "", cluster.known_hosts)
    door.wait_five_minutes()
    return door


def call(child: pexpect.spawn[str], line: str) -> str:
    child.send(f"{line}\r")
    child.expect_exact(PROMPT)
    return str(child.before).replace("\r\n", "\n")


def phrases(child: pexpect.spawn[str]) -> list[str]:
    lines = call(child, "help").split("\n")[1:]
    return [line.split("  ")[0] for line in lines]


def test_p4_no_help_text_says_the_prompt(admin: pexpect.spawn[str]) -> None:
    found = phrases(admin)
    assert "show itl" in found
    for phrase in found:
        words = phrase.split(" <")[0].split(" [")[0].replace("on|off", "on")
        assert "admin:" not in call(admin, f"help {words}"), phrase


def test_p6_nothing_of_a_reset_looks_like_a_prompt(
    admin: pexpect.spawn[str], cluster: Lab
) -> None:
    """A line `word:` as the last one of a write would be taken for it."""
    admin.send(f"{RESET}\r")
    admin.expect_exact("password :")
    output = call(admin, cluster.passwords.ccm)
    assert not re.search(r"^[A-Za-z0-9_-]+:\s*$", output, re.MULTILINE)


def test_t1_the_banner_has_the_lines_that_clients_wait_for(
    admin: pexpect.spawn[str],
) -> None:
    banner = str(admin.before)
    assert banner.startswith(
        "Command Line Interface is starting up, please wait ...\r\n"
    )
    assert "\r\n   Welcome to the Platform Command Line Interface\r\n" in banner
    assert re.search(r"\r\nVMware Installation:\r\n(?:\t.*\r\n)+$", banner)


def test_e8_the_version_is_the_fourth_word_of_the_first_line(
    admin: pexpect.spawn[str],
) -> None:
    first = call(admin, "show version active").split("\n")[1]
    assert first.split()[3] == "10.0.1.10000-24"


def test_t3_no_wait_in_a_dialog_is_longer_than_clients_allow() -> None:
    """30 seconds, for connecting, logging in and one file (docs/clients.md T3)."""
    waits = (
        deadline.CONNECT_SECONDS,
        deadline.BANNER_SECONDS,
        deadline.HANDSHAKE_SECONDS,
        deadline.LOGIN_SECONDS,
        deadline.OPERATION_SECONDS,
    )
    assert max(waits) <= 30


def test_g1_long_output_never_stops_a_program_that_did_not_ask(
    admin: pexpect.spawn[str],
) -> None:
    output = call(admin, "show itl")
    assert output.count("\n") > 100
    assert PAGER not in output
    assert call(admin, "set cli pagination off").endswith(
        "\nAutomatic pagination is turned off"
    )
    assert call(admin, "show itl") == output


def test_d3_file_get_asks_in_the_originals_order_and_words(
    admin: pexpect.spawn[str], lab_door: Door
) -> None:
    admin.send(f"{GET}\r")
    seen = ""
    first = ("Would you like to proceed [y/n]? ", "y")
    for question, answer in [first, *lab_door.answers]:
        admin.expect_exact(question)
        seen += str(admin.before)
        assert (
            admin.buffer == ""
        )  # it is the last line, and a blank is all that follows
        admin.send(f"{answer}\r")
    admin.expect_exact(PROMPT)
    assert "Transfer completed." in str(admin.before)
    assert seen.count("*") == len(lab_door.lab.backup.password)
    assert lab_door.lab.backup.password not in seen


def test_d3_a_rejected_value_asks_again_at_most_three_times(
    admin: pexpect.spawn[str],
) -> None:
    admin.send(f"{GET}\r")
    admin.expect_exact("[y/n]? ")
    admin.send("y")
    for _ in range(3):
        admin.expect_exact("SFTP server IP: ")
        admin.send("-x\r")
    admin.expect_exact(PROMPT)
    assert "Executed command unsuccessfully" in str(admin.before)


def test_d3_a_failure_goes_straight_back_to_the_prompt(
    admin: pexpect.spawn[str], lab_door: Door
) -> None:
    admin.send(f"{GET}\r")
    admin.expect_exact("[y/n]? ")
    admin.send("y")
    for question, answer in lab_door.answers:
        admin.expect_exact(question)
        admin.send("wrong\r" if question == "Password: " else f"{answer}\r")
    admin.expect_exact(PROMPT)
    assert "Executed command unsuccessfully" in str(admin.before)


@pytest.mark.parametrize("answer", ["no", "yes"])
def test_d4_regeneration_takes_the_whole_word(
    admin: pexpect.spawn[str], lab_door: Door, answer: str
) -> None:
    before = lab_door.serial()
    admin.send(f"{REGEN}\r")
    admin.expect_exact("Proceed with regeneration (yes|no)? ")
    for half in ("y", ""):
        admin.send(f"{half}\r")
        admin.expect_exact("Proceed with regeneration (yes|no)? ")
    output = call(admin, answer)
    assert ("Successfully Regenerated" in output) == (answer == "yes")
    assert (lab_door.serial() != before) == (answer == "yes")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("foo", "No valid command entered"),
        (
            "show cert own",
            "Expected 1 mandatory and up to 0 non-mandatory parameter(s)",
        ),
        ("show itl now", "Expected 0 mandatory and up to 0 non-mandatory parameter(s)"),
        ("file list tftp nothing", "dir count = 0, file count = 0"),
    ],
)
def test_d6_errors_are_in_the_words_that_clients_look_for(
    admin: pexpect.spawn[str], line: str, words: str
) -> None:
    output = call(admin, line)
    assert words in output
    assert ("Executed command unsuccessfully" in output) == (words[0] != "d")


def test_c2_exit_and_quit_give_the_channel_status_0(lab_door: Door) -> None:
    for leave in ("exit", "quit"):
        with lab_door.paramiko_client() as client:
            channel = client.invoke_shell()
            channel.sendall(f"{leave}\n".encode())
            assert channel.recv_exit_status() == 0


def test_c3_an_exec_request_runs_or_is_refused_with_a_status(lab_door: Door) -> None:
    """Without a terminal, so without echo; nobody waits for anything.

    OpenSSH's exec requests are in tests/cli/login, where the ground is root's.
    """
    with lab_door.paramiko_client() as client:
        for line, status in (("show itl", 0), ("foo", 2), (RESET, 1)):
            typed, output, complaint = client.exec_command(line, timeout=30)
            typed.channel.shutdown_write()
            text = output.read().decode()
            assert output.channel.recv_exit_status() == status, text
            assert "\r" not in text
            assert "admin:" not in text
            assert complaint.read() == b""


def test_500_commands_at_full_speed_lose_no_character(cluster: Lab) -> None:
    """One pexpect session; a thread writes as fast as the terminal takes it."""
    child = cluster.shell()
    lines = [
        f"file list tftp {number:03}-{'x' * (number % 50)}*"
        for number in range(COMMANDS)
    ]
    typed = "".join(f"{line}\r" for line in lines).encode()
    writer = threading.Thread(target=_write_all, args=(child.child_fd, typed))
    writer.start()
    for line in lines:
        child.expect_exact(PROMPT)
        assert str(child.before) == f"{line}\r\ndir count = 0, file count = 0"
    writer.join()
    child.close(force=True)


def test_500_commands_one_character_at_a_time_lose_none(cluster: Lab) -> None:
    child = cluster.shell()
    for number in range(COMMANDS):
        line = f"file list tftp {number:03}"
        for char in f"{line}\r":
            os.write(child.child_fd, char.encode())
        child.expect_exact(PROMPT)
        assert str(child.before) == f"{line}\r\ndir count = 0, file count = 0"
    child.close(force=True)


def _write_all(fd: int, raw: bytes) -> None:
    while raw:
        raw = raw[os.write(fd, raw) :]
