"""A logged-in SSH connection, and running commands over it, by paramiko."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from cucmsh.errors import ConnectionFailedError, NoAnswerError, ServiceError
from cucmsh.remote import deadline
from cucmsh.remote.deadline import within
from cucmsh.remote.runner import Completed
from cucmsh.remote.ssh.causes import FEW_SESSIONS, NO_EXEC
from cucmsh.remote.ssh.channel import Opening, SessionChannel
from cucmsh.remote.ssh.transport import BoundedTransport

import paramiko  # isort: skip  # after our own, which keeps `invoke` out

MAX_OUTPUT = 1 << 20  # bytes of what a remote command may print
SETTLE_SECONDS = 0.3


class SshConnection:
    """A logged-in connection, for one thread; whoever opened it closes it.

    Args:
        transport: logged in.
        host: as it was asked for.
        openings: channels that were asked for already.
        is_node: whether it leads to a node of ours, where nobody else's files are.

    Attributes:
        files: the one SFTP channel of all stores on this connection, once it is open.
    """

    def __init__(
        self,
        transport: BoundedTransport,
        host: str,
        openings: Sequence[Opening] = (),
        *,
        is_node: bool = False,
    ) -> None:
        self.transport = transport
        self.host = host
        self.is_node = is_node
        self.files: object = None
        self._ahead = list(openings)

    @property
    def key_exchange(self) -> str:
        """The name of the key exchange in use, for figures that depend on it."""
        return self.transport.key_exchange

    @property
    def is_openssh_node(self) -> bool:
        """Whether it is known in which order the server does what it is asked."""
        return self.is_node and self.transport.is_openssh

    def close(self) -> None:
        self.transport.close()

    def channel(self) -> SessionChannel:
        """A channel for one program: one that was asked for ahead, or a new one.

        Raises:
            paramiko.SSHException, EOFError, OSError: the server gives none, or the
                connection broke.
        """
        while self._ahead:
            with suppress(paramiko.ChannelException):  # it may open one later
                channel = self._ahead.pop().channel()
                break
        else:
            channel = Opening(self.transport).channel()
        if self.is_node and not self._ahead:  # the next one's, meanwhile
            self._ahead.append(Opening(self.transport))
        return channel

    def run(
        self, words: Sequence[str], timeout_seconds: float = deadline.COMMAND_SECONDS
    ) -> Completed:
        """Run ``words`` on the host; each arrives as one word, whatever it holds.

        Raises:
            ServiceError: the command takes longer (the connection is closed then),
                prints without end, or ends without a status.
            NoAnswerError: the host does not even start it.
            ConnectionFailedError: the connection broke.
        """
        return self.start(words, timeout_seconds)()

    def feed(
        self,
        words: Sequence[str],
        raw: bytes,
        timeout_seconds: float = deadline.COMMAND_SECONDS,
    ) -> Completed:
        """The same, with ``raw`` as its standard input."""
        return self.start(words, timeout_seconds, raw)()

    def start(
        self,
        words: Sequence[str],
        timeout_seconds: float = deadline.COMMAND_SECONDS,
        given: bytes = b"",
    ) -> Callable[[], Completed]:
        """Start ``words`` as ``run`` does; calling the result waits for their end.

        What is done in between costs no time of its own. The time that the command may
        take begins with the call.

        Raises:
            NoAnswerError, ConnectionFailedError, ServiceError: as ``run``; the call
                raises them too.
        """
        word = words[0]
        with self._starting(word):
            channel = self.channel()
            channel.ask("exec", shlex.join(words))
            if given:
                channel.sendall(given)
            channel.shutdown_write()  # the end of its input goes along

        def finish() -> Completed:
            with self._starting(word):
                channel.await_start()
            late = ServiceError(
                f"{word} on {self.host} did not end in {timeout_seconds:.0f} seconds"
            )
            with (
                self._broken_is_ours(word),
                within(timeout_seconds, self.close, late),
            ):
                return self._finish(channel, word)

        return finish

    @contextmanager
    def _starting(self, word: str) -> Iterator[None]:
        late = NoAnswerError(
            f"{self.host} did not start {word} within "
            f"{deadline.CHANNEL_SECONDS:.0f} seconds"
        )
        with (
            self._broken_is_ours(word),
            within(deadline.CHANNEL_SECONDS, self.close, late),
        ):
            yield

    def _finish(self, channel: paramiko.Channel, word: str) -> Completed:
        try:
            output = self._read(channel.makefile("rb"), word)
            stderr = self._read(channel.makefile_stderr("rb"), word)
            status = channel.recv_exit_status()
        finally:
            channel.close()
        if status < 0 and self.has_broken():
            raise EOFError
        if status < 0:  # OpenSSH tells of a signal with a message paramiko drops
            raise ServiceError(f"{word} on {self.host} ended without exit status")
        return Completed(status, output, stderr)

    def _read(self, stream: paramiko.BufferedFile[bytes], word: str) -> str:
        raw = stream.read(MAX_OUTPUT + 1)
        if len(raw) > MAX_OUTPUT:
            raise ServiceError(
                f"{word} on {self.host} prints more than {MAX_OUTPUT} bytes"
            )
        return raw.decode(errors="replace").rstrip("\n")

    def has_broken(self) -> bool:
        """Whether the connection ended, and not just a channel of it.

        paramiko ends the channels first; its thread gets a moment to say so.
        """
        self.transport.join(SETTLE_SECONDS)
        return not self.transport.is_active()

    @contextmanager
    def _broken_is_ours(self, word: str) -> Iterator[None]:
        try:
            yield
        except (paramiko.SSHException, OSError, EOFError) as problem:
            if not self.has_broken():
                is_full = isinstance(problem, paramiko.ChannelException)
                cause = FEW_SESSIONS if is_full else NO_EXEC
                raise ServiceError(
                    f"{self.host} does not run {word}: {cause.what}", cause.advice
                ) from problem
            raise ConnectionFailedError(
                f"the connection to {self.host} broke: {problem or 'it was closed'}"
            ) from problem
