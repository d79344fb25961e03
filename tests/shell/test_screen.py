import os
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import CancelledError
from cucmsh.shell.reader import Reader
from cucmsh.shell.screen import Screen, in_a_change, visible


class Wire:
    """A screen on a pipe that keeps writes apart (packet mode)."""

    def __init__(self) -> None:
        self.end, self.fd = os.pipe2(os.O_DIRECT)
        os.set_blocking(self.end, False)
        self.screen = Screen(self.fd)

    def writes(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(os.read(self.end, 4096))
            except BlockingIOError:
                return found


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    os.close(wire.fd)
    if wire.end >= 0:
        os.close(wire.end)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttab\nline", "plain\ttab\nline"),
        ("caf\u00e9 \u6f22\u5b57", "caf\u00e9 \u6f22\u5b57"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\x00\x07\r\x7f", r"\x00\x07\x0d\x7f"),
        ("\x85\x9b", r"\x85\x9b"),
        (
            "\u202e\u2066\u200b\u200f\ufeff\u2028",
            r"\u202e\u2066\u200b\u200f\ufeff\u2028",
        ),
        ("\U000e0001", r"\U000e0001"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_cannot_be_shown_becomes_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.thorough
@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_invisible_ever_leaves(text: str) -> None:
    assert visible(text).replace("\n", "").replace("\t", "").isprintable()
    visible(text).encode()


def test_one_call_is_one_write_with_lf(wire: Wire) -> None:
    wire.screen.say("one\ntwo")
    wire.screen.write("...")
    wire.screen.say()
    assert wire.writes() == [b"one\ntwo\n", b"...", b"\n"]


def test_a_prompt_starts_a_line_in_the_same_write(wire: Wire) -> None:
    wire.screen.prompt("admin:")
    wire.screen.prompt("admin:")
    wire.screen.say("\x1b")
    wire.screen.prompt("admin:")
    assert wire.writes() == [b"admin:", b"\nadmin:", b"\\x1b\n", b"admin:"]


def test_the_echo_of_a_command_and_its_output_are_one_write(wire: Wire) -> None:
    ours, theirs = os.openpty()
    reader = Reader(theirs, wire.screen, time.monotonic)
    with reader.held():
        for line, output in (("show itl", "the list"), ("", ""), ("half\x03", "")):
            reader.prompt("admin:")
            os.write(ours, f"{line}\r".encode())
            with suppress(CancelledError):
                assert reader.read_line(lambda _: False) == line
            if output:
                wire.screen.say(output)
        reader.prompt("admin:")
    assert wire.writes() == [
        b"admin:",
        b"show itl\nthe list\n",
        b"admin:",
        b"\nadmin:",
        b"half^C\nadmin:",
    ]
    os.close(ours)
    os.close(theirs)


@pytest.mark.thorough
def test_an_echo_does_not_wait_long_for_output(wire: Wire) -> None:
    wire.screen.send_soon("show itl\n")
    assert wire.writes() == []
    assert select.select([wire.end], [], [], 5)[0]
    assert wire.writes() == [b"show itl\n"]
    wire.screen.say("the list")
    assert wire.writes() == [b"the list\n"]
    wire.screen.send_soon("quit\n")
    wire.screen.flush()
    assert wire.writes() == [b"quit\n"]


def test_outside_of_the_main_thread_nothing_is_held_back(wire: Wire) -> None:
    thread = Thread(target=wire.screen.send_soon, args=["show itl\n"])
    thread.start()
    thread.join()
    assert wire.writes() == [b"show itl\n"]


def test_short_writes_lose_nothing() -> None:
    end, fd = os.pipe()
    os.set_blocking(fd, False)  # a full pipe takes a part, then nothing
    screen = Screen(fd)
    text = "x" * 300_000
    pid = os.fork()
    if pid == 0:
        os.close(end)
        screen.write(text)
        os._exit(0)
    os.close(fd)
    taken = sum(len(part) for part in iter(lambda: os.read(end, 65536), b""))
    assert (taken, os.waitpid(pid, 0)[1]) == (len(text), 0)
    os.close(end)


@contextmanager
def unread_end(kind: str) -> Iterator[tuple[int, int]]:
    """Our end of a stream that a session writes to, and the end that nobody reads."""
    if kind == "socket":  # what sshd gives a command without a terminal
        one, other = socket.socketpair()
        with one, other:
            yield one.fileno(), other.fileno()
        return
    theirs, ours = os.openpty() if kind == "terminal" else os.pipe()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_a_change_does_not_wait_for_a_reader_that_sleeps(kind: str) -> None:
    with unread_end(kind) as (ours, _):
        screens = [Screen(ours), Screen(ours)]
        began = time.monotonic()
        with in_a_change(0.2):
            screens[0].say("line\n" * 100_000)
            assert not screens[1].is_gone
            screens[1].say("they have one patience together")
        assert time.monotonic() - began < 2
        assert all(each.is_gone and each.is_stalled for each in screens)
        assert os.get_blocking(ours)


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal"])
def test_a_reader_that_is_slow_gets_all_of_a_change(kind: str) -> None:
    with unread_end(kind) as (ours, theirs):
        screen = Screen(ours)
        text = "".join(f"line {number}\n" for number in range(30_000))
        found: list[bytes] = []

        def read() -> None:
            while not (found and found[-1].endswith(b"29999\n")):
                found.append(os.read(theirs, 1000))
                if found[-1].endswith(b"\r\n"):
                    found[-1] = found[-1][:-2] + b"\n"

        reader = Thread(target=read)
        reader.start()
        with in_a_change(60):
            screen.write(text)
        reader.join()
        assert b"".join(found).decode().replace("\r", "") == text
        assert not screen.is_gone


@pytest.mark.thorough
def test_who_reads_late_outside_of_a_change_gets_all() -> None:
    ours, theirs = os.pipe()
    screen = Screen(theirs)
    with in_a_change(0):
        pass
    writer = Thread(target=screen.write, args=["x" * 300_000])
    writer.start()
    writer.join(0.1)
    assert writer.is_alive()  # as a pager has it
    left = 300_000
    while left:
        left -= len(os.read(ours, left))
    writer.join()
    assert not screen.is_gone
    os.close(ours)
    os.close(theirs)


def test_a_lost_listener_is_noticed_and_never_an_error(wire: Wire) -> None:
    os.close(wire.end)
    wire.end = -1
    wire.screen.say("gone")
    assert wire.screen.is_gone
    wire.screen.say("again")
