"""A session's channel that pipelines its requests.

paramiko asks for one thing and waits for its answer before it asks for the next: for
the channel, for the start of a program, for what it says. Each is a round trip. A
server takes them in order (RFC 4254 section 5), so here they are sent at once, and an
answer is looked at when something depends on it.
"""

from __future__ import annotations

from threading import Event

from cucmsh.remote.ssh.transport import BoundedTransport

import paramiko  # isort: skip  # after our own, which keeps `invoke` out
from paramiko.common import (  # isort: skip
    DEFAULT_MAX_PACKET_SIZE,
    DEFAULT_WINDOW_SIZE,
    cMSG_CHANNEL_OPEN,
    cMSG_CHANNEL_REQUEST,
)

POLL_SECONDS = 0.1  # how often a waiting thread looks whether the line is still there


class SessionChannel(paramiko.Channel):
    """A channel that sends requests first and reads their answers later."""

    def ask(self, kind: str, word: str) -> None:
        """Ask that ``word`` be started: ``exec`` or ``subsystem``."""
        request = paramiko.Message()
        request.add_byte(cMSG_CHANNEL_REQUEST)
        request.add_int(self.remote_chanid)
        request.add_string(kind)
        request.add_boolean(True)
        request.add_string(word)
        self._event_pending()  # type: ignore[attr-defined]  # not in the stubs
        self._line.send(request)

    def await_start(self) -> None:
        """Wait until the server has started it.

        Raises:
            paramiko.SSHException, EOFError: it refuses, or the connection broke.
        """
        self._wait_for_event()  # type: ignore[attr-defined]  # not in the stubs

    def belongs_to(self, transport: BoundedTransport) -> None:
        self._line = transport
        self._set_transport(transport)  # type: ignore[attr-defined]  # not in the stubs
        self._set_window(DEFAULT_WINDOW_SIZE, DEFAULT_MAX_PACKET_SIZE)  # type: ignore[attr-defined]

    def _log(self, level: int, msg: str, *args: object) -> None:
        """What matters comes back as our error."""


class Opening:
    """A channel that the server was asked for.

    Raises:
        paramiko.SSHException: the connection has ended.
    """

    def __init__(self, transport: BoundedTransport) -> None:
        self._transport = transport
        self._answered = Event()

        def make(number: int) -> SessionChannel:
            channel = SessionChannel(number)
            channel.belongs_to(transport)
            return channel

        self._number, self._channel = transport.new_channel(make, self._answered)
        request = paramiko.Message()
        request.add_byte(cMSG_CHANNEL_OPEN)
        request.add_string("session")
        for field in (self._number, DEFAULT_WINDOW_SIZE, DEFAULT_MAX_PACKET_SIZE):
            request.add_int(field)
        transport.send(request)

    def channel(self) -> SessionChannel:
        """Wait for the answer.

        Raises:
            paramiko.SSHException, EOFError, OSError: the server gives none, or the
                connection broke.
        """
        while not self._answered.wait(POLL_SECONDS) and self._transport.is_active():
            pass
        if self._transport.is_active() and self._transport.has_channel(self._number):
            return self._channel
        problem = self._transport.get_exception()
        raise problem or paramiko.SSHException("it opens no channel")
