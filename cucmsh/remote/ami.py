"""A client of Asterisk's manager interface (AMI): who is registered, and a NOTIFY.

No library: those that there are keep a connection of asyncio alive for ever, and have
had no release for years. What is needed of the protocol is little: blocks of ``Name:
value`` lines that end in an empty one. Every wait ends, every block is bounded, and
nothing that another program wrote adds a line to a request.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Sequence
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

from cucmsh.config.phones import AmiAddress
from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    NoAnswerError,
    ServiceError,
)
from cucmsh.hosts import host_port
from cucmsh.quoting import shown
from cucmsh.secret import Secret

ANSWER_SECONDS = 10.0  # for one request, with all its events
LARGEST_BLOCK = 1 << 16
MOST_BLOCKS = 10_000  # events of one request
GREETING = b"Asterisk Call Manager/"
# Asterisk's is a random number of mostly ten digits; one of two millions is shorter
# than this. Without one, what we send would be the plain MD5 of the secret.
SHORTEST_CHALLENGE = 4

Fields = dict[str, str]  # names in lower case; of a name that comes twice the last


class Contact(NamedTuple):
    """Where one phone is registered.

    Attributes:
        uri: of the contact.
        call_id: of the REGISTER.
        expires: when the registration ends, seconds since 1970 as text. A later one
            says that the phone has registered again.
    """

    uri: str
    call_id: str
    expires: str


class Ami:
    """A login at a manager interface.

    Raises:
        ConnectionFailedError: nobody answers there, or not as AMI.
        NoAnswerError: it takes too long; so it is for every method.
        AuthenticationError: it refuses the user or the secret; or it wants a login
            without a challenge, which we refuse.
    """

    def __init__(self, address: AmiAddress, secret: Secret) -> None:
        self._where = f"the manager interface of {host_port(*address[:2])}"
        self._rest = b""
        self._end = monotonic() + ANSWER_SECONDS
        self._number = 0
        try:
            self._socket = socket.create_connection(address[:2], ANSWER_SECONDS)
        except OSError as problem:
            said = problem.strerror or str(problem)
            raise ConnectionFailedError(f"{self._where} does not answer: {said}") from (
                problem
            )
        try:
            self._log_in(address.user, secret)
        except BaseException:
            self.close()
            raise

    def contacts(self, endpoint: str) -> list[Contact]:
        """Where an endpoint is registered; empty if it is not.

        Raises:
            ServiceError: there is no such endpoint, or we may not ask.
        """
        found = []
        for event in self._events("PJSIPShowEndpoint", ("Endpoint", endpoint)):
            if event.get("event", "").lower() == "contactstatusdetail":
                uri, call_id = event.get("uri", ""), event.get("callid", "")
                if uri and call_id:
                    found.append(Contact(uri, call_id, event.get("regexpire", "")))
        return found

    def notify(
        self, target: tuple[str, str], headers: Sequence[tuple[str, str]]
    ) -> None:
        """Have a NOTIFY sent: it is on its way when this returns, not answered.

        Args:
            target: ``("Endpoint", name)``, or ``("URI", uri)``, which needs a
                default_outbound_endpoint there.
            headers: names and values; ``Content`` for each line of the body.

        Raises:
            ServiceError: it is refused; or a value holds what AMI would cut.
        """
        for name, value in headers:
            if set(value) & set(',"\\'):  # AMI cuts a Variable there
                raise ServiceError(
                    f"{name} of a NOTIFY holds a character that AMI does not carry: "
                    f"{shown(value)}"
                )
        variables = [("Variable", f"{name}={value}") for name, value in headers]
        self._ask("PJSIPNotify", target, *variables)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _log_in(self, user: str, secret: Secret) -> None:
        """By challenge: the secret itself is not sent."""
        if not self._until(b"\n").startswith(GREETING):
            raise ConnectionFailedError(f"{self._where} is no AMI of Asterisk")
        challenge = self._ask("Challenge", ("AuthType", "MD5")).get("challenge", "")
        if len(challenge) < SHORTEST_CHALLENGE:
            raise AuthenticationError(
                f"{self._where} gives no challenge to log in by, or one that is too "
                "short; nothing of the secret was sent",
                "Look at what answers there: Asterisk's challenge is a number of some "
                "ten digits.",
            )
        both = f"{challenge}{secret.reveal()}".encode()
        key = hashlib.md5(both, usedforsecurity=False).hexdigest()
        login = (("AuthType", "MD5"), ("Username", user), ("Key", key))
        try:
            self._ask("Login", *login, ("Events", "off"))
        except ServiceError as refusal:
            raise AuthenticationError(
                f"{self._where} accepts neither {user} nor its secret",
                "See manager.conf there, and [phones.ami] here.",
            ) from refusal

    def _ask(self, action: str, *fields: tuple[str, str]) -> Fields:
        """Send a request; its answer.

        Raises:
            ServiceError: the answer is an error.
        """
        self._end = monotonic() + ANSWER_SECONDS
        self._number += 1
        block = (("Action", action), ("ActionID", str(self._number)), *fields)
        for name, value in block:
            if not value.isprintable():
                raise ServiceError(f"{name} of {action} holds a line end")
        raw = "".join(f"{name}: {value}\r\n" for name, value in block).encode()
        try:
            self._socket.settimeout(ANSWER_SECONDS)
            self._socket.sendall(raw + b"\r\n")
        except OSError as problem:
            raise self._broken(problem) from problem
        answer = next(block for block in self._blocks() if "response" in block)
        if answer["response"].lower() not in ("success", "goodbye"):
            said = answer.get("message", "without a reason")
            raise ServiceError(f"{self._where} refuses {action}: {shown(said)}")
        return answer

    def _events(self, action: str, *fields: tuple[str, str]) -> Iterator[Fields]:
        self._ask(action, *fields)
        for block in self._blocks():
            if block.get("eventlist", "").lower() in ("complete", "cancelled"):
                return
            yield block

    def _blocks(self) -> Iterator[Fields]:
        """The blocks that belong to the request; what comes unasked is left out."""
        for _ in range(MOST_BLOCKS):
            fields: Fields = {}
            for line in self._until(b"\r\n\r\n").decode(errors="replace").split("\r\n"):
                name, _colon, value = line.partition(":")
                fields[name.strip().lower()] = value.strip()
            if fields.get("actionid") == str(self._number):
                yield fields
        raise ConnectionFailedError(f"{self._where} does not come to an end")

    def _until(self, end: bytes) -> bytes:
        while end not in self._rest:
            left = self._end - monotonic()
            if len(self._rest) > LARGEST_BLOCK:
                raise ConnectionFailedError(f"{self._where} sends what is no AMI")
            try:
                if left <= 0:  # one that trickles is never waited for by the socket
                    raise TimeoutError
                self._socket.settimeout(left)
                received = self._socket.recv(LARGEST_BLOCK)
            except OSError as problem:
                raise self._broken(problem) from problem
            if not received:
                raise ConnectionFailedError(f"{self._where} hung up")
            self._rest += received
        block, _, self._rest = self._rest.partition(end)
        return block

    def _broken(self, problem: OSError) -> ConnectionFailedError:
        if isinstance(problem, TimeoutError):
            return NoAnswerError(
                f"{self._where} did not answer within {ANSWER_SECONDS:.0f} seconds"
            )
        return ConnectionFailedError(f"{self._where} broke off: {problem.strerror}")
