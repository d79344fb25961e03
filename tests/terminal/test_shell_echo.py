"""Echo and lines, as clients expect them: docs/clients.md E1 to E8."""

import termios

import pytest

from tests.terminal.conftest import Client

pytestmark = pytest.mark.terminal


def test_e1_a_command_is_echoed_once_on_the_prompts_line(client: Client) -> None:
    answer = client.call("show  version active")
    assert answer.split("\n")[0] == "show  version active"
    assert client.raw.count(b"admin:show  version active\r\n") == 1


def test_e2_typed_ahead_lines_are_echoed_by_the_prompt_that_reads_them(
    client: Client,
) -> None:
    client.send("utils say one\rask name\rAda\rutils say two\r")
    client.await_text("said <two>")
    client.await_prompt()
    assert client.shown.replace("\r\n", "\n").endswith(
        "admin:utils say one\nsaid <one>\n"
        "admin:ask name\nName: Ada\nHello Ada!\n"
        "admin:utils say two\nsaid <two>\n"
        "admin:"
    )


@pytest.mark.parametrize("enter", ["\r", "\n", "\r\n"])
def test_e3_each_kind_of_enter_counts_once(client: Client, enter: str) -> None:
    client.send(f"utils say one{enter}utils say two{enter}")
    client.await_text("said <two>")
    client.await_prompt()
    assert client.shown.count("admin:") == 3


def test_e3_a_crlf_split_between_two_writes_is_one_enter(client: Client) -> None:
    client.send("utils say one\r")
    client.await_prompt()
    client.send("\n")
    client.send("utils say two\r")
    client.await_text("said <two>")
    client.await_prompt()
    assert client.shown.count("admin:") == 3


def test_e4_output_lines_end_with_cr_lf(client: Client) -> None:
    client.call("show lines 3")
    assert b"line 1\r\nline 2\r\nline 3\r\nadmin:" in client.raw
    assert b"\r\r" not in client.raw


def test_e5_no_escape_byte_is_sent_while_no_person_types(client: Client) -> None:
    client.send("utils sax\x7fy caf\u00e9 \u6f22\x08\x15\x03")
    for line in ("show version active", "ask key\ry", "show hostile", "show lines 40"):
        client.call(line)
    client.send("ask password\r")
    client.await_text("password :")
    client.send("\x1b[A\x03")
    client.await_prompt()
    assert b"\x1b" not in client.raw


def test_e5_a_strangers_text_is_shown_and_not_obeyed(client: Client) -> None:
    answer = client.call("show hostile")
    assert r"name \x1b[31m\x07 \x9b1m \u202egnp.exe \u200b end" in answer


@pytest.mark.parametrize("size", [(24, 80), (0, 0), (0, 40), (1, 1)])
def test_e6_no_line_is_wrapped_whatever_the_size(
    client: Client, size: tuple[int, int]
) -> None:
    termios.tcsetwinsize(client.ends.child_fd, size)
    line = "utils say " + "x" * 300
    assert client.call(line) == f"{line}\nsaid <{'x' * 300}>"


def test_e7_an_answer_may_come_one_character_at_a_time(client: Client) -> None:
    for char in "utils say slowly":
        client.send(char)
        client.await_text(char)
    assert client.call("").startswith("\nsaid <slowly>")


def test_e7_500_commands_at_full_speed_lose_nothing(client: Client) -> None:
    wanted = [f"utils say {number:03}" for number in range(500)]
    for first in range(0, 500, 50):  # 50 lines fit the kernel's queue
        for line in wanted[first : first + 50]:
            client.send(f"{line}\r")
        client.await_text(f"said <{first + 49:03}>")
        client.await_prompt()
    expected = "".join(f"admin:{line}\nsaid <{line[-3:]}>\n" for line in wanted)
    assert client.shown.replace("\r\n", "\n").endswith(f"{expected}admin:")


def test_e7_500_commands_one_character_at_a_time_lose_nothing(
    client: Client,
) -> None:
    for number in range(500):
        line = f"utils say {number:03}"
        for char in line:
            client.send(char)
        assert client.call("") == f"{line}\nsaid <{number:03}>"


def test_e7_500_commands_one_after_the_other_lose_nothing(client: Client) -> None:
    for number in range(500):
        line = f"utils say {number:03}"
        assert client.call(line) == f"{line}\nsaid <{number:03}>"


def test_e8_output_follows_the_echo_without_a_blank_line(client: Client) -> None:
    answer = client.call("show version active").split("\n")
    assert answer[1].split()[3] == "10.0.1.10000-24"


def test_letters_of_any_alphabet_survive(client: Client) -> None:
    assert client.call("utils say caf\u00e9 \u6f22\u5b57").endswith(
        "said <caf\u00e9 \u6f22\u5b57>"
    )


def test_backspace_erases_what_it_stands_on(client: Client) -> None:
    client.send("utils say a\u6f22\x7f\x7fb\r")
    client.await_text("said <b>")
    assert b"a\xe6\xbc\xa2\b \b\b \b\b \bb\r\n" in client.raw


def test_a_line_too_long_is_refused_whole(client: Client) -> None:
    client.send("utils say " + "x" * 1015 + "\r")
    client.await_text("The command is longer than 1024 characters.")
    assert "said" not in client.await_prompt()


@pytest.mark.parametrize("smuggled", ["\x00", "\x0f", "\x1a", "\u2028", "\u0085"])
def test_a_line_with_a_control_character_is_refused_whole(
    client: Client, smuggled: str
) -> None:
    answer = client.call(f"utils say a{smuggled}utils say b")
    assert "cannot be shown" in answer
    assert "said" not in answer
