"""Reads the terminal: bytes become keys, and each Enter is counted once.

Echoes nothing, flushes nothing, and interprets no key but Enter. CR, LF and CR LF are
one Enter each, also when the LF arrives in a later read (docs/clients.md E3); the Enter
that follows a single-key answer belongs to that answer (D1). Type-ahead waits in the
kernel and here, in order (E7).

The LF of a CR LF, and the Enter after a single key, may come within a second, or until
the next prompt is about to be written, whichever is later. So a command that runs for
a minute does not turn the LF of its own CR LF into an empty line.
"""

from __future__ import annotations

import codecs
import os
import select
from collections import deque
from collections.abc import Callable

from cucmsh.shell.dialog import EndOfInput

ENTER = "\n"
_CHUNK = 4096  # bytes, the size of the kernel's own queue
_FOLLOWER_SECONDS = 1.0
_SEQUENCE_SECONDS = 0.05
_LONGEST_SEQUENCE = 64  # keys


class Keyboard:
    """Keys from a file descriptor; `clock` gives monotonic seconds."""

    def __init__(self, fd: int, clock: Callable[[], float]) -> None:
        self._fd = fd
        self._clock = clock
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._waiting: deque[str] = deque()
        self._followers = ""
        self._followers_until = 0.0
        self._has_ended = False
        self._is_blocked = False
        self.idle_seconds: float | None = None  # how long `key` waits; None: for ever
        self.was_idle = False

    @property
    def is_ready(self) -> bool:
        """True when a key can be had without waiting."""
        return bool(self._waiting)

    @property
    def has_ended(self) -> bool:
        """True when no more will come than what waits."""
        return self._has_ended

    def key(self) -> str:
        """Wait for a key and return it; every kind of Enter is LF.

        Raises:
            EndOfInput: there will be no more, or none came for too long.
        """
        while True:
            while not self._waiting:
                if self._has_ended:
                    raise EndOfInput
                if not self._read(self.idle_seconds, waits=True):
                    self.expire()
            is_late = self._clock() > self._followers_until
            if (key := self._take(is_late=is_late)) is not None:
                return key

    def settle(self) -> None:
        """Before a prompt or question: drop what still belongs to the last Enter."""
        while self._followers:
            if not self._waiting:
                self._read(0)
            if not self._waiting or self._waiting[0] not in self._followers:
                return
            self._take(is_late=False)

    def expect_enter(self) -> None:
        """Let an Enter that comes next belong to the key before it."""
        self._expect("\r\n")

    def drop_waiting(self, until: str) -> None:
        """Forget all that has come, or what came before one of `until`."""
        while self._read(0):
            pass
        while self._waiting and self._waiting[0] not in until:
            self._take(is_late=False)

    def skip_sequence(self) -> None:
        """After an ESC: forget the rest of what an arrow or function key sends."""
        self.linger()
        if self._waiting and self._waiting[0] in "[O":
            self._waiting.popleft()
            while self._waiting and not "@" <= self._waiting.popleft() <= "~":
                pass

    def linger(self) -> None:
        """Wait until nothing has come for 50 ms: a key's bytes come together."""
        while len(self._waiting) < _LONGEST_SEQUENCE and self._read(_SEQUENCE_SECONDS):
            pass

    def take_waiting(self) -> str:
        """Return, and forget, every key that has come so far, as it was sent."""
        text = "".join(self._waiting)
        self._waiting.clear()
        return text

    def give_back(self, text: str) -> None:
        """Put keys back in front of those that wait."""
        self._waiting.extendleft(reversed(text))

    def end(self) -> None:
        """End the input, from a signal handler: at once if somebody waits for a key.

        Raises:
            EndOfInput: in the middle of that waiting.
        """
        self._has_ended = True
        if self._is_blocked:
            raise EndOfInput

    def expire(self) -> None:
        """Nobody is there any more: what would still come is not read.

        Where the input ended by itself, this changes nothing.
        """
        self.was_idle = self.was_idle or not self._has_ended
        self._has_ended = True

    def _take(self, *, is_late: bool) -> str | None:
        char = self._waiting.popleft()
        follows = char in self._followers and not is_late
        self._followers = ""
        if char == "\r":
            self._expect("\n")
        if follows:
            return None
        return ENTER if char == "\r" else char

    def _expect(self, followers: str) -> None:
        self._followers = followers
        self._followers_until = self._clock() + _FOLLOWER_SECONDS

    def _read(self, seconds: float | None, *, waits: bool = False) -> bool:
        """Read once, after waiting so long (None: for ever); tell if keys came.

        A signal's `end` breaks into what `waits` for somebody.
        """
        if self._has_ended:
            return False
        try:
            self._is_blocked = waits
            if self._has_ended or not select.select([self._fd], [], [], seconds)[0]:
                return False
            raw = os.read(self._fd, _CHUNK)
        except OSError:  # EIO: the line was hung up
            raw = b""
        finally:
            self._is_blocked = False
        self._has_ended = not raw
        self._waiting.extend(self._decoder.decode(raw, final=not raw))
        return bool(raw)
