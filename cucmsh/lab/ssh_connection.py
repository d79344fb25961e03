"""What one SSH connection of the lab may do: log in, and open sessions.

Refused: logging in without a password or key, the client's environment, port, agent
and X11 forwarding, subsystems other than ``sftp``, a second request on one channel; and
the shell, command or SFTP that the account does not have (shell and command with one
line on standard error and status 1).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
    cMSG_CHANNEL_SUCCESS,
)
from paramiko.packet import Packetizer
from paramiko.server import InteractiveQuery

from cucmsh.errors import RefusedError
from cucmsh.lab.accounts import Account, key_fits, password_fits, ways_in
from cucmsh.lab.sftp_files import FileService
from cucmsh.lab.ssh_session import Session
from cucmsh.lab.terminal import (
    Child,
    Streams,
    Window,
    start_on_pipes,
    start_on_terminal,
)

_MOST_SESSIONS = 32
_FAILURE_DELAY = 0.2  # seconds
_TERM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")

Words = Callable[[], Sequence[str]]


class ReplyWatcher(Packetizer):
    """Tells when a channel request has been answered; paramiko has no such call."""

    answered: Callable[[], None] | None = None

    def send_message(self, data: paramiko.Message) -> None:
        super().send_message(data)
        if self.answered and data.asbytes().startswith(cMSG_CHANNEL_SUCCESS):
            self.answered()


class Connection(paramiko.ServerInterface):
    """The rules of one connection; paramiko calls it from the transport's thread.

    Args:
        accounts: by name.
        environment: what every process gets, to which only TERM is added.
        closing: set when the server stops.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        environment: Mapping[str, str],
        closing: threading.Event,
    ) -> None:
        self._accounts = accounts
        self._environment = environment
        self._closing = closing
        self._asked: Account | None = None
        self._terminals: dict[int, tuple[str, Window]] = {}
        self._sessions: dict[int, Session | FileService] = {}

    def answered(self) -> None:
        """Let the sessions begin whose requests have been answered."""
        for session in self._sessions.values():
            if isinstance(session, Session):
                session.replied.set()

    def join(self) -> None:
        """Wait until every session has ended; they do when the transport has."""
        for session in list(self._sessions.values()):
            session.join()

    # Logging in

    def get_allowed_auths(self, username: str) -> str:
        return ",".join(ways_in(self._accounts.get(username)))

    def check_auth_password(self, username: str, password: str) -> int:
        if password_fits(self._accounts.get(username), password):
            return AUTH_SUCCESSFUL
        self._closing.wait(_FAILURE_DELAY)
        return AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        fits = key_fits(self._accounts.get(username), key.get_base64())
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def check_auth_interactive(
        self, username: str, submethods: str
    ) -> int | InteractiveQuery:
        del submethods  # we have one question only
        self._asked = self._accounts.get(username)
        if "keyboard-interactive" not in ways_in(self._asked):
            return AUTH_FAILED
        return InteractiveQuery("", "", ("Password: ", False))

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        asked, self._asked = self._asked, None
        if len(responses) == 1 and password_fits(asked, responses[0]):
            return AUTH_SUCCESSFUL
        self._closing.wait(_FAILURE_DELAY)
        return AUTH_FAILED

    # Sessions

    def check_channel_request(self, kind: str, chanid: int) -> int:
        del chanid
        self._sessions = {n: s for n, s in self._sessions.items() if s.is_alive()}
        if kind != "session":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        if len(self._sessions) >= _MOST_SESSIONS:
            return OPEN_FAILED_RESOURCE_SHORTAGE
        return OPEN_SUCCEEDED

    def check_channel_pty_request(  # noqa: PLR0913, PLR0917 (paramiko's signature)
        self,
        channel: paramiko.Channel,
        term: bytes,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
        modes: bytes,
    ) -> bool:
        del pixelwidth, pixelheight, modes
        if channel.get_id() in self._sessions:
            return False
        name = term.decode("ascii", "replace")
        known = name if _TERM.fullmatch(name) else "dumb"
        self._terminals[channel.get_id()] = (known, Window(height, width))
        return True

    def check_channel_window_change_request(
        self,
        channel: paramiko.Channel,
        width: int,
        height: int,
        pixelwidth: int,
        pixelheight: int,
    ) -> bool:
        del pixelwidth, pixelheight
        session = self._sessions.get(channel.get_id())
        return isinstance(session, Session) and session.resize(Window(height, width))

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:
        return self._begin(channel, lambda: _shell(self._account(channel)))

    def check_channel_exec_request(
        self, channel: paramiko.Channel, command: bytes
    ) -> bool:
        return self._begin(channel, lambda: _command(self._account(channel), command))

    def check_channel_subsystem_request(
        self, channel: paramiko.Channel, name: str
    ) -> bool:
        account = self._account(channel)
        if name != "sftp" or not account.sftp_roots:
            return False
        if channel.get_id() in self._sessions:
            return False
        files = FileService(channel, name, self, account.sftp_roots)
        self._sessions[channel.get_id()] = files
        files.start()
        return True

    def _account(self, channel: paramiko.Channel) -> Account:
        # paramiko opens channels only for the user whose log-in it has checked
        return self._accounts[channel.get_transport().get_username() or ""]

    def _begin(self, channel: paramiko.Channel, words: Words) -> bool:
        number = channel.get_id()
        if number in self._sessions:
            return False
        terminal = self._terminals.pop(number, None)

        def launch() -> tuple[Child, Streams]:
            if terminal is None:
                return start_on_pipes(words(), self._environment)
            term, window = terminal
            environment = {**self._environment, "TERM": term}
            return start_on_terminal(words(), environment, window)

        self._sessions[number] = Session(channel, launch)
        self._sessions[number].start()
        return True


def _shell(account: Account) -> Sequence[str]:
    if account.shell is None:
        raise RefusedError(_only(account, "This account has no shell."))
    return account.shell


def _command(account: Account, command: bytes) -> Sequence[str]:
    if account.execute is None:
        raise RefusedError(_only(account, "This account runs no commands."))
    return account.execute(command.decode())  # UnicodeDecodeError is a ValueError


def _only(account: Account, otherwise: str) -> str:
    if account.sftp_roots and account.shell is None and account.execute is None:
        return "This service allows sftp connections only."
    return otherwise
