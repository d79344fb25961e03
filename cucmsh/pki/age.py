"""age, streamed: what is encrypted to a key, and opened with it. The door of pyrage.

https://age-encryption.org/v1: each 64 KiB are authenticated, so that a flipped byte and
a cut are refused; what was opened before that is already handed on, and is worth
nothing until the end was reached. Memory does not grow with the size (measured: 24 MiB
for the process). With a passphrase in place of a key it would take 512 MiB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyrage

from cucmsh.errors import KeyFileError

WRITTEN = 1 << 16


class _Source:
    """Pieces as a file to read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")
        self.problem: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._left:
                self._left = memoryview(next(self._pieces))
        except StopIteration:
            return b""
        except BaseException as problem:  # pyrage would make an error of its own of it
            self.problem = problem
            raise
        given, self._left = self._left[:size], self._left[size:]
        return bytes(given)


class _Target:
    """A file to write to that hands on larger pieces."""

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take
        self._kept = bytearray()
        self.problem: BaseException | None = None

    def write(self, piece: bytes) -> int:
        self._kept += piece
        if len(self._kept) >= WRITTEN:
            self.flush()
        return len(piece)

    def flush(self) -> None:
        if not self._kept:
            return
        try:
            self._take(bytes(self._kept))
        except BaseException as problem:  # as above
            self.problem = problem
            raise
        self._kept.clear()


def encrypt(
    pieces: Iterable[bytes], take: Callable[[bytes], object], recipient: str
) -> None:
    """Encrypt all pieces to an SSH key, and hand what comes out to ``take``.

    Whatever the two callables raise is raised as it is.
    """
    source, target = _Source(pieces), _Target(take)
    to = [pyrage.ssh.Recipient.from_str(recipient)]
    try:
        pyrage.encrypt_io(source, target, to)
        target.flush()
    except (pyrage.EncryptError, OSError):  # what it makes of what the two raised
        _raise_own(source, target)
        raise


def decrypt(
    pieces: Iterable[bytes], take: Callable[[bytes], object], identity: bytes
) -> None:
    """Open what was encrypted to the key, and hand what comes out to ``take``.

    Raises:
        KeyFileError: it was encrypted to another key, is cut or was changed. What was
            handed out is to be thrown away then.
    """
    source, target = _Source(pieces), _Target(take)
    key = [pyrage.ssh.Identity.from_buffer(identity)]
    try:
        pyrage.decrypt_io(source, target, key)
        target.flush()
    # DecryptError and OSError, as far as is known; but it is outside code on bytes of a
    # stranger. It may make either of what the two callables raised, too.
    except Exception as problem:
        _raise_own(source, target)
        raise KeyFileError(
            f"it does not open with the set's key, is cut or was changed: {problem}"
        ) from problem


def _raise_own(source: _Source, target: _Target) -> None:
    own = source.problem or target.problem
    if own is not None:
        raise own from None
