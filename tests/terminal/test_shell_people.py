"""A person at the keyboard: the hand-over, completion, help, history, the pager."""

import signal
from collections.abc import Callable

import pytest

from tests.terminal.conftest import Client, RealClient

pytestmark = pytest.mark.terminal
PAUSE = "\x1b[1mPress <enter> for 1 line, <space> for one page, or <q> to quit\x1b[0m"


def test_tab_hands_over_with_what_is_typed_and_completes(client: Client) -> None:
    client.send("ut")
    client.await_text("ut")
    assert b"\x1b" not in client.raw
    client.send("\t")
    client.await_text("utils")
    client.send("sa\t")
    client.await_text("say")
    client.send("on\tmore\r")
    client.await_text("said <one more>")


def test_tab_lists_what_fits_when_nothing_is_shared(client: Client) -> None:
    client.send("\t")
    client.await_text("exit")
    client.await_text("set*")
    client.await_text("show*")
    client.await_text("utils*")


def test_tab_on_a_whole_word_lists_what_follows(client: Client) -> None:
    client.send("utils\t")
    client.await_text("refuse    Refuse.")
    client.send("say tw\t")
    client.await_text("o three")
    client.send("\r")
    client.await_text("said <two three>")


def test_keys_typed_ahead_of_the_editor_keep_their_place(client: Client) -> None:
    client.send("utils sa\tone\rask password\rTr0ub4dor\rutils say two\rexit\r")
    client.await_text("said <one>")
    client.await_text("right")
    client.await_text("said <two>")
    assert client.await_end() == 0
    assert b"Tr0ub" not in client.raw


@pytest.mark.parametrize("key", ["\t", "\x1b[A"])
def test_a_hand_over_on_an_empty_line_shows_one_prompt(
    client: Client, key: str
) -> None:
    client.send(f"{key}show version active\r")
    client.await_text("Active Master Version")
    assert "admin:\radmin:" in client.shown


def test_p2_the_editors_prompt_starts_a_line_too(client: Client) -> None:
    client.send("utils do\t\r")
    client.await_text("...")
    client.send("show version active\r")
    client.await_text("Active Master Version")
    assert "...\r\nadmin:" in client.shown


def test_a_refusal_follows_its_line_without_a_blank_one(client: Client) -> None:
    client.send("utils ref\t\r")
    client.await_text("This is not a Publisher Node")
    assert "\nThis is not a Publisher Node" in client.shown
    assert "\n\r\nThis is not a Publisher Node" not in client.shown


def test_an_arrow_brings_back_a_line_typed_before_the_editor_came(
    client: Client,
) -> None:
    client.call("utils say one")
    client.send("\x1b[A")
    client.await_text("utils say one")
    client.send("\x7f\x7f\x7ftwo\r")
    client.await_text("said <two>")


def test_an_arrow_sent_in_pieces_is_still_an_arrow(client: Client) -> None:
    client.call("utils say one")
    client.send("\x1b")
    client.send("[")
    client.send("A")
    client.await_text("utils say one")
    client.send("\r")
    client.await_text("said <one>")


def test_a_question_mark_prints_the_menu_and_keeps_the_line(client: Client) -> None:
    client.send("utils ?")
    client.await_text("dots")
    client.await_text("utils")
    client.send("dots\r")
    client.await_text("...")


def test_a_question_mark_after_a_command_prints_its_syntax(client: Client) -> None:
    client.send("show lines ?")
    client.await_text(
        "Syntax:\r\nshow lines count [page]\r\ncount   mandatory   how many\r\n"
    )


def test_a_question_mark_in_a_value_is_a_character(client: Client) -> None:
    assert client.call("utils say what?") == "utils say what?\nsaid <what?>"
    assert b"\x1b" not in client.raw


def test_a_pasted_line_break_smuggles_no_second_command(client: Client) -> None:
    client.send("\x01")
    client.await_text("\x1b[?2004h")
    client.send("\x1b[200~utils say a\nutils say b\x1b[201~\r")
    client.await_text("cannot be shown")
    client.await_text("Executed command unsuccessfully")
    assert "said" not in client.shown


@pytest.mark.parametrize("keys", ["\x18\x05", "\x1bv", "\x1b!", "\x1a", "\x1c"])
def test_no_key_opens_an_editor_or_a_system_prompt(client: Client, keys: str) -> None:
    client.send(f"\x01{keys}")
    client.send("\x15utils say alive\r")
    client.await_text("said <alive>")


@pytest.mark.parametrize("key", ["\x1a", "\x1c", "\x11", "\x18"])
def test_a_dead_key_leaves_no_trace(client: Client, key: str) -> None:
    client.send(f"\x01utils say a{key}b\r")
    client.await_text("said <ab>")


def test_the_terminal_is_never_asked_where_its_cursor_is(client: Client) -> None:
    client.send("\x01utils say a\r")
    client.await_text("said <a>")
    client.await_text("\x1b[?2004h")
    assert b"\x1b[6n" not in client.raw


def test_control_c_in_the_editor_gives_a_new_prompt(client: Client) -> None:
    client.send("half\x01")
    client.await_text("\x1b[?2004h")
    client.send("\x03utils say next\r")
    client.await_text("said <next>")


def test_control_d_in_the_editor_ends_with_status_0(client: Client) -> None:
    client.send("\x01")
    client.await_text("\x1b[?2004h")
    client.send("\x04")
    assert client.await_end() == 0


def test_a_line_hung_up_in_the_editor_ends_the_session(client: Client) -> None:
    client.send("\x01")
    client.await_text("\x1b[?2004h")
    client.hang_up()
    assert client.status() == 0


def test_sigterm_in_the_editor_ends_the_session_in_order(
    real_client: RealClient,
) -> None:
    real_client.send("\x01")
    real_client.await_text("\x1b[?2004h")
    real_client.ends.kill(signal.SIGTERM)
    assert real_client.await_end() == 0
    assert b"Traceback" not in real_client.raw


def test_a_secret_asked_after_the_hand_over_is_not_shown_and_not_remembered(
    client: Client,
) -> None:
    client.send("\x01")
    client.await_text("\x1b[?2004h")
    client.send("ask password\r")
    client.await_text("password :")
    client.send("Tr0ub4dor\r")
    client.await_text("right")
    client.send("\x1b[A")
    client.await_text("ask password")
    assert b"Tr0ub" not in client.raw


def test_control_c_ends_a_command_after_the_hand_over(real_client: RealClient) -> None:
    real_client.send("\x01")
    real_client.await_text("\x1b[?2004h")
    real_client.send("utils wait\r")
    real_client.await_text("waiting")
    real_client.send("\x03")
    real_client.await_text("Control-C pressed")
    real_client.send("utils say next\r")
    real_client.await_text("said <next>")


def test_no_program_is_paged_that_did_not_ask(client: Client) -> None:
    assert client.call("show lines 100").endswith("line 100")


def test_g2_pages_end_as_the_original_ends_them(client: Client) -> None:
    client.call("set cli pagination on")
    client.send("show lines 50\r")
    client.await_text(f"line 23\r\n{PAUSE}")
    client.send("\r")
    client.await_text(f"\r\x1b[Kline 24\r\n{PAUSE}")
    client.send("x ")
    client.await_text(f"line 47\r\n{PAUSE}")
    client.send("q")
    client.await_text("\r\x1b[Kadmin:")
    assert "line 48" not in client.shown
    assert client.call("set cli pagination off").endswith("turned off")
    assert client.call("show lines 50").endswith("line 50")


def test_a_person_is_paged_without_asking(client: Client) -> None:
    client.send("\x01")
    client.await_text("\x1b[?2004h")
    client.send("show lines 30\r")
    client.await_text(PAUSE)
    client.send(" ")
    client.await_text("line 30")


@pytest.mark.parametrize("term", ["xterm-256color", "dumb", "../../etc/passwd", ""])
def test_the_kind_of_terminal_changes_nothing(
    open_real: Callable[..., RealClient], term: str
) -> None:
    client = open_real(term=term)
    client.await_prompt()
    client.call("utils say one")
    assert b"\x1b" not in client.raw
    client.send("utils sa\ttwo\r")
    client.await_text("said <two>")


@pytest.mark.parametrize(
    "garbage", ["\x1b[31mred", "\x1b[Mabc", "\x1b[<1m", "\x1b[1;2R"]
)
def test_pasted_terminal_codes_do_not_end_the_session(
    client: Client, garbage: str
) -> None:
    """prompt_toolkit reads a colour as a mouse report, and used to break at it."""
    client.send("\t")
    client.send(garbage)
    client.send("\x03")
    client.send("utils say alive\r")
    client.await_text("said <alive>")


@pytest.mark.parametrize("end", ["", "\r", "\n", "\r\n", "\n\n"])
def test_a_line_that_was_pasted_with_its_end_runs_at_enter_and_pages(
    client: Client, end: str
) -> None:
    client.send(f"\x1b[200~show lines 100{end}\x1b[201~")
    client.await_text("show lines 100")
    client.send("\r")
    client.await_text(PAUSE)
    client.send("q")
    client.await_text("admin:")
    client.send("exit\r")
    assert client.await_end() == 0


def test_a_second_line_within_a_paste_is_refused(client: Client) -> None:
    client.send("\x1b[200~show lines 100\nshow lines 3\x1b[201~\r")
    client.await_text("holds characters that cannot be shown")
    assert "line 1\r" not in client.shown
