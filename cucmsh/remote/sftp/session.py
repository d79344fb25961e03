"""SFTP requests, several sent at once; every answer is validated before it is used.

A *flight* sends its requests together and waits for all their answers: one round trip.
A server takes those of one file in order (draft-ietf-secsh-filexfer-02 section 6.1;
OpenSSH takes all in order). Answers are parsed here and not by paramiko, whose loops
run as often as a number in the answer says (docs/security.md T20).
"""

from __future__ import annotations

import errno
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from cucmsh.errors import ConnectionFailedError, NoAnswerError
from cucmsh.quoting import shown
from cucmsh.remote import deadline
from cucmsh.remote.deadline import within
from cucmsh.remote.sftp.requests import CLOSE, Request
from cucmsh.remote.ssh.causes import (
    FEW_SESSIONS,
    NO_SERVER,
    NO_SUBSYSTEM,
    Cause,
    cause_of_words,
)
from cucmsh.remote.ssh.client import SshConnection

import paramiko  # isort: skip  # after our own, which keeps `invoke` out
from paramiko import sftp as wire  # isort: skip

VERSION = 3
BROKEN_LINE = (paramiko.SSHException, EOFError, OSError)
BROKEN = (EOFError, paramiko.SSHException)  # the channel, not the request
MAX_ANSWER = 260 * 1024  # bytes; OpenSSH's answers have at most 256 KiB
# Bytes that are taken from the channel: all that wait, which our window (2 MiB) bounds.
# Of more than is taken paramiko moves the rest in memory.
AT_ONCE = 4 << 20
HAS_SIZE, HAS_OWNER, HAS_MODE, HAS_TIMES, HAS_MORE = 1, 2, 4, 8, 1 << 31
CODES = {
    wire.SFTP_NO_SUCH_FILE: (errno.ENOENT, "no such file"),
    wire.SFTP_PERMISSION_DENIED: (errno.EACCES, "permission denied"),
    wire.SFTP_OP_UNSUPPORTED: (errno.EOPNOTSUPP, "the server does not support this"),
}
BARRED = (errno.EACCES, errno.EOPNOTSUPP)  # it does not do that at all
LS_LINE = re.compile(r"([-dlpsbc])[-rwxsStTlL]{9}")  # how `ls -l` begins its lines
LS_KINDS = {
    "-": stat.S_IFREG,
    "d": stat.S_IFDIR,
    "l": stat.S_IFLNK,
    "p": stat.S_IFIFO,
    "s": stat.S_IFSOCK,
    "b": stat.S_IFBLK,
    "c": stat.S_IFCHR,
}


class Attributes(NamedTuple):
    """What an answer says of a file; what it does not say is zero."""

    size: int
    mode: int
    modified: int  # Unix time, seconds, by the server's clock

    @property
    def has_kind(self) -> bool:
        """Whether the mode has a file type; some servers send permission bits only."""
        return stat.S_IFMT(self.mode) != 0

    @property
    def may_be_file(self) -> bool:
        """True for a regular file, and where the server tells no file type."""
        return stat.S_ISREG(self.mode) or not self.has_kind


class Answer:
    """One answer; each reader raises OSError if the server refused instead."""

    def __init__(self, kind: int, body: bytes) -> None:
        self._kind = kind
        self._body = paramiko.Message(body)

    def check(self) -> None:
        """Raise unless the status is SSH_FX_OK."""
        code, text = self._expect(wire.CMD_STATUS).get_int(), self._text()
        if code == wire.SFTP_EOF:
            raise EOFError
        if code != wire.SFTP_OK:
            said = (
                f"the server says {shown(text)}"
                if text.strip()
                else (f"the server gives no reason (status {code})")
            )
            raise OSError(*CODES.get(code, (errno.EIO, said)))

    def check_unless_barred(self) -> None:
        """As ``check``, but a request that is unknown or not permitted there passes."""
        try:
            self.check()
        except OSError as problem:
            if problem.errno not in BARRED:
                raise

    def handle(self) -> bytes:
        """The handle of what was opened."""
        return self._expect(wire.CMD_HANDLE).get_binary()

    def data(self) -> bytes:
        """The bytes read; none at the end of the file."""
        try:
            return self._expect(wire.CMD_DATA).get_binary()
        except EOFError:
            return b""

    def attributes(self) -> Attributes:
        """What is said of a file; see ``Attributes``."""
        self._expect(wire.CMD_ATTRS)
        return self._attributes()

    def entries(self) -> list[tuple[str, Attributes]]:
        """The next names of a folder; none at its end."""
        try:
            count = self._expect(wire.CMD_NAME).get_int()
        except EOFError:
            return []
        found: list[tuple[str, Attributes]] = []
        while len(found) < count and self._body.get_remainder():
            name = self._text()
            line = LS_LINE.match(self._text())  # the same for people
            about = self._attributes()
            if line and not about.has_kind:
                about = about._replace(mode=about.mode | LS_KINDS[line[1]])
            found.append((name, about))
        return found

    def numbers(self, count: int) -> list[int]:
        """The answer to an extension of OpenSSH's: 64-bit numbers."""
        body = self._expect(wire.CMD_EXTENDED_REPLY)
        return [body.get_int64() for _ in range(count)]

    def _expect(self, kind: int) -> paramiko.Message:
        if self._kind == wire.CMD_STATUS != kind:
            self.check()
        if self._kind != kind:
            raise paramiko.SSHException("it does not keep to the SFTP protocol")
        return self._body

    def _text(self) -> str:
        return self._body.get_binary().decode(errors="replace")

    def _attributes(self) -> Attributes:
        body = self._body
        flags = body.get_int()
        size = body.get_int64() if flags & HAS_SIZE else 0
        if flags & HAS_OWNER:
            body.get_int64()
        mode = body.get_int() if flags & HAS_MODE else 0
        times = body.get_int64() if flags & HAS_TIMES else 0
        more = body.get_int() if flags & HAS_MORE else 0
        while more and body.get_remainder():
            body.get_binary()
            body.get_binary()
            more -= 1
        return Attributes(size, mode, times & 0xFFFFFFFF)


class SftpSession:
    """The SFTP channel of a connection.

    Attributes:
        extensions: the names that a greeted server gave in its first answer. Some
            servers know others, too.
        spare: the handle that the next file will have, as far as can be foreseen; empty
            if it cannot. It may be used in the flight of the open, to read.
        hangs_at: the path of what the server hangs in opening, a FIFO; empty as a rule.

    Raises:
        NoAnswerError: the host does not answer.
        ConnectionFailedError: the host offers no SFTP.
    """

    def __init__(self, connection: SshConnection) -> None:
        self._lock = Lock()
        self._number = 0
        self._awaited: set[int] = set()  # numbers of requests without an answer yet
        self._answers: dict[int, Answer] = {}  # that nobody has taken yet
        self._looks: dict[int, Callable[[Answer], None]] = {}
        self.hangs_at = ""
        self._is_greeted = False
        self._connection = connection
        self._unread = bytearray()
        self.extensions: frozenset[str] = frozenset()
        # OpenSSH's are numbers, and the one given back last is given out first.
        self.spare = bytes(4) if connection.is_openssh_node else b""
        late = NoAnswerError(f"{connection.host} does not answer over SFTP")
        try:
            with within(deadline.CHANNEL_SECONDS, connection.close, late):
                self._channel = connection.channel()
                self._channel.ask("subsystem", "sftp")
                self._channel.sendall(_packet(wire.CMD_INIT, VERSION.to_bytes(4)))
                # OpenSSH takes requests behind both: two round trips less. Whether
                # others do nobody knows.
                if not connection.is_node:
                    self._greet()
        except BROKEN_LINE as problem:
            raise self._why_none(problem) from problem

    @property
    def is_open(self) -> bool:
        return not self._channel.closed

    def close(self) -> None:
        """Close the channel, if the connection still stands. Raises nothing."""
        with suppress(OSError, *BROKEN):
            self._channel.close()

    def flight(
        self, *requests: Request, look: Callable[[Answer], None] | None = None
    ) -> list[Answer]:
        """Send all requests, then wait for all answers; in the requests' order.

        Args:
            requests: what is asked.
            look: called with the first answer, before the others are waited for; what
                it raises is raised, and the channel is of no use then.

        Raises:
            EOFError, OSError, paramiko.SSHException: the connection broke.
        """
        return self.begin(*requests, look=look)()

    def begin(
        self, *requests: Request, look: Callable[[Answer], None] | None = None
    ) -> Callable[[], list[Answer]]:
        """Send all requests; the call of what comes back waits for their answers.

        Other flights may be begun, and waited for, in between: all of them share the
        round trip. What they raise is as for ``flight``; ``look`` is called by
        whoever is waiting when the first answer comes.
        """
        with self._lock:
            first, self._number = self._number, self._number + len(requests)
            numbers = range(first, self._number)
            packets = [
                _packet(kind, number.to_bytes(4) + fields)
                for number, (kind, fields) in zip(numbers, requests, strict=True)
            ]
            self._awaited.update(numbers)
            if look is not None:
                self._looks[first] = look
            # A view: what paramiko has sent it cuts off, a copy of the rest each time.
            whole = memoryview(b"".join(packets))
            self._channel.sendall(whole)  # type: ignore[arg-type]  # it takes a view

        def collect() -> list[Answer]:
            with self._lock:
                answers = self._collect(numbers)
                if self.spare:
                    closed = [fields[4:] for kind, fields in requests if kind == CLOSE]
                    self.spare = closed[-1] if closed else self.spare
                return answers

        return collect

    def _collect(self, numbers: range) -> list[Answer]:
        if not self._is_greeted:
            try:
                self._greet()
            except BROKEN_LINE as problem:
                raise self._why_none(problem) from problem
        left = self._awaited.intersection(numbers)
        while left:
            kind, body = self._receive()
            number = int.from_bytes(body[:4])
            if number not in self._awaited:
                raise paramiko.SSHException("it answers what nobody asked")
            self._awaited.remove(number)
            left.discard(number)
            answer = self._answers[number] = Answer(kind, body[4:])
            look = self._looks.pop(number, None)
            if look is not None:
                look(answer)
        return [self._answers.pop(number) for number in numbers]

    def _why_none(self, problem: Exception) -> ConnectionFailedError:
        host = self._connection.host
        what = f"{host} offers no SFTP"
        if self._connection.has_broken():
            what = f"the connection to {host} broke"
        elif (cause := self._cause(problem)) is not None:
            return ConnectionFailedError(f"{what}: {cause.what}", cause.advice)
        return ConnectionFailedError(f"{what}: {problem or 'it closed the channel'}")

    def _cause(self, problem: Exception) -> Cause | None:
        if isinstance(problem, paramiko.ChannelException):
            return FEW_SESSIONS
        try:  # it may have ended before our first packet was sent
            self._channel.await_start()
        except BROKEN_LINE:
            return NO_SUBSYSTEM
        # What came in place of the first packet: a start-up file's words, or a shell's.
        said = bytes(self._unread) + self._channel.in_buffer.empty()
        if said[:4].isascii() and said[:4].decode().strip("\r\n\t").isprintable():
            words = said.decode(errors="replace")
            if words.strip():
                return cause_of_words(words)
        # sshd shows nobody what such a program says on its standard error.
        return None if said else NO_SERVER

    def _greet(self) -> None:
        self._channel.await_start()
        self._peek()
        kind, body = self._receive()
        if kind != wire.CMD_VERSION:
            raise paramiko.SSHException("it does not keep to the SFTP protocol")
        self.extensions = _extensions(body[4:])
        self._is_greeted = True

    def _peek(self) -> None:
        """Read the first bytes, and refuse a packet size out of bounds; see ``_cause``.

        Raises:
            EOFError, paramiko.SSHException, OSError: no packet begins here.
        """
        while len(self._unread) < len(bytes(4)):
            piece = self._channel.recv(MAX_ANSWER)
            if not piece:
                raise EOFError
            self._unread += piece
        if int.from_bytes(self._unread[:4]) > MAX_ANSWER:
            raise paramiko.SSHException("it sends an answer that is too large")

    def _receive(self) -> tuple[int, bytes]:
        size = int.from_bytes(self._receive_exactly(4))
        if not 1 <= size <= MAX_ANSWER:
            raise paramiko.SSHException("it sends an answer that is too large")
        packet = self._receive_exactly(size)
        return packet[0], packet[1:]

    def _receive_exactly(self, size: int) -> bytes:
        unread = self._unread
        while len(unread) < size:
            piece = self._channel.recv(AT_ONCE)
            if not piece:
                raise EOFError
            unread += piece
        with memoryview(unread) as view:
            taken = bytes(view[:size])
        del unread[:size]
        return taken


def session_of(connection: SshConnection) -> SftpSession:
    """The connection's SFTP channel; a new one if there is none that works.

    Raises:
        NoAnswerError, ConnectionFailedError: as ``SftpSession``.
    """
    session = connection.files
    if not isinstance(session, SftpSession) or not session.is_open:
        connection.files = session = SftpSession(connection)
    return session


def _extensions(raw: bytes) -> frozenset[str]:
    """The names in pairs of name and data; what is cut short is left out."""
    rest, names = paramiko.Message(raw), set()
    while rest.get_remainder():
        names.add(rest.get_binary().decode(errors="replace"))
        rest.get_binary()
    return frozenset(names)


def _packet(kind: int, body: bytes) -> bytes:
    return (1 + len(body)).to_bytes(4) + bytes([kind]) + body
