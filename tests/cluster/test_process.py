"""Running configured words on this machine."""

import os
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.cluster.process import LocalRunner
from cucmsh.errors import ServiceError


@pytest.fixture
def typed() -> Iterator[None]:
    """Somebody may type at our standard input."""
    ours, (reader, writer) = os.dup(0), os.pipe()
    os.dup2(reader, 0)
    yield
    os.dup2(ours, 0)
    for descriptor in (ours, reader, writer):
        os.close(descriptor)


def test_words_arrive_as_they_are_without_a_shell() -> None:
    words = ["", "two words", "$HOME", "`id`", "a;b", "'", '"', "\n", "*", "-n"]
    done = LocalRunner().run(["printf", "<%s>", *words])
    assert done == (0, "".join(f"<{word}>" for word in words), "")


def test_status_and_both_outputs_come_back() -> None:
    done = LocalRunner().run(["sh", "-c", "echo out; echo wrong >&2; exit 3"])
    assert done == (3, "out", "wrong")


def test_death_by_a_signal_is_128_and_the_signal() -> None:
    done = LocalRunner().run(["sh", "-c", "kill -9 $$"])
    assert done.status == 128 + signal.SIGKILL


def test_output_that_is_no_text_is_shown_as_far_as_it_is() -> None:
    assert LocalRunner().run(["printf", r"a\377b\n\n"]).output == "a\ufffdb"


def test_command_gets_no_input_and_a_session_of_its_own(typed: None) -> None:
    assert LocalRunner().run(["readlink", "/proc/self/fd/0"]).output == os.devnull
    done = LocalRunner().run(["sh", "-c", "ps -o sid= -p $$; echo $$"])
    assert int(done.output.split()[0]) == int(done.output.split()[1]) != os.getsid(0)


@pytest.mark.parametrize("word", ["/nowhere/at-all", "/etc/passwd", "/"])
def test_command_that_cannot_run_is_named(word: str) -> None:
    with pytest.raises(ServiceError, match=f"{word} cannot be run: "):
        LocalRunner().run([word])


def test_no_words_is_a_matter_of_configuration() -> None:
    with pytest.raises(ServiceError, match="no command") as failed:
        LocalRunner().run([])
    assert "service_commands" in failed.value.advice


def test_daemon_left_behind_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    done = LocalRunner().run(["sh", "-c", "sleep 60 & echo $!"], timeout_seconds=10)
    assert time.monotonic() - began < 5
    daemon = int(done.output)
    os.kill(daemon, 0)  # it is there, and stays
    os.kill(daemon, signal.SIGKILL)


def test_command_that_takes_too_long_ends_with_its_children(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3>{fifo}; echo >&3; sleep 60; :"
    with pytest.raises(ServiceError, match="sh did not end within 0 seconds"):
        LocalRunner().run(["sh", "-c", script], timeout_seconds=0.2)
    # The pipe ends when the last process that has it open is gone.
    while select.select([reader], [], [], 5)[0] and os.read(reader, 100):
        pass
    assert select.select([reader], [], [], 0)[0], "a child is left"
    os.close(reader)


def test_nothing_stays_open() -> None:
    before = os.listdir("/proc/self/fd")
    LocalRunner().run(["true"])
    with pytest.raises(ServiceError):
        LocalRunner().run(["/nowhere/at-all"])
    assert os.listdir("/proc/self/fd") == before
