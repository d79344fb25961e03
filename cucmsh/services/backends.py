"""What a use-case is given: the clock, and the backends, which are imported late.

Protocols and values only; what their annotations name is not imported at run time,
since every login imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cucmsh.secret import Secret

if TYPE_CHECKING:
    from cucmsh.config.model import SshAddress, TftpAddress, TvsAddress
    from cucmsh.config.phones import AmiAddress
    from cucmsh.config.tvs import TvsSettings
    from cucmsh.pki.backend import KeyBackend
    from cucmsh.pki.credential import Credential
    from cucmsh.pki.model import Certificate
    from cucmsh.pki.sandbox import ImportedKey
    from cucmsh.remote.ami import Ami
    from cucmsh.remote.file_transfer import OutgoingFile, SentFile
    from cucmsh.remote.known_hosts import HostKey
    from cucmsh.remote.runner import Completed, Runner
    from cucmsh.remote.ssh.first_login import ShownKey
    from cucmsh.services.phones.store import PhoneStore
    from cucmsh.storage.search import Matches
    from cucmsh.storage.store import Store
    from cucmsh.trustlist.check import Verifier
    from cucmsh.tvs.answering import Lookup
    from cucmsh.tvs.codec import Answer, Request

AcceptHostKey = Callable[["HostKey", str], bool]


class Clock(Protocol):
    """The time; ``app.SystemClock`` in production."""

    def now(self) -> datetime:
        """Now, UTC."""

    def boot(self) -> tuple[str, float]:
        """An identifier of this boot of the machine, and seconds since then."""


class Link(Protocol):
    """A logged-in connection to another host."""

    def run(self, argv: Sequence[str], /, timeout_seconds: float = 60) -> Completed:
        """Run a command there to its end, with an empty standard input.

        Each argument arrives as it is: what the remote shell sees is quoted.

        Raises:
            NoAnswerError: it did not end in time.
            ConnectionFailedError: the connection broke.
            ServiceError: sshd does not run it.
        """

    def feed(
        self, argv: Sequence[str], raw: bytes, /, timeout_seconds: float = 60
    ) -> Completed:
        """As ``run``, with ``raw`` on its standard input."""

    def start(
        self, argv: Sequence[str], /, timeout_seconds: float = 60
    ) -> Callable[[], Completed]:
        """Begin as ``run``; the call that is returned waits for the end."""

    def close(self) -> None:
        """Log out."""


class BackupServer(NamedTuple):
    """An SFTP server outside the cluster, and how to log in."""

    host: str
    port: int
    user: str
    password: Secret


class RemoteFolder(Protocol):
    """A directory of a backup server, for files of any size.

    What its methods raise: ``StoreError`` where the server refuses,
    ``MissingFileError`` where nothing is there, ``ConnectionFailedError``.
    """

    def sizes(self) -> dict[str, int]:
        """The regular files there, and their sizes in bytes."""

    def remove(self, name: str) -> None:
        """Remove the file; one that is not there is no error."""

    def writing(self, name: str) -> AbstractContextManager[Callable[[bytes], None]]:
        """A new file: the body calls what it is given; refused if there is one."""

    def pieces(self, name: str) -> Iterator[bytes]:
        """The bytes of a file from its start."""


class SetKey(Protocol):
    """The open key of a backup set; see ``pki.set_key``."""

    @property
    def pem(self) -> bytes:
        """The key, encrypted, ASCII."""

    def sign(self, raw: bytes) -> bytes:
        """Its signature of these bytes."""

    def has_signed(self, raw: bytes, signature: bytes) -> bool:
        """Whether that is its signature of these bytes."""

    def encrypt(self, pieces: Iterable[bytes], take: Callable[[bytes], object]) -> None:
        """Encrypt the pieces for this key, and hand on what comes out."""

    def decrypt(self, pieces: Iterable[bytes], take: Callable[[bytes], object]) -> None:
        """Open what was encrypted so.

        Raises:
            KeyFileError: it was not, is cut or was changed; what was handed on is
                worth nothing.
        """


class TvsServer(Protocol):
    """See ``cucmsh.tvs.server``, which services do not import."""

    def serve(self, workers: int = 1) -> None:
        """Answer in this process until SIGTERM or SIGINT.

        Raises:
            ServiceError: the address cannot be listened on; or its workers die.
            CertificateError: the pair cannot be read, or is none that can be served.
        """


class Backends(Protocol):
    """Keys, programs of this machine, and other hosts: all that is imported late."""

    def keys(self) -> KeyBackend:
        """Makes, reads and writes keys and certificates."""

    def open_key_file(self, raw: bytes, password: Secret) -> ImportedKey:
        """Read a PKCS#12 from elsewhere in a sandbox; see ``pki.sandbox``."""

    def open_any_key_file(
        self, raw: bytes, password: Secret, known: Iterable[Certificate]
    ) -> tuple[Credential, ...]:
        """Read a PKCS#12 or PEM from elsewhere in a sandbox; see ``pki.sandbox``."""

    def verifier(self) -> Verifier:
        """Verifies signatures of lists and signed files."""

    def runner(self) -> Runner:
        """Runs programs of this machine, each from a fixed argv."""

    def search(
        self, texts: Sequence[bytes], expression: str, *, ignores_case: bool
    ) -> Matches:
        """The lines in which a regular expression is found; see ``storage.search``."""

    def open_node(self, address: SshAddress) -> Link:
        """Log in to a node with our key; called by ``Site.open_link`` only.

        Raises:
            ConnectionFailedError, NoAnswerError: it does not answer.
            HostKeyError: it shows another key than the pinned one.
            AuthenticationError: it does not take our key.
        """

    def show_host_key(self, host: str, port: int) -> ShownKey:
        """The host key of a host that is no node yet; nothing is sent to it.

        Raises:
            ConnectionFailedError: it does not answer.
            HostKeyError: the key is too weak to be pinned.
        """

    def open_with_password(self, address: SshAddress, password: Secret) -> Link:
        """The first login to a host whose key is pinned; raises as ``open_node``."""

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link:
        """Log in to a backup server.

        Args:
            server: where, and as whom.
            known_hosts: path of the file that remembers host keys.
            accept: asked about a key that is not in it; False refuses the host.

        Raises:
            ConnectionFailedError, HostKeyError, AuthenticationError: as ``open_node``.
        """

    def store_on(self, link: Link, root: str) -> Store:
        """The files below ``root`` on that host, over SFTP."""

    def transfer(
        self,
        link: Link,
        directory: str,
        outgoing: OutgoingFile,
        progress: Callable[[int], object],
    ) -> SentFile:
        """Put a file on somebody else's server; see ``remote.sftp.file_transfer``."""

    def remote_folder(self, link: Link, directory: str) -> RemoteFolder:
        """A directory of somebody else's server."""

    def make_set_key(self, password: Secret) -> SetKey:
        """A new key for a backup set.

        Raises:
            ServiceError: the library of the extra ``recovery`` is not installed.
        """

    def open_set_key(self, pem: bytes, password: Secret) -> SetKey:
        """The key of a set; raises as ``pki.set_key.SetKey.open``, and as above."""

    def home_on(self, link: Link) -> Store:
        """The files in the home of the account that was logged in to."""

    def read_back(
        self, address: TftpAddress, name: str, timeout_seconds: float = 15
    ) -> bytes:
        """What a TFTP service gives for that name.

        Raises:
            MissingFileError: it has no such file.
            ConnectionFailedError: it refuses, or does not answer in time.
        """

    def ask_tvs(
        self,
        address: TvsAddress,
        request: Request,
        trust: Callable[[bytes], bool],
        timeout_seconds: float = 5,
    ) -> Answer:
        """Ask one TVS one question, as a phone does.

        Args:
            address: where it answers.
            request: the question.
            trust: is given the certificate that it shows (DER), before it is asked.
            timeout_seconds: for all of it.

        Raises:
            TvsError: there is no answer, or none that can be used; it says why.
        """

    def tvs_server(
        self,
        address: TvsAddress,
        pair: str,
        settings: Callable[[], TvsSettings],
        lookup: Lookup,
        log: Callable[[str], None],
    ) -> TvsServer:
        """A TVS that does not listen yet.

        Args:
            address: where it is to listen.
            pair: path of the file with its key and certificate.
            settings: give its limits, which stay; and before each handshake the least
                version of TLS.
            lookup: what is vouched for.
            log: takes one line for each thing that an administrator may have to know.
        """

    def inventory(self, url: Secret, password: Secret | None) -> PhoneStore:
        """What is known of phones; called by ``phones.open_store`` only.

        Args:
            url: ``postgresql://...``, which may hold a password; or
                ``sqlite:////PATH``, which is made if it is not there.
            password: of the database, if it needs one that the URL does not hold.

        Raises:
            StoreError: it cannot be reached, opened or made; or a later version made
                it.
            ServiceError: the libraries of the extra ``inventory`` are not installed.
        """

    def open_ami(self, address: AmiAddress, secret: Secret) -> Ami:
        """Log in to a manager interface of Asterisk; raises as ``remote.ami.Ami``."""
