import os
from collections.abc import Iterator

import pytest

from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.keyboard import ENTER, Keyboard


class Hands:
    """Types into a keyboard and turns its clock, by hand."""

    def __init__(self) -> None:
        fd, self._typed = os.pipe()
        self.seconds = 0.0
        self.keyboard = Keyboard(fd, lambda: self.seconds)
        self._fds = [fd, self._typed]

    def type(self, raw: bytes) -> None:
        os.write(self._typed, raw)

    def let_go(self) -> None:
        while self._fds:
            os.close(self._fds.pop())

    def hang_up(self) -> None:
        os.close(self._fds.pop())

    def keys(self, count: int) -> str:
        return "".join(self.keyboard.key() for _ in range(count))


@pytest.fixture
def hands() -> Iterator[Hands]:
    hands = Hands()
    yield hands
    hands.let_go()


@pytest.mark.parametrize("enter", [b"\r", b"\n", b"\r\n"])
def test_each_kind_of_enter_is_one_key(hands: Hands, enter: bytes) -> None:
    hands.type(b"a" + enter + enter + b"b")
    assert hands.keys(4) == f"a{ENTER}{ENTER}b"


def test_an_lf_within_a_second_belongs_to_its_cr(hands: Hands) -> None:
    hands.type(b"\r")
    assert hands.keys(1) == ENTER
    hands.seconds = 0.9
    hands.type(b"\nx")
    assert hands.keys(1) == "x"


def test_an_lf_after_a_second_is_an_enter_of_its_own(hands: Hands) -> None:
    hands.type(b"\r")
    assert hands.keys(1) == ENTER
    hands.seconds = 1.1
    hands.type(b"\nx")
    assert hands.keys(2) == f"{ENTER}x"


def test_an_lf_that_waits_at_the_next_prompt_belongs_to_its_cr(hands: Hands) -> None:
    hands.type(b"\r")
    assert hands.keys(1) == ENTER
    hands.type(b"\nx")
    hands.seconds = 60.0  # the command took a minute
    hands.keyboard.settle()
    assert hands.keys(1) == "x"


@pytest.mark.parametrize("enter", [b"\r", b"\n", b"\r\n"])
def test_the_enter_after_an_answered_key_belongs_to_it(
    hands: Hands, enter: bytes
) -> None:
    hands.type(b"y")
    assert hands.keys(1) == "y"
    hands.keyboard.expect_enter()
    hands.type(enter + b"\rx")
    assert hands.keys(2) == f"{ENTER}x"


def test_a_key_that_is_no_enter_ends_the_waiting_for_one(hands: Hands) -> None:
    hands.type(b"yx\r")
    assert hands.keys(1) == "y"
    hands.keyboard.expect_enter()
    hands.keyboard.settle()
    assert hands.keys(2) == f"x{ENTER}"


@pytest.mark.thorough
def test_a_letter_may_come_in_pieces(hands: Hands) -> None:
    hands.type(b"\xe6")
    hands.keyboard.linger()
    hands.type(b"\xbc\xa2\xff")
    assert hands.keys(2) == "\u6f22\udcff"


@pytest.mark.thorough
@pytest.mark.parametrize("sequence", [b"[A", b"OP", b"[1;5C", b"[15~", b""])
def test_a_function_key_is_skipped_whole(hands: Hands, sequence: bytes) -> None:
    hands.type(b"\x1b" + sequence)
    assert hands.keys(1) == "\x1b"
    hands.keyboard.skip_sequence()
    hands.type(b"x")
    assert hands.keys(1) == "x"


def test_what_was_taken_can_be_given_back_in_order(hands: Hands) -> None:
    hands.type(b"abc")
    assert hands.keys(1) == "a"
    assert hands.keyboard.take_waiting() == "bc"
    hands.keyboard.give_back("bc")
    assert hands.keys(2) == "bc"


def test_the_end_comes_after_everything_typed(hands: Hands) -> None:
    hands.type(b"a")
    hands.hang_up()
    assert hands.keys(1) == "a"
    for _ in range(2):
        with pytest.raises(EndOfInput):
            hands.keyboard.key()
    assert hands.keyboard.has_ended


def test_a_signal_ends_the_input_for_whoever_reads_next(hands: Hands) -> None:
    hands.keyboard.end()
    with pytest.raises(EndOfInput):
        hands.keyboard.key()
