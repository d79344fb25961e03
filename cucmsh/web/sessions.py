"""Who is logged in to the page: random ids, of which only digests are kept.

In the server's memory: a restart logs everybody out. A session ends by logout, after
some minutes without a request, after some hours in any case, and with the account: a
changed password, a disabled, removed or locked account, or another privilege level
(``account_mark`` is another one then).

Refused: more than ``MOST`` sessions (the one that was idle longest goes).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from threading import Lock
from typing import NamedTuple

from cucmsh.services.caller import Privilege
from cucmsh.web.jobs import Job

MOST = 1000
MOST_RESULTS = 20
ID_BYTES = 32


class Session(NamedTuple):
    """One log-in.

    Attributes:
        account: whose it is.
        level: what it may do.
        token: each form of the session holds it.
        mark: of the account when it logged in; see ``account_mark``.
        began: seconds of the clock that the table has.
        seen: when its last request came, by the same clock.
        results: of its actions, by a random word; those of the last ``MOST_RESULTS``.
    """

    account: str
    level: Privilege
    token: str
    mark: str
    began: float
    seen: float
    results: dict[str, Job]

    def keep(self, result: Job) -> str:
        """Keep what an action did, or does; returns the word by which it is found."""
        word = secrets.token_urlsafe(16)
        self.results[word] = result
        for old in list(self.results)[:-MOST_RESULTS]:
            self.results.pop(old, None)
        return word

    def has_token(self, given: str) -> bool:
        """Whether a form is this session's."""
        return compare_digest(self.token.encode(), given.encode())


class Sessions:
    """The table.

    Args:
        idle_seconds: after which a session without a request ends.
        longest_seconds: after which each one does.
        clock: seconds; never set back.
    """

    def __init__(
        self, idle_seconds: float, longest_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._idle = idle_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._kept: dict[str, Session] = {}
        self._lock = Lock()

    def begin(self, account: str, level: Privilege, mark: str) -> str:
        """A new session; returns its id, which is kept nowhere."""
        name = secrets.token_urlsafe(ID_BYTES)
        token = secrets.token_urlsafe(ID_BYTES)
        now = self._clock()
        with self._lock:
            self._forget_old(now)
            while len(self._kept) >= MOST:
                oldest = min(self._kept, key=lambda key: self._kept[key].seen)
                del self._kept[oldest]
            self._kept[_digest(name)] = Session(
                account, level, token, mark, now, now, {}
            )
        return name

    def find(self, name: str, mark_of: Callable[[str], str]) -> Session | None:
        """The session of that id, which was seen now; None if it has ended.

        Args:
            name: its id.
            mark_of: gives the present mark of an account.
        """
        key, now = _digest(name), self._clock()
        with self._lock:
            self._forget_old(now)
            found = self._kept.get(key)
            if found is None:
                return None
            if found.mark != mark_of(found.account):
                del self._kept[key]
                return None
            self._kept[key] = found._replace(seen=now)
            return found

    def end(self, name: str) -> None:
        """Log out."""
        with self._lock:
            self._kept.pop(_digest(name), None)

    def _forget_old(self, now: float) -> None:
        for key, each in list(self._kept.items()):
            if now - each.seen >= self._idle or now - each.began >= self._longest:
                del self._kept[key]


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()
