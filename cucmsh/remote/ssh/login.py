"""Logging in: key, password, keyboard-interactive, and servers that want several.

Every method is tried once, in the order key, password, keyboard-interactive, and only
where the server offers it; after a partial success it says anew what it wants
(CSCun19112 was a login method that nobody had thought of). A password that was refused
is not sent again by another method: one typed password is one attempt (F12).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import Event, Lock
from typing import NamedTuple
from weakref import WeakValueDictionary

from cucmsh.errors import AuthenticationError
from cucmsh.quoting import shown, shown_names
from cucmsh.remote.ssh.channel import Opening
from cucmsh.remote.ssh.password_answers import PasswordAnswers
from cucmsh.remote.ssh.transport import BoundedTransport
from cucmsh.secret import Secret

import paramiko  # isort: skip  # after our own, which keeps `invoke` out
from paramiko.auth_handler import AuthHandler  # isort: skip

MAX_QUESTIONS = 32  # of one round of keyboard-interactive


class _ExpiredError(paramiko.AuthenticationException):
    """The server wants another password first."""


class Login(NamedTuple):
    """How to log in: a key file, a password, or both."""

    user: str
    password: Secret | None = None
    identity: str | None = None


class _Handler(AuthHandler):
    """Notes what the server offers; asks for the service and logs in at once.

    A server takes requests in order, so that we need not wait for its leave to ask
    (RFC 4253 section 10): a round trip for each method.
    """

    def __init__(self, transport: BoundedTransport) -> None:
        super().__init__(transport)
        self.offered: list[str] = []
        self._has_service = False

    def _request_auth(self) -> None:
        if not self._has_service:
            super()._request_auth()  # type: ignore[misc]  # not in the stubs
            self._has_service = True
        leave = paramiko.Message()
        leave.add_string("ssh-userauth")
        super()._parse_service_accept(paramiko.Message(leave.asbytes()))  # type: ignore[misc]

    def _parse_service_accept(self, m: paramiko.Message) -> None:
        """It was asked for, and used already."""

    def _parse_userauth_failure(self, m: paramiko.Message) -> None:
        self.offered = paramiko.Message(m.get_remainder()).get_list()
        super()._parse_userauth_failure(m)  # type: ignore[misc]

    def _parse_userauth_info_request(self, m: paramiko.Message) -> None:
        if self.auth_method == "password":  # the same number (RFC 4252 section 8)
            raise _ExpiredError
        peek = paramiko.Message(m.get_remainder())
        for _ in ("title", "instructions", "language"):
            peek.get_binary()
        if peek.get_int() > MAX_QUESTIONS:
            raise paramiko.SSHException("it asks too many questions")
        super()._parse_userauth_info_request(m)  # type: ignore[misc]


def log_in(
    transport: BoundedTransport, host: str, login: Login, channels: int = 0
) -> list[Opening]:
    """Log in with what we have.

    Args:
        transport: after the key exchange, the host's key accepted.
        host: for messages.
        login: user, key, password.
        channels: so many are asked for together with the login, which saves their
            round trip where a key is all that we have.

    Returns:
        The channels asked for.

    Raises:
        AuthenticationError: the server does not accept it, or wants what we have not;
            names the methods.
        paramiko.SSHException, EOFError, OSError: the connection broke.
    """
    attempts = _Attempts(transport, host, login)
    attempts.run(channels)
    return attempts.openings


class _Attempts:
    def __init__(self, transport: BoundedTransport, host: str, login: Login) -> None:
        self._transport = transport
        self._host = host
        self._user = login.user
        # A user that was typed may be a password that went to the wrong question.
        self._who = "the login" if login.password else repr(login.user)
        self._handler = _Handler(transport)
        transport.auth_handler = self._handler
        self._ways: dict[str, Callable[[Event], None]] = {}
        self._answers: PasswordAnswers | None = None
        self._tried: list[str] = []
        self._accepted: list[str] = []
        self._channels = 0
        self.openings: list[Opening] = []
        if login.identity is not None:
            key = _identity(login.identity)
            self._ways["publickey"] = lambda done: self._handler.auth_publickey(
                login.user, key, done
            )
        if (password := login.password) is not None:
            self._ways["password"] = lambda done: self._handler.auth_password(
                login.user, password.reveal(), done
            )
            self._ways["keyboard-interactive"] = lambda done: self._interactive(
                password, done
            )

    def run(self, channels: int) -> None:
        if list(self._ways) == ["publickey"]:
            # There is nothing to choose: save the round trip of asking.
            self._handler.offered = ["publickey"]
            self._channels = channels
        else:
            self._attempt(lambda done: self._handler.auth_none(self._user, done))
        while not self._transport.is_authenticated():
            offered = self._handler.offered
            way = next((way for way in self._ways if way in offered), None)
            if way is None:
                raise self._refused()
            attempt = self._ways.pop(way)
            self._tried.append(way)
            if self._attempt(attempt):
                self._accepted.append(way)
            elif way == "password" or (self._answers and self._answers.is_sent):
                self._ways.pop("password", None)
                self._ways.pop("keyboard-interactive", None)

    def _attempt(self, attempt: Callable[[Event], None]) -> bool:
        """Whether the server took it, be it as one step of several."""
        done = Event()
        try:
            attempt(done)
            while len(self.openings) < self._channels:
                self.openings.append(Opening(self._transport))
            self._handler.wait_for_response(done)
        except _ExpiredError as problem:
            raise AuthenticationError(
                f"{self._host}: the password has expired",
                "Log in there by hand, change it, and try again.",
            ) from problem
        except paramiko.AuthenticationException as problem:
            if self._transport.is_active():
                return False
            if self._transport.goodbye is None:
                raise EOFError from problem
            raise self._refused() from problem
        return True

    def _interactive(self, password: Secret, done: Event) -> None:
        has_it = "password" in self._accepted
        self._answers = PasswordAnswers(password, only_by_name=has_it)
        self._handler.auth_interactive(self._user, self._answers, done)

    def _refused(self) -> AuthenticationError:
        offered = shown_names(self._handler.offered)
        failed = [way for way in self._tried if way not in self._accepted]
        if self._accepted:
            accepted = " and ".join(self._accepted)
            what = f"it took {accepted} and also wants {offered}"
            what += f"; {' and '.join(failed)} failed" if failed else ""
        else:
            tried = " and ".join(failed) or "no login method that we have"
            what = f"tried {tried}; it offers {offered}"
        advice = "Check the user and the password."
        if "publickey" in failed:
            advice = "Check the user, and that its authorized_keys holds our key."
        if self._answers is not None and self._answers.unanswered:
            what += f"; it asked {shown(self._answers.unanswered)} (its words)"
            advice = "Use an account that needs a password only, no second factor."
        if self._transport.goodbye:
            what += f"; it ended with {shown(self._transport.goodbye)} (its words)"
        return AuthenticationError(
            f"{self._host} did not accept {self._who}: {what}", advice
        )


_identities: WeakValueDictionary[tuple[object, ...], paramiko.PKey]
_identities = WeakValueDictionary()
_reading = Lock()


def _identity(path: str) -> paramiko.PKey:
    """The key in that file; one for all connections that need it at the same time."""
    try:
        about = os.stat(path)
        known = (path, about.st_ino, about.st_size, about.st_mtime_ns)
        with _reading:
            key = _identities.get(known)
            if key is None:
                key = _identities[known] = paramiko.PKey.from_path(path)
            return key
    except (
        *(paramiko.SSHException, paramiko.pkey.UnknownKeyType),
        *(OSError, ValueError, TypeError),  # a TypeError: it has a passphrase
    ) as problem:
        raise AuthenticationError(f"the identity {path} is unusable: {problem}") from (
            problem
        )
