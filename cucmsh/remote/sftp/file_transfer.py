"""Puts a file on somebody else's SFTP server, and loses nothing that lies there.

All that is needed is a server that opens a new file for writing. The file is written
under a name of its own, closed, opened again and read back; then an earlier file of
the wanted name is moved aside, and ours takes its place. Everything else is a wish:
the mode (FSETSTAT), the sync, the renames, a look at what stands there. Servers refuse
each of them: OpenSSH with ``sftp-server -P``, object stores behind SFTP, drop boxes
which nobody may list or read, or which take a file away when it is closed.

What stands at a name counts as known only if the server shows our own new file in the
same way. Where it is not known, nothing is moved and the file keeps its own name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum
from hashlib import sha256
from itertools import islice
from typing import NamedTuple, TypeVar

from cucmsh.errors import (
    CancelledError,
    ConnectionFailedError,
    CucmshError,
    MissingFileError,
    NoAnswerError,
    StoreError,
)
from cucmsh.remote import deadline
from cucmsh.remote.deadline import within
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.remote.sftp import requests as ask
from cucmsh.remote.sftp.folder import STATVFS, entries_in, why_not
from cucmsh.remote.sftp.session import (
    BARRED,
    BROKEN,
    Answer,
    Attributes,
    session_of,
)
from cucmsh.remote.ssh.client import SshConnection
from cucmsh.storage.store import MAX_FILE_SIZE, PIECE, advice_for, check_regular

BATCH = 8  # pieces in one round trip: a slow line has its time for 256 KiB
FSYNC = "fsync@openssh.com"
POSIX_RENAME = "posix-rename@openssh.com"
MAX_EARLIER = 999  # NAME.1 to NAME.999
LOOK_THERE = "Look at the account's rights and quota there and at the server's log"
LOOKS = 25  # names that are looked at in one round trip

Progress = Callable[[int], object]
T = TypeVar("T")


class Standing(Enum):
    """What stands at a name."""

    NOTHING = "nothing"
    SOMETHING = "something"
    UNKNOWN = "unknown"


class Look(NamedTuple):
    """What LSTAT and STAT say of a path.

    Attributes:
        about: of what is there; None if they say nothing of it.
        is_missing: one of them says that there is no such file, the other no better.
        refusal: why both say nothing; empty if one did.
    """

    about: Attributes | None
    is_missing: bool = False
    refusal: str = ""


class FileTransfer:
    """Puts one file into one directory of a server.

    Args:
        connection: logged in.
        directory: on the server, as the person named it.
        progress: told how many bytes were sent so far.

    Raises:
        ConnectionFailedError: the host offers no SFTP.
    """

    def __init__(
        self, connection: SshConnection, directory: str, progress: Progress
    ) -> None:
        self._connection = connection
        self._host = connection.host
        self._directory = directory
        self._progress = progress
        self._mode = 0o600  # of the outgoing
        self._names: frozenset[str] | None = None
        self._own = "", Look(None)
        self._session = session_of(connection)

    def run(self, outgoing: OutgoingFile) -> SentFile:
        """Send the file; read it back; move an earlier one aside; rename.

        Returns:
            Where the file is, and what could not be done or proven.

        Raises:
            MissingFileError: the directory is not there.
            StoreError: the server does not take the file, gives back other bytes, or
                something else than a file stands at its name.
            ConnectionFailedError: the connection broke.
            CancelledError: Ctrl-C came while something of ours lay there.
            The message names what is left of it on the server, if anything is.
        """
        self._mode = outgoing.mode
        path = self._path(outgoing.name)
        there = self._looks(path)[0].about
        if there is not None:
            if there.has_kind:
                check_regular(f"{path} on {self._host}", there.mode)
            if there.size in (0, outgoing.size):
                digest = digest_of(outgoing.pieces())
                if not self._why_not_same(path, outgoing.size, digest):
                    return SentFile(path, digest, was_there=True)
        own = self._path(outgoing.own_name)
        digest, unproven = self._send(own, outgoing)
        where = (
            f"the whole file is {own} there or, if that is gone, {path}; an earlier "
            f"one may be {path}.1 or a higher number"
        )
        try:
            return self._place(outgoing, SentFile(own, digest, why_unproven=unproven))
        except CucmshError as problem:
            raise _with(problem, where) from problem
        except KeyboardInterrupt as problem:
            raise CancelledError(f"Interrupted; {where}") from problem

    # Sending

    def _send(self, own: str, outgoing: OutgoingFile) -> tuple[str, str]:
        """Write and read back; gives the SHA-256, and why it is not proven."""
        is_begun = False
        try:
            handle = self._create(own)
            is_begun = True
            digest = self._write(own, handle, outgoing)
            unproven = self._why_not_same(own, outgoing.size, digest, is_ours=True)
        except StoreError as problem:
            left = self._left_after_removing(own) if is_begun else ""
            if not left:
                raise
            raise _with(problem, left) from problem
        except ConnectionFailedError as problem:
            left = self._left_after_removing(own)
            if not left:
                raise
            raise _with(problem, left) from problem
        except KeyboardInterrupt as problem:
            self._session.close()  # answers to what was asked may still come
            left = self._left_after_removing(own)
            if not left:
                raise
            raise CancelledError(f"Interrupted; {left}") from problem
        return digest, unproven

    def _create(self, path: str) -> bytes:
        (answer,) = self._ask(ask.create_to_write(path, self._mode))
        refused = self._outcome(answer, Answer.handle)
        if not isinstance(refused, OSError):
            return refused
        # Some object stores know no exclusive open. The name is nobody else's anyway.
        (answer,) = self._ask(ask.open_truncated(path))
        handle = self._outcome(answer, Answer.handle)
        if not isinstance(handle, OSError):
            return handle
        if isinstance(refused, FileNotFoundError) or self._is_no_directory():
            raise MissingFileError(
                f"there is no directory {self._directory} on {self._host}",
                "Name one that is there and that the user may write to.",
            ) from refused
        raise self._refused("OPEN to write", path, refused)

    def _write(self, path: str, handle: bytes, outgoing: OutgoingFile) -> str:
        """Gives the SHA-256 of what was sent."""
        digest, sent = sha256(), 0
        for batch in _batches(outgoing.pieces()):
            requests = []
            for piece in batch:
                requests.append(ask.write(handle, sent, piece))
                digest.update(piece)
                sent += len(piece)
            for answer in self._ask(*requests):
                problem = self._outcome(answer, Answer.check)
                if problem is not None:
                    raise self._refused("WRITE", path, problem, outgoing.size)
            self._progress(sent)
        if sent != outgoing.size:
            raise StoreError(
                f"{outgoing.name} changed while it was sent", "Run the command again."
            )
        wishes = {"CLOSE": ask.close(handle)}
        if FSYNC in self._session.extensions:
            wishes = {"fsync": ask.extended(FSYNC, handle), **wishes}
        _, *answers = self._ask(ask.chmod(handle, self._mode), *wishes.values())
        for what, answer in zip(wishes, answers, strict=True):
            problem = self._outcome(answer, Answer.check)
            # Barred is no fault: what counts is what is read back.
            if problem is not None and problem.errno not in BARRED:
                raise self._refused(what, path, problem, outgoing.size)
        return digest.hexdigest()

    # Reading back

    def _why_not_same(
        self, path: str, size: int, digest: str, *, is_ours: bool = False
    ) -> str:
        """Open the file anew and compare; empty if it has these bytes.

        Raises:
            StoreError: our own new file (``is_ours``) has others.
        """
        handle = self._outcome(self._ask(ask.open_to_read(path))[0], Answer.handle)
        if isinstance(handle, OSError) and is_ours:
            # The server's umask may have taken our own right to read it.
            again = self._ask(ask.chmod_path(path, self._mode), ask.open_to_read(path))
            handle = self._outcome(again[1], Answer.handle)
        if isinstance(handle, FileNotFoundError):
            return f"{self._host} does not show it after it was closed (no such file)"
        if isinstance(handle, OSError):
            return f"{self._host} refused OPEN to read: {handle.strerror}"
        try:
            found = digest_of(self._pieces_of(handle, size))
        except OSError as problem:
            return f"{self._host} refused READ: {problem.strerror}"
        finally:
            if self._session.is_open:
                self._ask(ask.close(handle))
        if found == digest:
            return ""
        if is_ours:
            raise StoreError(
                f"{self._host} gave back other bytes for {path}",
                f"{LOOK_THERE}, and look whether its disk is full.",
            )
        return f"{path} has other bytes"

    def _pieces_of(self, handle: bytes, size: int) -> Iterator[bytes]:
        """The file's bytes to its end, or to a little more than ``size``."""
        at = 0
        while at <= size:
            starts = range(at, min(at + BATCH * PIECE, size + PIECE), PIECE)
            for answer in self._ask(*(ask.read(handle, n, PIECE) for n in starts)):
                piece = self._outcome(answer, Answer.data)
                if isinstance(piece, OSError):
                    raise piece
                if not piece:
                    return
                yield piece
                at += len(piece)
                if len(piece) != PIECE:  # a server may give fewer at once
                    break

    # Placing

    def _place(self, outgoing: OutgoingFile, sent: SentFile) -> SentFile:
        """Give the file its name, if that takes it from no other file."""
        path = self._path(outgoing.name)
        self._own = outgoing.own_name, self._looks(sent.path)[0]
        standing, why_unknown = self._standing(outgoing.name, self._looks(path)[0])
        if standing is Standing.UNKNOWN:
            reason = f"whether another {outgoing.name} is there cannot be known"
            return sent._replace(why_elsewhere=f"{reason}: {why_unknown}")
        if standing is Standing.SOMETHING:
            if sent.why_unproven:
                reason = f"the {outgoing.name} there was left in its place"
                return sent._replace(why_elsewhere=reason)
            return self._replace(outgoing, sent)
        refusal = self._rename(sent.path, path)
        if not refusal:
            return self._placed(outgoing, sent._replace(path=path))
        if sent.why_unproven:
            return sent._replace(why_elsewhere=refusal)
        return self._send_again(outgoing, sent, refusal)

    def _send_again(
        self, outgoing: OutgoingFile, sent: SentFile, refusal: str
    ) -> SentFile:
        """Write it under its own right name, where nothing can be renamed.

        Only as a new file: the copy that is there already goes when this one is proven.
        """
        path = self._path(outgoing.name)
        (answer,) = self._ask(ask.create_to_write(path, self._mode))
        handle = self._outcome(answer, Answer.handle)
        if isinstance(handle, OSError):
            return sent._replace(why_elsewhere=refusal)
        try:
            digest = self._write(path, handle, outgoing)
            unproven = self._why_not_same(path, outgoing.size, digest, is_ours=True)
        except StoreError as problem:
            unproven = problem.message
        if unproven or digest != sent.sha256:
            left = self._left_after_removing(path)
            reason = "; ".join(filter(None, (refusal, unproven, left)))
            return sent._replace(why_elsewhere=reason)
        copy = sent.path if self._left_after_removing(sent.path) else ""
        return sent._replace(path=path, second_copy=copy)

    def _replace(self, outgoing: OutgoingFile, sent: SentFile) -> SentFile:
        """Move aside what stands at the name, and take its place."""
        path = self._path(outgoing.name)
        earlier, why_none = self._free_path(path)
        reason = f"another {outgoing.name} is there"
        if not earlier:
            return sent._replace(why_elsewhere=f"{reason}: {why_none}")
        refusal = self._rename(path, earlier)
        if refusal:
            return sent._replace(why_elsewhere=f"{reason}: {refusal}")
        # A server may answer what it likes: look, before ours is put there.
        standing, _ = self._standing(outgoing.name, self._looks(path)[0])
        if standing is not Standing.NOTHING:
            return sent._replace(why_elsewhere=f"{reason}, and does not move")
        refusal = self._rename(sent.path, path)
        if not refusal:
            return self._placed(outgoing, sent._replace(path=path, earlier=earlier))
        if not self._rename(earlier, path):
            earlier = ""
        return sent._replace(why_elsewhere=refusal, earlier=earlier)

    def _placed(self, outgoing: OutgoingFile, sent: SentFile) -> SentFile:
        """Look at it under its name, large files at their size only."""
        if sent.why_unproven:
            return sent
        if outgoing.size <= MAX_FILE_SIZE:
            problem = self._why_not_same(sent.path, outgoing.size, sent.sha256)
        else:
            there = self._looks(sent.path)[0].about
            size = there.size if there else outgoing.size
            problem = "" if size in (0, outgoing.size) else f"it has {size} bytes"
        return sent._replace(why_unproven=problem)

    def _rename(self, old: str, new: str) -> str:
        """Rename to what is free; gives what was refused.

        RENAME of SFTP 3 replaces nothing; OpenSSH's extension does. It is asked for
        only where a server does not do the other at all and a listing shows, too, that
        the name is free.
        """
        problem = self._outcome(self._ask(ask.rename_new(old, new))[0], Answer.check)
        if problem is not None and problem.errno in BARRED:
            listed = self._listing() or frozenset()
            old_name, new_name = map(os.path.basename, (old, new))
            if old_name in listed and new_name not in listed:
                (answer,) = self._ask(ask.extended(POSIX_RENAME, old, new))
                if self._outcome(answer, Answer.check) is None:
                    problem = None
        self._names = None
        return f"{self._host} refused RENAME: {problem.strerror}" if problem else ""

    def _free_path(self, path: str) -> tuple[str, str]:
        """The first of PATH.1, PATH.2 and so on that is free; else empty, and why."""
        for first in range(1, MAX_EARLIER, LOOKS):
            paths = [f"{path}.{number}" for number in range(first, first + LOOKS)]
            for candidate, look in zip(paths, self._looks(*paths), strict=True):
                standing, reason = self._standing(os.path.basename(candidate), look)
                if standing is Standing.NOTHING:
                    return candidate, ""
                if standing is Standing.UNKNOWN:
                    return "", reason
        return "", f"so is {path}.{MAX_EARLIER}"

    def _standing(self, name: str, look: Look) -> tuple[Standing, str]:
        """What stands at ``name``, judged by how the server shows our own new file."""
        own_name, own = self._own
        if look.about is not None:
            return Standing.SOMETHING, ""
        if look.is_missing and own.about is not None:
            return Standing.NOTHING, ""
        listed = self._listing() or frozenset()
        if name in listed:
            return Standing.SOMETHING, ""
        if own_name in listed:
            return Standing.NOTHING, ""
        hidden = f"{self._host} does not show the new file either"
        return Standing.UNKNOWN, look.refusal or own.refusal or hidden

    def _looks(self, *paths: str) -> list[Look]:
        requests = [look(path) for path in paths for look in (ask.lstat, ask.stat_of)]
        answers = iter(self._ask(*requests))
        return [self._look(pair) for pair in zip(answers, answers, strict=True)]

    def _look(self, answers: Iterable[Answer]) -> Look:
        refusal, is_missing = "", False
        for answer in answers:
            about = self._outcome(answer, Answer.attributes)
            if not isinstance(about, OSError):
                return Look(about)
            if isinstance(about, FileNotFoundError):
                is_missing = True
            else:
                refusal = f"{self._host} refused STAT: {about.strerror}"
        return Look(None, is_missing, "" if is_missing else refusal)

    def _listing(self) -> frozenset[str] | None:
        """The names in the directory; None if the server does not tell them."""
        if self._names is None:
            folder = self._directory or "."
            where = f"{folder} on {self._host}"
            with suppress(StoreError, OSError), self._in_time():
                entries = entries_in(self._session, folder, where)
                self._names = frozenset(name for name, _ in entries)
        return self._names

    # What may be left

    def _left_after_removing(self, path: str) -> str:
        """Remove what is not whole; says what is left, empty if nothing is."""
        try:
            self._session = session_of(self._connection)
            removed, looked = self._ask(ask.remove(path), ask.lstat(path))
            problem = self._outcome(removed, Answer.check)
            about = self._outcome(looked, Answer.attributes)
        except CucmshError:
            return f"{path} may be left there, not whole: remove it"
        if problem is None or isinstance(problem, FileNotFoundError):
            return ""
        if isinstance(about, FileNotFoundError):
            return f"what was sent of {path} may be on the server, not whole"
        return f"{path} is left there, not whole: remove it"

    # Asking

    def _ask(self, *requests: ask.Request) -> list[Answer]:
        """One flight, in time; refusals are in the answers.

        Raises:
            NoAnswerError, ConnectionFailedError: it broke.
        """
        with self._in_time():
            return self._session.flight(*requests)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        seconds = deadline.OPERATION_SECONDS
        late = NoAnswerError(f"{self._host} did not answer in {seconds:.0f} seconds")
        try:
            with within(seconds, self._connection.close, late):
                yield
        except BROKEN as problem:
            raise self._broke(problem) from problem
        except OSError as problem:
            if problem.errno is None:  # paramiko's: the channel is closed
                raise self._broke(problem) from problem
            raise

    def _outcome(self, answer: Answer, read: Callable[[Answer], T]) -> T | OSError:
        """What the answer holds, or how the server refused."""
        try:
            return read(answer)
        except OSError as problem:
            return problem
        except EOFError:
            return OSError(errno.EIO, "the server says that the file ends there")
        except BROKEN as problem:
            raise self._broke(problem) from problem

    def _broke(self, problem: Exception) -> ConnectionFailedError:
        self._session.close()  # what comes late must not answer the next request
        reason = f": {problem}" if str(problem) else ""
        return ConnectionFailedError(f"the connection to {self._host} broke{reason}")

    def _is_no_directory(self) -> bool:
        (answer,) = self._ask(ask.stat_of(self._directory or "."))
        about = self._outcome(answer, Answer.attributes)
        if isinstance(about, OSError):
            return isinstance(about, FileNotFoundError)
        return about.has_kind and not stat.S_ISDIR(about.mode)

    def _refused(
        self, what: str, path: str, problem: OSError, size: int = 0
    ) -> StoreError:
        number, why = problem.errno, problem.strerror
        if number == errno.EIO and STATVFS in self._session.extensions:
            with self._in_time():
                found = why_not(self._session, self._directory or ".", size + PIECE)
            number, why = (found, os.strerror(found)) if found else (number, why)
        advice = f"{LOOK_THERE}, or name another directory."
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            advice = advice_for(number)
        return StoreError(f"{self._host} refused {what} {path}: {why}", advice)

    def _path(self, name: str) -> str:
        return os.path.join(self._directory, name)


def digest_of(pieces: Iterable[bytes]) -> str:
    """SHA-256, in hexadecimal."""
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _batches(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(islice(pieces, BATCH)):
        yield batch


def _with(problem: CucmshError, left: str) -> CucmshError:
    """The same error, which says too what is left on the server."""
    return type(problem)(f"{problem.message}; {left}", problem.advice)
