"""asyncssh's SFTP server on 127.0.0.1, with the habits of other makes put upon it.

The habits are those of servers that were met: object stores behind SFTP, drop boxes,
Windows and appliance servers. Refusals carry an empty text, as npm's ssh2 sends them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
from asyncssh import (
    FXF_EXCL,
    FXF_READ,
    FXF_WRITE,
    SFTPAttrs,
    SFTPFailure,
    SFTPName,
    SFTPNoSuchFile,
    SFTPOpUnsupported,
    SFTPPermissionDenied,
)

USER, PASSWORD = "backup", "secret-secret"
UNSUPPORTED = SFTPOpUnsupported("")
DENIED = SFTPPermissionDenied("")
FAILURE = SFTPFailure("")
HABITS = frozenset(
    (
        *("no-read", "no-exclusive", "not-both", "takes-away", "no-listing"),
        *("empty-listing", "no-remove", "no-rename", "rename-replaces"),
        *("no-posix-rename", "posix-rename-fails", "no-setstat", "no-stat", "hides"),
        *("no-mode", "no-size", "untyped"),
    )
)


class Habits(asyncssh.SFTPServer):
    """``habits`` are words of ``HABITS``; each changes one thing where it is asked."""

    habits: frozenset[str] = frozenset()
    taken = Path()  # where a box that takes files away puts them

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel, chroot=os.fsencode(self.taken.parent / "box"))
        self._opened: dict[int, bytes] = {}

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        if self._has("no-read") and pflags & FXF_READ:
            raise DENIED
        if self._has("no-exclusive") and pflags & FXF_EXCL:
            raise UNSUPPORTED
        if self._has("not-both") and pflags & FXF_READ and pflags & FXF_WRITE:
            raise UNSUPPORTED
        opened = super().open(path, pflags, attrs)
        if pflags & FXF_WRITE:
            self._opened[id(opened)] = self.map_path(path)
        return opened

    async def close(self, file_obj: object) -> None:
        super().close(file_obj)
        written = self._opened.pop(id(file_obj), None)
        if written is not None and self._has("takes-away"):
            shutil.move(os.fsdecode(written), self.taken)

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        self._modes()
        super().fsetstat(file_obj, attrs)

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        self._modes()
        super().setstat(path, attrs)

    def stat(self, path: bytes) -> SFTPAttrs:
        return self._look(path, os.stat)

    def lstat(self, path: bytes) -> SFTPAttrs:
        return self._look(path, os.lstat)

    async def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        if self._has("no-listing"):
            raise DENIED
        folder = self.map_path(path)
        for name in [b".", b"..", *os.listdir(folder)]:
            if not self._has("empty-listing"):
                about = SFTPAttrs.from_local(os.lstat(os.path.join(folder, name)))
                yield SFTPName(name, b"", self._shown(about))

    def remove(self, path: bytes) -> None:
        if self._has("no-remove"):
            raise DENIED
        super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._has("no-rename"):
            raise FAILURE
        if self._has("rename-replaces"):
            os.replace(self.map_path(oldpath), self.map_path(newpath))
            return
        if os.path.lexists(self.map_path(newpath)):
            raise FAILURE
        os.rename(self.map_path(oldpath), self.map_path(newpath))

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._has("no-posix-rename"):
            raise UNSUPPORTED
        if self._has("posix-rename-fails"):
            self.rename(oldpath, newpath)
            return
        super().posix_rename(oldpath, newpath)

    def _has(self, habit: str) -> bool:
        assert habit in HABITS, habit
        return habit in self.habits

    def _modes(self) -> None:
        if self._has("no-setstat"):
            raise UNSUPPORTED

    def _look(self, path: bytes, look: Callable[[bytes], os.stat_result]) -> SFTPAttrs:
        if self._has("no-stat"):
            raise UNSUPPORTED
        if self._has("hides"):
            raise SFTPNoSuchFile("")
        return self._shown(SFTPAttrs.from_local(look(self.map_path(path))))

    def _shown(self, attrs: SFTPAttrs) -> SFTPAttrs:
        if self._has("no-mode"):
            attrs.permissions = None
        if self._has("no-size"):
            attrs.size = None
        if self._has("untyped") and attrs.permissions is not None:
            attrs.permissions = stat.S_IMODE(attrs.permissions)
        return attrs


class Door(asyncssh.SSHServer):
    def __init__(self, opened: list[asyncssh.SSHServerConnection]) -> None:
        self._opened = opened

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._opened.append(conn)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 (asyncssh names it)
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class AsyncsshServer:
    """Serves ``box`` until ``stop``; its loop runs in a thread of its own.

    Raises:
        ValueError: a habit that is none of ``HABITS``.
    """

    def __init__(self, box: Path, *habits: str) -> None:
        if unknown := set(habits) - HABITS:
            raise ValueError(f"no habits of ours: {sorted(unknown)}")
        taken = box.parent / "taken"
        taken.mkdir(exist_ok=True)
        namespace: dict[str, Any] = {"habits": frozenset(habits), "taken": taken}
        factory = type("Server", (Habits,), namespace)
        self.taken = taken
        self._connections: list[asyncssh.SSHServerConnection] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(self._listen(factory))
        self.port = self._server.get_port()

    async def _listen(self, factory: type[Habits]) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: Door(self._connections),
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=factory,
        )

    async def _close(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def stop(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
