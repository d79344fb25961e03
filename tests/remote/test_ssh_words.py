"""Running words on OpenSSH's server."""

import paramiko
import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import ConnectionFailedError, ServiceError
from cucmsh.remote.ssh.client import SshConnection, open_node

pytestmark = pytest.mark.loopback

WORDS = [
    *("", " ", "two words", "'", '"', "it's", 'a"b', "$HOME", "`id`", "$(id)", "a;b"),
    *("*", "~", "\\", "a\\nb", "line\nbreak", "-n", "#", "!", "{a,b}", "ü", "&&", ">x"),
]


def test_each_word_arrives_as_it_is(node: SshConnection) -> None:
    done = node.run(["printf", "<%s>", *WORDS, "end"])
    assert done.output == "".join(f"<{word}>" for word in [*WORDS, "end"])


def test_status_and_both_outputs_come_back(node: SshConnection) -> None:
    done = node.run(["sh", "-c", "echo out; echo wrong >&2; exit 3"])
    assert done == (3, "out", "wrong")


def test_long_output_on_both_streams_comes_back(node: SshConnection) -> None:
    done = node.run(["sh", "-c", "seq 60000 >&2; seq 60000"])
    assert done.output == done.stderr == "\n".join(map(str, range(1, 60001)))


def test_command_reads_an_empty_input(node: SshConnection) -> None:
    assert node.run(["cat"]) == (0, "", "")


def test_command_without_end_is_cut_off(sshd: SshAddress) -> None:
    # What prints without end is cut off by its size, long before that time.
    for words, seconds, says in (
        (["yes"], 60, "prints more"),
        (["sleep", "600"], 1, "did not end"),
    ):
        connection = open_node(sshd)
        with pytest.raises(ServiceError, match=says):
            connection.run(words, timeout_seconds=seconds)
        connection.close()


def test_command_killed_by_a_signal_is_no_success(node: SshConnection) -> None:
    with pytest.raises(ServiceError, match="without exit status"):
        node.run(["sh", "-c", "kill -9 $$"])


def test_closed_connection_is_a_failed_connection(sshd: SshAddress) -> None:
    connection = open_node(sshd)
    connection.close()
    with pytest.raises(ConnectionFailedError, match="broke"):
        connection.run(["true"])


def test_command_runs_while_other_work_is_done(node: SshConnection) -> None:
    finish = node.start(["sh", "-c", "cat; echo first; exit 4"])
    assert node.run(["echo", "second"]).output == "second"
    assert finish() == (4, "first", "")


def test_channels_are_asked_for_together_with_the_login(sshd: SshAddress) -> None:
    """Its own round trip is saved: none is asked for after the login."""
    connection = open_node(sshd)
    assert connection.transport.is_openssh
    asked: list[bytes] = []
    send = connection.transport.send

    def noted(message: paramiko.Message) -> None:
        asked.append(message.asbytes()[:1])
        send(message)

    connection.transport.send = noted  # type: ignore[method-assign]
    channels = [opening.channel() for opening in connection._ahead]  # noqa: SLF001 (what is tested)
    assert len(channels) == 2
    assert asked == []
    connection.close()
