"""SFTP requests as bytes (draft-ietf-secsh-filexfer-02 section 6). Sends nothing."""

from __future__ import annotations

from typing import NamedTuple

OPEN, CLOSE, READ_PIECE, WRITE_PIECE = 3, 4, 5, 6
LSTAT, FSTAT, STAT, SETSTAT, FSETSTAT = 7, 8, 17, 9, 10
OPENDIR, READDIR, REMOVE, MKDIR, RENAME, EXTENDED = 11, 12, 13, 14, 18, 200
READ, WRITE = 0x01, 0x02
CREATE, TRUNCATE, EXCLUSIVE = 0x08, 0x10, 0x20
CREATE_NEW = READ | WRITE | CREATE | EXCLUSIVE
HAS_MODE = 4


class Request(NamedTuple):
    """A request: its kind, and its fields after the number."""

    kind: int
    fields: bytes


def lstat(path: str) -> Request:
    return Request(LSTAT, _string(path))


def stat_of(path: str) -> Request:
    return Request(STAT, _string(path))


def open_to_read(path: str) -> Request:
    return Request(OPEN, _string(path) + _number(READ) + _number(0))


def open_to_write(path: str) -> Request:
    """Open what is there for reading and writing; a FIFO opened so does not wait."""
    return Request(OPEN, _string(path) + _number(READ | WRITE) + _number(0))


def open_new(path: str, mode: int) -> Request:
    """Make the file for reading and writing; refused if there is one, or a link."""
    fields = _string(path) + _number(CREATE_NEW) + _number(HAS_MODE) + _number(mode)
    return Request(OPEN, fields)


def create_to_write(path: str, mode: int) -> Request:
    """As ``open_new``, for a server that does not open for reading as well."""
    flags = WRITE | CREATE | EXCLUSIVE
    fields = _string(path) + _number(flags) + _number(HAS_MODE) + _number(mode)
    return Request(OPEN, fields)


def open_truncated(path: str) -> Request:
    """Make the file for writing, or empty the one that is there."""
    return Request(
        OPEN, _string(path) + _number(WRITE | CREATE | TRUNCATE) + _number(0)
    )


def chmod_path(path: str, mode: int) -> Request:
    return Request(SETSTAT, _string(path) + _number(HAS_MODE) + _number(mode))


def chmod(handle: bytes, mode: int) -> Request:
    fields = _string(handle) + _number(HAS_MODE) + _number(mode)
    return Request(FSETSTAT, fields)


def fstat(handle: bytes) -> Request:
    return Request(FSTAT, _string(handle))


def write(handle: bytes, start: int, raw: bytes) -> Request:
    place = start.to_bytes(8)
    return Request(WRITE_PIECE, _string(handle) + place + _string(raw))


def read(handle: bytes, start: int, size: int) -> Request:
    place = start.to_bytes(8)
    return Request(READ_PIECE, _string(handle) + place + _number(size))


def close(handle: bytes) -> Request:
    return Request(CLOSE, _string(handle))


def remove(path: str) -> Request:
    return Request(REMOVE, _string(path))


def make_folder(path: str, mode: int) -> Request:
    return Request(MKDIR, _string(path) + _number(HAS_MODE) + _number(mode))


def open_folder(path: str) -> Request:
    return Request(OPENDIR, _string(path))


def read_folder(handle: bytes) -> Request:
    return Request(READDIR, _string(handle))


def rename_new(old: str, new: str) -> Request:
    """Replaces nothing (SFTP version 3)."""
    return Request(RENAME, _string(old) + _string(new))


def extended(name: str, *fields: str | bytes) -> Request:
    """One of OpenSSH's extensions (its PROTOCOL file, section 4)."""
    return Request(EXTENDED, b"".join(map(_string, (name, *fields))))


def _string(field: str | bytes) -> bytes:
    raw = field.encode() if isinstance(field, str) else field
    return _number(len(raw)) + raw


def _number(value: int) -> bytes:
    return value.to_bytes(4)
