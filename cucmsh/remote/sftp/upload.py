"""An upload that is proven by reading it back, up to the rename.

An unpredictable name made exclusively, every write's own answer, a sync by the server,
and the bytes read back and compared: two round trips, since requests that follow from
each other travel together. A pipelined upload to a full disk raised nothing in
paramiko's hands and left no bytes; here every answer is looked at
(docs/security.md M2, M8).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.remote.sftp import requests as ask
from cucmsh.remote.sftp.folder import why_not
from cucmsh.remote.sftp.read import read_to_the_end
from cucmsh.remote.sftp.session import BARRED, BROKEN, Answer, SftpSession
from cucmsh.storage.store import PIECE, check_regular

FSYNC = "fsync@openssh.com"


class Upload:
    """One file on its way to ``path``, under the name ``temporary`` as yet.

    Args:
        session: the channel.
        host: for messages.
        path: where it shall be; a regular file, or nothing, is there.
        temporary: beside it.
        folder: it is listed on the way, which costs no time; empty for no listing.

    Attributes:
        pages: what the server says of the folder's entries, two answers of it.
    """

    def __init__(
        self,
        session: SftpSession,
        host: str,
        path: str,
        temporary: str,
        folder: str = "",
    ) -> None:
        self._session = session
        self._host = host
        self._path = path
        self._temporary = temporary
        self._folder = folder
        self._handle = b""
        self.pages: list[Answer] = []

    def run(self, raw: bytes, mode: int) -> None:
        """Put all bytes there; nothing is left of it if that fails.

        Raises:
            StoreError: something else is in the file's place, or other bytes came back.
            OSError: the server refused.
        """
        listing = [ask.open_folder(self._folder)] if self._folder else []
        target, opened, *listed = self._session.flight(
            ask.lstat(self._path), ask.open_new(self._temporary, mode), *listing
        )
        try:
            self._open(target, opened, mode)
            back = self._fill(raw, mode, listed)
            self._compare(back, raw)
        except BaseException as problem:
            reason = self._explained(problem, len(raw))
            self._undo()
            raise reason from problem

    def _open(self, target: Answer, opened: Answer, mode: int) -> None:
        try:
            self._handle = opened.handle()
        except OSError as problem:
            check_target(f"{self._path} on {self._host}", target)
            if isinstance(problem, FileNotFoundError) or problem.errno is None:
                raise
            # Some servers open for reading or for writing, not for both.
            request = ask.create_to_write(self._temporary, mode)
            try:
                self._handle = self._session.flight(request)[0].handle()
            except OSError:
                raise problem from None
            return
        check_target(f"{self._path} on {self._host}", target)

    def _fill(self, raw: bytes, mode: int, listed: list[Answer]) -> bytes:
        """Write, sync, read back and close in one flight; gives what was read."""
        handle = self._handle
        starts = range(0, len(raw), PIECE)
        writes = [ask.write(handle, at, raw[at : at + PIECE]) for at in starts]
        # The mode of the open went through the server's umask.
        chmod = ask.chmod(handle, mode)
        reads = [ask.read(handle, at, PIECE) for at in (*starts, len(raw))]
        sync, close = ask.extended(FSYNC, handle), ask.close(handle)
        requests = [*writes, chmod, sync, *reads, close]
        for answer in listed:
            place = answer.handle()
            pages = [ask.read_folder(place), ask.read_folder(place)]
            requests = [*pages, ask.close(place), *requests]
        answers = self._session.flight(*requests)
        if listed:
            self.pages, answers = answers[:2], answers[3:]
        moded, synced, *read, closed = answers[len(writes) :]
        for answer in answers[: len(writes)]:
            answer.check()
        self._check_mode(moded, mode)
        # Other servers may not have OpenSSH's sync; then reading is all the proof.
        synced.check_unless_barred()
        closed.check()
        try:
            return b"".join(answer.data() for answer in read)
        except OSError:  # it may be read when it is opened anew
            return b""

    def _check_mode(self, answer: Answer, mode: int) -> None:
        """A server that sets no modes may have given the right one by itself."""
        try:
            answer.check()
        except OSError as problem:
            if problem.errno not in BARRED:
                raise
            _, looked = self._session.flight(
                ask.chmod_path(self._temporary, mode), ask.stat_of(self._temporary)
            )
            found = stat.S_IMODE(looked.attributes().mode)
            if found != mode:
                raise StoreError(
                    f"{self._host} refused FSETSTAT: {self._path} would have the mode "
                    f"{found:04o} and not {mode:04o}",
                    "Allow it in the server's configuration, or mend its umask.",
                ) from problem

    def _compare(self, back: bytes, raw: bytes) -> None:
        # A server may give fewer bytes at once than were asked for: read again then.
        if back != raw and self._read_again() != raw:
            raise StoreError(
                f"{self._host} gave back other bytes for {self._path}",
                "The old file is unchanged. Look whether its disk is full.",
            )

    def _read_again(self) -> bytes:
        where = f"{self._path} on {self._host}"
        return read_to_the_end(self._session, self._temporary, where)

    def _undo(self) -> None:
        if not self._handle:
            return
        with suppress(OSError, *BROKEN):
            self._session.flight(ask.close(self._handle), ask.remove(self._temporary))

    def _explained(self, problem: BaseException, size: int) -> BaseException:
        """The same error, or why the server "failed": it does not tell by itself."""
        if not isinstance(problem, OSError):
            return problem
        if problem.errno == errno.ENOENT:
            return MissingFileError(
                f"{self._path} on {self._host}: its folder is not there",
                "Make the folder there, or correct the path.",
            )
        if problem.errno != errno.EIO:
            return problem
        folder = os.path.dirname(self._path) or "."
        number = why_not(self._session, folder, size + PIECE)
        return OSError(number, os.strerror(number)) if number else problem


def check_target(where: str, answer: Answer) -> None:
    """Refuse to replace what is no regular file, as far as the server tells."""
    try:
        about = answer.attributes()
    except OSError as problem:
        if problem.errno is None:
            raise
        return
    if about.has_kind:
        check_regular(where, about.mode)
