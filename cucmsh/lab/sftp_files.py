"""SFTP over real files of this machine, below given directories only.

Paths are the machine's own: what a client puts at ``/abs/dir/file`` is there. Symbolic
links are resolved before the roots are compared, so a link out of them is refused with
"permission denied", like every path outside; what is missing inside is "no such file".
Also refused: special files, exclusive creation through a link, a rename over something
(``posix-rename@openssh.com`` does that), links, changes of owner; and a shell or a
command, with one line on standard error and status 1.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import cast

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE

_LARGEST_READ = 256 * 1024  # bytes; OpenSSH's largest packet
_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_VERSION = 3  # of the protocol, OpenSSH's
_REFUSAL = b"This service allows sftp connections only.\r\n"


class FilesOnly(asyncssh.SSHServerProcess[bytes]):
    """A session that serves files, and refuses everything else in clear words.

    Args:
        roots: directories; relative paths of a client start at the first one.
        is_full: whether no byte can be written any more, asked at each write.
    """

    def __init__(
        self, roots: Sequence[Path], is_full: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(
            _refuse,
            lambda channel: RootedFiles(
                cast(asyncssh.SSHServerChannel[bytes], channel), roots, is_full
            ),
            _VERSION,
            allow_scp=False,
        )

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"


def _refuse(process: asyncssh.SSHServerProcess[bytes]) -> None:
    process.stderr.write(_REFUSAL)
    process.exit(1)


class RootedFiles(asyncssh.SFTPServer):
    """The file operations of one SFTP session.

    Args:
        channel: the session's.
        roots: directories; relative paths of a client start at the first one.
        is_full: see ``FilesOnly``.
    """

    def __init__(
        self,
        channel: asyncssh.SSHServerChannel[bytes],
        roots: Sequence[Path],
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(channel)
        self._is_full = is_full
        self._home = Path(os.path.abspath(roots[0]))
        self._roots = [Path(os.path.realpath(root)) for root in roots]

    def exit(self) -> None:
        # Without an exit status OpenSSH's scp reports a failure.
        self.channel.exit(0)

    def map_path(self, path: bytes) -> bytes:
        """The entry itself, be it a link: only its directory is resolved."""
        return os.fsencode(self._name(path))

    def realpath(self, path: bytes) -> bytes:
        return os.fsencode(os.path.normpath(self._home / os.fsdecode(path)))

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> io.FileIO:
        exclusive = pflags & FXF_CREAT and pflags & FXF_EXCL
        real = self._name(path) if exclusive else self._target(path)
        mode = 0o666 if attrs.permissions is None else stat.S_IMODE(attrs.permissions)
        descriptor = os.open(real, _system_flags(pflags) | _SAFE, mode)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise PermissionError(errno.EACCES, "not a regular file")
        return io.FileIO(descriptor)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return os.pread(_descriptor(file_obj), min(size, _LARGEST_READ), offset)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        if self._is_full():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        rest = data
        while rest:  # a short write would be told as a whole one
            written = os.pwrite(_descriptor(file_obj), rest, offset)
            rest, offset = rest[written:], offset + written
        return len(data)

    def stat(self, path: bytes) -> os.stat_result:
        return self._target(path).stat()

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        writing = os.O_RDONLY if attrs.size is None else os.O_WRONLY
        descriptor = os.open(self._target(path), writing | _SAFE)
        try:
            _change(descriptor, attrs)
        finally:
            os.close(descriptor)

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        _change(_descriptor(file_obj), attrs)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        with os.scandir(self._target(path)) as entries:
            for entry in entries:
                # One that goes meanwhile must not make the folder a missing one.
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat(follow_symlinks=False)
                    attrs = asyncssh.SFTPAttrs.from_local(about)
                    yield asyncssh.SFTPName(os.fsencode(entry.name), attrs=attrs)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        old, new = self._name(oldpath), self._name(newpath)
        if stat.S_ISDIR(old.lstat().st_mode):
            if os.path.lexists(new):
                raise asyncssh.SFTPFailure("Failure")
            old.rename(new)
            return
        os.link(old, new, follow_symlinks=False)  # fails if there is one, atomically
        old.unlink()

    def statvfs(self, path: bytes) -> os.statvfs_result:
        return os.statvfs(self._target(path))

    def readlink(self, path: bytes) -> bytes:
        raise _no_links(path)

    def symlink(self, oldpath: bytes, newpath: bytes) -> None:
        raise _no_links(oldpath, newpath)

    def link(self, oldpath: bytes, newpath: bytes) -> None:
        raise _no_links(oldpath, newpath)

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        del attrs
        raise _no_links(path)

    def _target(self, path: bytes) -> Path:
        """Where the path leads, links and all."""
        return self._within(Path(os.path.realpath(self._home / os.fsdecode(path))))

    def _name(self, path: bytes) -> Path:
        named = Path(os.path.normpath(self._home / os.fsdecode(path)))
        return self._within(Path(os.path.realpath(named.parent)) / named.name)

    def _within(self, real: Path) -> Path:
        if any(real.is_relative_to(root) for root in self._roots):
            return real
        raise PermissionError(errno.EACCES, "outside of what this server serves")


def _no_links(*paths: bytes) -> asyncssh.SFTPOpUnsupported:
    del paths
    return asyncssh.SFTPOpUnsupported("Links are neither made nor told here.")


def _descriptor(file_obj: object) -> int:
    return cast(io.FileIO, file_obj).fileno()  # what ``open`` gave


def _system_flags(pflags: int) -> int:
    both = FXF_READ | FXF_WRITE
    flags = os.O_RDWR if pflags & both == both else os.O_RDONLY
    if pflags & both == FXF_WRITE:
        flags = os.O_WRONLY
    for theirs, ours in (
        (FXF_APPEND, os.O_APPEND),
        (FXF_CREAT, os.O_CREAT),
        (FXF_TRUNC, os.O_TRUNC),
        (FXF_EXCL, os.O_EXCL),
    ):
        flags |= ours if pflags & theirs else 0
    return flags


def _change(descriptor: int, wanted: asyncssh.SFTPAttrs) -> None:
    if wanted.size is not None:
        os.ftruncate(descriptor, wanted.size)
    if wanted.permissions is not None:
        os.fchmod(descriptor, stat.S_IMODE(wanted.permissions))
    if wanted.atime is not None and wanted.mtime is not None:
        os.utime(descriptor, (wanted.atime, wanted.mtime))
