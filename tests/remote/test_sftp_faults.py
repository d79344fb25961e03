"""Uploads to OpenSSH's server while the line or its processes break (F3 to F6, F22)."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import (
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
)
from cucmsh.remote import deadline
from cucmsh.remote.sftp.session import Answer, SftpSession
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import SshConnection, open_node
from tests.rigs.proxy import TO_NODE, TO_SHELL, Fault, Proxy
from tests.rigs.stores import NAME, NEW, OLD

pytestmark = pytest.mark.loopback

SOON = 0.5  # seconds
SAMPLES = 24


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """What the node serves: a list, and nothing else."""
    (tmp_path / NAME).write_bytes(OLD)
    return tmp_path


@contextmanager
def through(proxy: Proxy, sshd: SshAddress) -> Iterator[SshConnection]:
    connection = open_node(sshd._replace(port=proxy.port))
    try:
        yield connection
    finally:
        connection.close()


def put(proxy: Proxy, sshd: SshAddress, served: Path) -> None:
    with through(proxy, sshd) as connection:
        SftpStore(connection, str(served)).write(NAME, NEW, 0o644)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def traffic(sshd: SshAddress, served: Path) -> dict[str, int]:
    proxy = Proxy(sshd.port)
    put(proxy, sshd, served)
    proxy.close()
    (served / NAME).write_bytes(OLD)
    return proxy.passed


@pytest.mark.parametrize("direction", [TO_SHELL, TO_NODE])
def test_f4_line_cut_at_any_byte_tears_nothing_and_is_told_from_silence(
    sshd: SshAddress, served: Path, direction: str
) -> None:
    total = traffic(sshd, served)[direction]
    seen = set()
    for number in range(SAMPLES):
        (served / NAME).write_bytes(OLD)
        fault = Fault(cut=1 + number * total // SAMPLES, toward=direction)
        proxy = Proxy(sshd.port, fault)
        with pytest.raises(ConnectionFailedError) as broke:
            put(proxy, sshd, served)
        proxy.close()
        assert not isinstance(broke.value, NoAnswerError)  # it may be tried again
        seen.add((served / NAME).read_bytes())
        connection = open_node(sshd)
        store = SftpStore(connection, str(served))
        store.write(NAME, NEW, 0o644)
        store.sweep()
        connection.close()
        assert {path.name: path.read_bytes() for path in served.iterdir()} == {
            NAME: NEW
        }
    assert seen <= {OLD, NEW}
    assert OLD in seen


def test_answer_to_the_rename_that_is_lost_leaves_a_whole_file(
    sshd: SshAddress, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(sshd.port)
    with through(proxy, sshd) as connection:
        store = SftpStore(connection, str(served))
        staged = store.stage(NAME, NEW, 0o644)
        monkeypatch.setattr(deadline, "OPERATION_SECONDS", SOON)
        proxy.is_mute.set()
        with pytest.raises(NoAnswerError):
            store.commit(staged, NAME)
    proxy.close()
    assert (served / NAME).read_bytes() == NEW  # it was done; we could not know
    again = open_node(sshd)
    store = SftpStore(again, str(served))
    with pytest.raises(MissingFileError) as told:
        store.commit(staged, NAME)
    assert "put in place already" in told.value.advice
    store.write(NAME, NEW, 0o644)
    assert store.sweep() == 0
    again.close()
    assert os.listdir(served) == [NAME]


def test_silent_line_during_an_upload_is_no_broken_one(
    sshd: SshAddress, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(sshd.port)
    with through(proxy, sshd) as connection:
        store = SftpStore(connection, str(served))
        store.read(NAME)
        monkeypatch.setattr(deadline, "OPERATION_SECONDS", SOON)
        proxy.is_mute.set()
        began = time.monotonic()
        with pytest.raises(NoAnswerError):
            store.write(NAME, NEW)
        assert time.monotonic() - began < 10 * SOON
        with pytest.raises(ConnectionFailedError):  # it was hung up on
            connection.run(["true"])
    proxy.close()
    assert (served / NAME).read_bytes() == OLD


def sftp_server_of(connection: SshConnection) -> int:
    """The process that serves SFTP on this connection."""
    parent = connection.run(["sh", "-c", "echo $PPID"]).output
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    shells = {str(os.getpid()), parent}
    (found,) = [int(child) for child in children if child not in shells]
    return found


def test_f3_killed_sftp_server_is_a_broken_connection_and_can_be_tried_again(
    sshd: SshAddress, served: Path
) -> None:
    with ExitStack() as stack:
        connection = open_node(sshd)
        stack.callback(connection.close)
        store = SftpStore(connection, str(served))
        staged = store.stage(NAME, NEW)
        os.kill(sftp_server_of(connection), signal.SIGKILL)
        with pytest.raises(ConnectionFailedError) as broke:
            store.commit(staged, NAME)
        assert not isinstance(broke.value, NoAnswerError)
        assert (served / NAME).read_bytes() == OLD
        again = SftpStore(connection, str(served))  # the login is still good
        assert again.sweep() == 1
        again.write(NAME, NEW)
    assert files(served) == {NAME: NEW}


def test_f6_stopped_sftp_server_is_given_up_in_time(
    sshd: SshAddress, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_node(sshd)
    store = SftpStore(connection, str(served))
    staged = store.stage(NAME, NEW)
    stopped = sftp_server_of(connection)
    os.kill(stopped, signal.SIGSTOP)
    try:
        monkeypatch.setattr(deadline, "OPERATION_SECONDS", SOON)
        began = time.monotonic()
        for act in (lambda: store.commit(staged, NAME), lambda: store.read(NAME)):
            with pytest.raises(ConnectionFailedError):
                act()
        assert time.monotonic() - began < 20 * SOON
        assert (served / NAME).read_bytes() == OLD
    finally:
        os.kill(stopped, signal.SIGCONT)
        connection.close()


# Round trips (docs/performance.md row 13)


def test_upload_takes_three_flights_and_a_read_back_before_the_rename(
    sshd: SshAddress, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flights: list[list[int]] = []
    fly = SftpSession.flight

    def noted(session: SftpSession, *requests: tuple[int, bytes]) -> list[Answer]:
        flights.append([kind for kind, _ in requests])
        return fly(session, *requests)  # type: ignore[arg-type]

    monkeypatch.setattr(SftpSession, "flight", noted)
    connection = open_node(sshd)
    store = SftpStore(connection, str(served))
    staged = store.stage(NAME, NEW[:5302])
    assert flights == [[7, 3], [6, 10, 200, 5, 5, 4]]  # lstat open; write ... close
    store.commit(staged, NAME)
    assert flights[2:] == [[200]]
    connection.close()


def test_stores_of_one_connection_share_one_channel(
    sshd: SshAddress, served: Path
) -> None:
    connection = open_node(sshd)
    first, second = (SftpStore(connection, str(served)) for _ in range(2))
    sftp_server_of(connection)  # there is one
    assert first.read(NAME) == second.read(NAME) == OLD
    connection.close()
    with pytest.raises(CucmshError):
        second.read(NAME)


def test_line_that_broke_before_the_good_bye_is_one_error_of_ours(
    sshd: SshAddress, served: Path
) -> None:
    """Closing the channel sends a packet, which the broken line may refuse."""
    connection = open_node(sshd)
    store = SftpStore(connection, str(served))
    store.write(NAME, OLD)
    connection.transport.packetizer.close()
    with pytest.raises(ConnectionFailedError):
        store.write(NAME, NEW)
    assert (served / NAME).read_bytes() == OLD
    connection.close()
