"""SSH servers that misbehave on purpose, on 127.0.0.1, and those who log in there."""

# ruff: noqa: ARG002 - the signatures are those that paramiko's server calls

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_PARTIALLY_SUCCESSFUL,
    AUTH_SUCCESSFUL,
    OPEN_SUCCEEDED,
)
from paramiko.server import InteractiveQuery
from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE

from cucmsh.remote.known_hosts import HostKey, KnownHosts
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret

HOST = "127.0.0.1"
PASSWORD = "correct horse"
SOON = 0.3  # seconds


class Behaviour(NamedTuple):
    """How a server behaves: ways in, questions asked, and where it falls silent."""

    ways: str = "password,keyboard-interactive"
    password: str = PASSWORD
    rounds: Sequence[Sequence[tuple[str, bool]]] = ((("Password: ", False),),)
    answers: str = ""  # what keyboard-interactive wants; the password if it is empty
    steps: Sequence[str] = ()  # ways that are all needed, one after the other
    silent_at: str = ""
    has_more_keys: bool = False
    cuts_login: bool = False
    takes_keys: bool = False


class Host(paramiko.ServerInterface):
    """One connection; notes whatever it is told."""

    def __init__(self, server: "Server") -> None:
        self.server = server
        self.rounds = iter(server.behaves.rounds)
        self.answers: list[str] = []
        self.steps = list(server.behaves.steps)

    def reach(self, phase: str) -> None:
        if phase == self.server.behaves.silent_at:
            self.server.ended.wait()

    def get_allowed_auths(self, username: str) -> str:
        return self.steps[0] if self.steps else self.server.behaves.ways

    def check_auth_none(self, username: str) -> int:
        self.server.told.append(("none", username))
        return AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        self.server.told.append(("password", password))
        if self.server.behaves.cuts_login:
            raise EOFError  # ends paramiko's thread, and with it the connection
        self.reach("login")
        return self.judge(password == self.server.behaves.password)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self.server.told.append(("publickey", key.get_base64()))
        return self.judge(self.server.behaves.takes_keys)

    def check_auth_interactive(
        self, username: str, submethods: str
    ) -> int | InteractiveQuery:
        return self.ask()

    def check_auth_interactive_response(
        self, responses: list[str]
    ) -> int | InteractiveQuery:
        self.server.told.append(("answers", tuple(responses)))
        self.answers += responses
        return self.ask()

    def ask(self) -> int | InteractiveQuery:
        questions = next(self.rounds, None)
        if questions is None:
            wanted = self.server.behaves.answers or self.server.behaves.password
            return self.judge(wanted in self.answers)
        return InteractiveQuery("", "", *questions)

    def judge(self, fits: bool) -> int:
        if fits and len(self.steps) > 1:
            del self.steps[0]
            return AUTH_PARTIALLY_SUCCESSFUL
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        self.reach("channel")
        return OPEN_SUCCEEDED

    def check_channel_exec_request(
        self, channel: paramiko.Channel, command: bytes
    ) -> bool:
        self.reach("request")
        return True

    def check_channel_subsystem_request(
        self, channel: paramiko.Channel, name: str
    ) -> bool:
        self.reach("request")
        if self.server.behaves.silent_at == "version":
            return True
        return super().check_channel_subsystem_request(channel, name)


class SilentFiles(paramiko.SFTPServerInterface):
    """Agrees on SFTP, then never answers."""

    def __init__(self, server: paramiko.ServerInterface) -> None:
        assert isinstance(server, Host)
        self.ended = server.server.ended
        super().__init__(server)

    def stat(self, path: str) -> int:
        self.ended.wait()
        return SFTP_FAILURE

    def lstat(self, path: str) -> int:
        return SFTP_NO_SUCH_FILE

    def open(
        self, path: str, flags: int, attr: paramiko.SFTPAttributes
    ) -> paramiko.SFTPHandle:
        return SilentFile(self.ended)


class SilentFile(paramiko.SFTPHandle):
    def __init__(self, ended: threading.Event) -> None:
        super().__init__()
        self.ended = ended

    def write(self, offset: int, data: bytes) -> int:  # type: ignore[override]
        self.ended.wait()
        return SFTP_FAILURE


class Server:
    """Serves connections until ``stop``; sends keepalives that mean nothing."""

    def __init__(
        self,
        key: paramiko.PKey,
        behaves: Behaviour,
        prepare: Callable[[paramiko.Transport], object] = bool,
    ) -> None:
        self.key = key
        self.behaves = behaves
        self.prepare = prepare
        self.told: list[tuple[str, object]] = []
        self.ended = threading.Event()
        self.listener = socket.create_server((HOST, 0))
        self.address = (HOST, int(self.listener.getsockname()[1]))
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    @property
    def host_key(self) -> HostKey:
        return HostKey(self.key.get_name(), self.key.get_base64())

    def accept(self) -> None:
        with ExitStack() as open_sockets:
            while True:
                try:
                    client = open_sockets.enter_context(self.listener.accept()[0])
                except OSError:  # shut down
                    return
                self.serve(client)

    def serve(self, client: socket.socket) -> None:
        if self.behaves.silent_at == "banner":
            return
        if self.behaves.silent_at == "handshake":
            client.sendall(b"SSH-2.0-silence\r\n")
            return
        transport = paramiko.Transport(client)
        transport.add_server_key(self.key)
        if self.behaves.has_more_keys:
            transport.add_server_key(paramiko.ECDSAKey.generate())
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, SilentFiles)
        self.prepare(transport)
        transport.start_server(threading.Event(), self.interface(transport))
        self.threads.append(threading.Thread(target=self.murmur, args=(transport,)))
        self.threads[-1].start()

    def interface(self, transport: paramiko.Transport) -> Host:
        """What answers on one connection."""
        return Host(self)

    def murmur(self, transport: paramiko.Transport) -> None:
        while not self.ended.wait(0.05) and transport.is_active():
            if transport.initial_kex_done:
                with suppress(OSError, EOFError, paramiko.SSHException):  # it closed
                    transport.send_ignore()
        transport.close()

    def stop(self) -> None:
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()
        self.listener.close()


class Person:
    """Answers the question about a host key."""

    def __init__(self, answer: bool) -> None:
        self.answer = answer
        self.asked: list[tuple[HostKey, str]] = []

    def __call__(self, key: HostKey, peer: str) -> bool:
        self.asked.append((key, peer))
        return self.answer


def log_in(
    server: Server, known: KnownHosts, password: str | None = PASSWORD
) -> SshConnection:
    login = Login("admin", None if password is None else Secret(password))
    return open_host(server.address, login, known, Person(answer=True))


@contextmanager
def serving(answer: Callable[[socket.socket], object]) -> Iterator[tuple[str, int]]:
    """A TCP server for one client, and where it listens."""
    with socket.create_server((HOST, 0)) as listener:

        def accept() -> None:
            with suppress(OSError), listener.accept()[0] as client:
                answer(client)

        answering = threading.Thread(target=accept)
        answering.start()
        yield HOST, int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        answering.join()
