"""What a use-case is given: the clock, and the backends, which are imported late.

Protocols and values only; what their annotations name is not imported at run time,
since every login imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cucmsh.secret import Secret

if TYPE_CHECKING:
    from cucmsh.config.model import SshAddress, TftpAddress
    from cucmsh.pki.backend import KeyBackend
    from cucmsh.pki.sandbox import ImportedKey
    from cucmsh.remote.file_transfer import OutgoingFile, SentFile
    from cucmsh.remote.known_hosts import HostKey
    from cucmsh.remote.runner import Completed, Runner
    from cucmsh.storage.store import Store
    from cucmsh.trustlist.check import Verifier

AcceptHostKey = Callable[["HostKey", str], bool]


class Clock(Protocol):
    """The time, as the front door hands it in."""

    def now(self) -> datetime:
        """Now, UTC."""

    def boot(self) -> tuple[str, float]:
        """An identifier of this boot of the machine, and seconds since then."""


class Link(Protocol):
    """A logged-in connection to another host."""

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed: ...

    def feed(
        self, words: Sequence[str], raw: bytes, timeout_seconds: float = 60
    ) -> Completed:
        """As ``run``, with ``raw`` on its standard input."""

    def start(
        self, words: Sequence[str], timeout_seconds: float = 60
    ) -> Callable[[], Completed]:
        """As ``run``; the call waits for the end, and other work may come between."""

    def close(self) -> None: ...


class BackupServer(NamedTuple):
    """An SFTP server outside the cluster, and how to log in."""

    host: str
    port: int
    user: str
    password: Secret


class Backends(Protocol):
    """The rooms and hosts that are entered late."""

    def keys(self) -> KeyBackend: ...

    def open_key_file(self, raw: bytes, password: Secret) -> ImportedKey: ...

    def verifier(self) -> Verifier: ...

    def runner(self) -> Runner: ...

    def open_node(self, address: SshAddress) -> Link: ...

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link: ...

    def store_on(self, link: Link, root: str) -> Store: ...

    def transfer(
        self,
        link: Link,
        directory: str,
        outgoing: OutgoingFile,
        progress: Callable[[int], object],
    ) -> SentFile:
        """Put a file on somebody else's server; see ``remote.sftp.file_transfer``."""

    def home_on(self, link: Link) -> Store:
        """The home of the account that is logged in to."""

    def read_back(
        self, address: TftpAddress, name: str, timeout_seconds: float = 15
    ) -> bytes: ...
