"""SFTP over real files of this machine, below given directories only.

Paths are the machine's own: what a client puts at ``/abs/dir/file`` is there. Symbolic
links are resolved before the roots are compared, so a link out of them is refused with
"permission denied", like every path outside; what is missing inside is "no such file".
Also refused: special files, exclusive creation through a link, a rename over something
(``posix-rename@openssh.com`` does that), links, changes of owner.

``fsync@openssh.com`` is answered with "operation unsupported": paramiko's server leaves
no room for an extension but in a private method, and a lab has no power cuts.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import paramiko
from paramiko.sftp import SFTP_FAILURE, SFTP_OK

_LARGEST_READ = 256 * 1024  # bytes; OpenSSH's largest packet

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")


def _answers(
    operation: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T | int]:
    """Turn the system's errors into SFTP's numbers."""

    @wraps(operation)
    def answer(subject: S, /, *arguments: P.args, **named: P.kwargs) -> T | int:
        try:
            return operation(subject, *arguments, **named)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno or 0)
        except ValueError:  # a NUL in a path
            return SFTP_FAILURE

    return answer


def _change(descriptor: int, wanted: paramiko.SFTPAttributes) -> int:
    if wanted.st_size is not None:
        os.ftruncate(descriptor, wanted.st_size)
    if wanted.st_mode is not None:
        os.fchmod(descriptor, stat.S_IMODE(wanted.st_mode))
    if wanted.st_atime is not None and wanted.st_mtime is not None:
        os.utime(descriptor, (wanted.st_atime, wanted.st_mtime))
    return SFTP_OK


class OpenFile(paramiko.SFTPHandle):
    """A regular file that a client has open."""

    def __init__(self, descriptor: int, flags: int) -> None:
        super().__init__(flags)
        self._descriptor = descriptor

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    @_answers
    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, min(length, _LARGEST_READ), offset)

    @_answers
    def write(self, offset: int, data: bytes) -> int:  # type: ignore[override]  # paramiko hands over bytes
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written
        return SFTP_OK

    @_answers
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self._descriptor))

    @_answers
    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        return _change(self._descriptor, attr)


class RootedFiles(paramiko.SFTPServerInterface):
    """The file operations of one SFTP session.

    Args:
        server: the connection (unused).
        roots: directories; relative paths of a client start at the first one.
    """

    def __init__(self, server: paramiko.ServerInterface, roots: Sequence[Path]) -> None:
        super().__init__(server)
        self._home = Path(os.path.abspath(roots[0]))
        self._roots = [Path(os.path.realpath(root)) for root in roots]

    def canonicalize(self, path: str) -> str:
        return os.path.normpath(self._home / path)

    @_answers
    def open(
        self, path: str, flags: int, attr: paramiko.SFTPAttributes
    ) -> paramiko.SFTPHandle:
        exclusive = flags & os.O_CREAT and flags & os.O_EXCL
        real = self._name(path) if exclusive else self._target(path)
        mode = 0o666 if attr.st_mode is None else stat.S_IMODE(attr.st_mode)
        safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        descriptor = os.open(real, flags | safe, mode)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PermissionError(errno.EACCES, "not a regular file")
        return OpenFile(descriptor, flags)

    @_answers
    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        found = []
        with os.scandir(self._target(path)) as entries:
            for entry in entries:
                # One that goes meanwhile must not make the folder a missing one.
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    found.append(paramiko.SFTPAttributes.from_stat(about, entry.name))
        return found

    @_answers
    def stat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self._target(path).stat())

    @_answers
    def lstat(self, path: str) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(self._name(path).lstat())

    @_answers
    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        writing = os.O_RDONLY if attr.st_size is None else os.O_WRONLY
        safe = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        descriptor = os.open(self._target(path), writing | safe)
        try:
            return _change(descriptor, attr)
        finally:
            os.close(descriptor)

    @_answers
    def remove(self, path: str) -> int:
        self._name(path).unlink()
        return SFTP_OK

    @_answers
    def rename(self, oldpath: str, newpath: str) -> int:
        old, new = self._name(oldpath), self._name(newpath)
        if stat.S_ISDIR(old.lstat().st_mode):
            if os.path.lexists(new):
                return SFTP_FAILURE
            old.rename(new)
            return SFTP_OK
        os.link(old, new, follow_symlinks=False)  # fails if there is one, atomically
        old.unlink()
        return SFTP_OK

    @_answers
    def posix_rename(self, oldpath: str, newpath: str) -> int:
        self._name(oldpath).rename(self._name(newpath))
        return SFTP_OK

    @_answers
    def mkdir(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        mode = 0o777 if attr.st_mode is None else stat.S_IMODE(attr.st_mode)
        self._name(path).mkdir(mode)
        return SFTP_OK

    @_answers
    def rmdir(self, path: str) -> int:
        self._name(path).rmdir()
        return SFTP_OK

    def _target(self, path: str) -> Path:
        """Where the path leads, links and all."""
        return self._within(Path(os.path.realpath(self._home / path)))

    def _name(self, path: str) -> Path:
        """The entry itself, be it a link: only its directory is resolved."""
        named = Path(os.path.normpath(self._home / path))
        return self._within(Path(os.path.realpath(named.parent)) / named.name)

    def _within(self, real: Path) -> Path:
        if any(real.is_relative_to(root) for root in self._roots):
            return real
        raise PermissionError(errno.EACCES, "outside of what this server serves")


class FileService(paramiko.SFTPServer):
    """The ``sftp`` subsystem on one channel (a thread; ``start`` it)."""

    def __init__(
        self,
        channel: paramiko.Channel,
        name: str,
        server: paramiko.ServerInterface,
        roots: Sequence[Path],
    ) -> None:
        super().__init__(channel, name, server, RootedFiles, roots)

    def finish_subsystem(self) -> None:
        # Without an exit status OpenSSH's scp reports a failure.
        if self.sock is not None:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self.sock.send_exit_status(0)
        super().finish_subsystem()
