"""Running configured words on this machine."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.errors import ServiceError
from cucmsh.remote.process import MAX_OUTPUT, LocalRunner

pytestmark = pytest.mark.thorough


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


# Programs that are fed


def test_bytes_go_in_and_come_out_whole() -> None:
    raw = bytes(range(256)) * 4000  # more than a pipe holds, both ways
    assert LocalRunner().feed(["cat"], raw, 30) == (0, raw)
    assert LocalRunner().feed(["cat"], b"", 30) == (0, b"")


def test_status_comes_back_and_complaints_are_dropped(
    capfd: pytest.CaptureFixture[str],
) -> None:
    words = ["sh", "-c", "cat >&2; echo out; exit 3"]
    assert LocalRunner().feed(words, b"secret", 30) == (3, b"out\n")
    assert "secret" not in "".join(capfd.readouterr())


def test_program_that_reads_nothing_and_ends_is_no_error() -> None:
    assert LocalRunner().feed(["true"], bytes(1 << 20), 30) == (0, b"")


def test_fed_program_has_an_empty_environment_and_is_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CANARY", "canary")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/canary")
    assert LocalRunner().feed(["/usr/bin/env"], b"", 30) == (0, b"")
    assert LocalRunner().feed(["/bin/pwd", "-P"], b"", 30) == (0, b"/\n")


def test_fed_program_inherits_no_descriptor_of_ours() -> None:
    listing = LocalRunner().feed(["ls", "/proc/self/fd"], b"", 30)[1]
    assert listing.split() == [b"0", b"1", b"2", b"3"]  # 3 is the folder it lists


def test_output_has_a_limit_that_the_program_cannot_pass() -> None:
    words = ["dd", "if=/dev/zero", "bs=65536", "count=64"]
    status, output = LocalRunner().feed(words, b"", 30)
    assert status != 0
    assert output == bytes(MAX_OUTPUT)


@pytest.mark.parametrize(
    "script", ["sleep 60; :", "cat >&-; sleep 60; :", "kill -9 $$"]
)
def test_fed_program_that_takes_too_long_is_killed(script: str) -> None:
    began = time.monotonic()
    status, _ = LocalRunner().feed(["sh", "-c", script], bytes(1 << 20), 0.5)
    assert status == 128 + signal.SIGKILL
    assert time.monotonic() - began < 10


def test_fed_program_is_killed_with_its_children_and_no_zombie_stays(
    tmp_path: Path,
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    script = f"exec 3>{fifo}; echo $$ >&3; sleep 60 & sleep 60; :"
    LocalRunner().feed(["sh", "-c", script], b"", 0.5)
    said = b""
    while select.select([reader], [], [], 5)[0] and (piece := os.read(reader, 100)):
        said += piece
    assert select.select([reader], [], [], 0)[0], "a child is left"
    os.close(reader)
    with pytest.raises(ProcessLookupError):
        os.kill(int(said), 0)


def test_interrupt_ends_the_fed_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, while we wait: the program must not go on alone."""
    children: list[int] = []

    def interrupted(child: subprocess.Popen[bytes], *_arguments: object) -> None:
        children.append(child.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LocalRunner().feed(["sleep", "60"], b"", 60)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


def test_feeding_leaves_nothing_open() -> None:
    before = os.listdir("/proc/self/fd")
    LocalRunner().feed(["cat"], b"x", 30)
    LocalRunner().feed(["sleep", "60"], b"x", 0.1)
    with pytest.raises(ServiceError, match="/nowhere/at-all cannot be run"):
        LocalRunner().feed(["/nowhere/at-all"], b"x", 30)
    assert os.listdir("/proc/self/fd") == before
