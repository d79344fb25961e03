"""An SFTP server that lies: each lie answers one kind of request its own way."""

# ruff: noqa: ARG002 - the signature is the one that paramiko calls

from collections.abc import Callable
from typing import NamedTuple

import paramiko
from paramiko import sftp as wire

MANY = (1 << 32) - 1
REGULAR = 0o100644
HANDLE, ATTRS, NAME, DATA = 102, 105, 104, 103
STATUS, VERSION = 101, 2
LSTAT, STAT, OPEN, READ, WRITE, READDIR = 7, 17, 3, 5, 6, 12
EXTENDED = 200


def number(value: int) -> bytes:
    return value.to_bytes(4)


def text(value: bytes) -> bytes:
    return number(len(value)) + value


def packet(kind: int, body: bytes) -> bytes:
    return number(1 + len(body)) + bytes([kind]) + body


def status(asked: bytes, code: int, said: bytes = b"") -> bytes:
    return packet(STATUS, asked + number(code) + text(said) + text(b""))


def attributes(flags: int, rest: bytes) -> bytes:
    return number(flags) + rest


def honest(kind: int, asked: bytes) -> bytes:
    """What a server says that has one empty file in one folder."""
    match kind:
        case wire.CMD_OPEN | wire.CMD_OPENDIR:
            return packet(HANDLE, asked + text(b"h"))
        case wire.CMD_STAT | wire.CMD_LSTAT | wire.CMD_FSTAT:
            return packet(ATTRS, asked + attributes(4, number(REGULAR)))
        case wire.CMD_READ | wire.CMD_READDIR:
            return status(asked, wire.SFTP_EOF)
    return status(asked, wire.SFTP_OK)


def entry(name: bytes) -> bytes:
    return text(name) + text(b"") + attributes(4, number(REGULAR))


def attributes_of(flags: int, rest: bytes) -> Callable[[bytes], bytes]:
    return lambda asked: packet(ATTRS, asked + attributes(flags, rest))


def data(raw: bytes) -> Callable[[bytes], bytes]:
    return lambda asked: packet(DATA, asked + text(raw))


def names(count: int, entries: bytes) -> Callable[[bytes], bytes]:
    return lambda asked: packet(NAME, asked + number(count) + entries)


def refusal(code: int, said: bytes = b"") -> Callable[[bytes], bytes]:
    return lambda asked: status(asked, code, said)


def twice(asked: bytes) -> bytes:
    return 2 * status(asked, wire.SFTP_OK)


# What is asked (0: the version), and what a liar says to that.
LIES: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "version of nothing": (0, lambda _: packet(VERSION, b"")[:4] + b"\2"),
    "version that is a status": (0, lambda _: status(b"", 0)),
    "version without a size": (0, lambda _: number(0)),
    "version of 2 GiB": (0, lambda _: number(1 << 31) + bytes(1000)),
    "version of 1 MiB": (0, lambda _: number(1 << 20) + bytes(1 << 20)),
    "nothing but zeros": (0, lambda _: bytes(100_000)),
    "answer to nobody": (STAT, lambda _: status(number(77), 0)),
    "answer without a number": (STAT, lambda _: packet(STATUS, b"")),
    "answer of no kind": (STAT, lambda asked: packet(250, asked)),
    "answer of 2 GiB": (STAT, lambda _: number(1 << 31)),
    "answered twice": (STAT, twice),
    "handle for attributes": (STAT, lambda asked: packet(HANDLE, asked + text(b"h"))),
    "attributes for a handle": (OPEN, attributes_of(4, number(REGULAR))),
    "success for a handle": (OPEN, refusal(wire.SFTP_OK)),
    "end of file for a handle": (OPEN, refusal(wire.SFTP_EOF)),
    "status of no kind": (OPEN, refusal(4_000_000_000)),
    "status that is no text": (OPEN, refusal(wire.SFTP_FAILURE, b"\xff\xfe" * 20)),
    "status that escapes": (OPEN, refusal(wire.SFTP_FAILURE, b"\x1b]0;x\x07\x1b[2J")),
    "status of 200 KB": (OPEN, refusal(wire.SFTP_FAILURE, b"x" * 200_000)),
    "status cut short": (OPEN, lambda asked: packet(STATUS, asked)),
    "handle cut short": (OPEN, lambda asked: packet(HANDLE, asked + number(MANY))),
    "attributes with 4 billion extensions": (STAT, attributes_of(MANY, bytes(28))),
    "attributes without end": (
        STAT,
        attributes_of(1 << 31, number(MANY) + 60_000 * text(b"")),
    ),
    "file of 128 GiB": (
        STAT,
        attributes_of(5, (1 << 37).to_bytes(8) + number(REGULAR)),
    ),
    "file of 1 TiB": (STAT, attributes_of(5, (1 << 40).to_bytes(8) + number(REGULAR))),
    "file of a FIFO": (STAT, attributes_of(4, number(0o010644))),
    "file of no mode": (STAT, attributes_of(0, b"")),
    "file without end": (READ, data(b"x" * 32768)),
    "file without end, by the byte": (READ, data(b"x" * 50)),
    "more than was asked for": (READ, data(b"x" * 250_000)),
    "data for a claimed size": (READ, lambda asked: packet(DATA, asked + number(MANY))),
    "writes that fail": (WRITE, refusal(wire.SFTP_FAILURE)),
    "writes that end": (WRITE, refusal(wire.SFTP_EOF)),
    "a sync that fails": (EXTENDED, refusal(wire.SFTP_FAILURE)),
    "4 billion names": (READDIR, names(MANY, b"")),
    "4 billion names and one": (READDIR, names(MANY, entry(b"a"))),
    "names without end": (READDIR, names(1, entry(b"a"))),
    "names without end, 9,000 at once": (READDIR, names(9000, 9000 * entry(b"a"))),
    "names of 200 KB": (READDIR, names(1, entry(b"a" * 200_000))),
    "names that climb": (READDIR, names(2, entry(b"../../x") + entry(b"/etc/passwd"))),
    "names that are no text": (READDIR, names(1, entry(b"\xff\x1b[2J"))),
}


class Lie(NamedTuple):
    """Which request is lied to, and how."""

    kind: int
    says: Callable[[bytes], bytes]


def receive(channel: paramiko.Channel, size: int) -> bytes:
    raw = b""
    while len(raw) < size and (piece := channel.recv(size - len(raw))):
        raw += piece
    return raw


class Liar(paramiko.SubsystemHandler):
    """Serves SFTP on one channel; answers as ``lie`` says, or honestly."""

    lie = Lie(-1, bytes)

    def start_subsystem(
        self, name: str, transport: paramiko.Transport, channel: paramiko.Channel
    ) -> None:
        while size := int.from_bytes(receive(channel, 4)):
            asked = receive(channel, size)
            if len(asked) == size:
                channel.sendall(self._answer(asked))

    def _answer(self, asked: bytes) -> bytes:
        kind, mark = asked[0], asked[1:5]
        if kind == wire.CMD_INIT:
            return self.lie.says(b"") if self.lie.kind == 0 else packet(VERSION, mark)
        return self.lie.says(mark) if kind == self.lie.kind else honest(kind, mark)


def lying(name: str) -> Callable[[paramiko.Transport], object]:
    """Prepares a server's transport to tell that lie."""
    kind = type("Liar", (Liar,), {"lie": Lie(*LIES[name])})
    return lambda transport: transport.set_subsystem_handler("sftp", kind)
