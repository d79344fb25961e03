"""Imports what is heavy (keys, SSH, SFTP, TFTP) when a use-case first asks for it.

Every login pays for what is imported before its prompt, so nothing is until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cucmsh.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cucmsh.config.model import SshAddress, TftpAddress, TvsAddress
    from cucmsh.config.phones import AmiAddress
    from cucmsh.config.tvs import TvsSettings
    from cucmsh.pki.backend import KeyBackend
    from cucmsh.pki.credential import Credential
    from cucmsh.pki.model import Certificate
    from cucmsh.pki.sandbox import ImportedKey
    from cucmsh.pki.set_key import SetKey
    from cucmsh.remote.ami import Ami
    from cucmsh.remote.file_transfer import OutgoingFile, SentFile
    from cucmsh.remote.runner import Runner
    from cucmsh.remote.ssh.client import SshConnection
    from cucmsh.remote.ssh.first_login import ShownKey
    from cucmsh.secret import Secret
    from cucmsh.services.backends import (
        AcceptHostKey,
        BackupServer,
        Link,
        RemoteFolder,
    )
    from cucmsh.services.phones.store import PhoneStore
    from cucmsh.storage.search import Matches
    from cucmsh.storage.store import Store
    from cucmsh.trustlist.check import Verifier
    from cucmsh.tvs.answering import Lookup
    from cucmsh.tvs.codec import Answer, Request
    from cucmsh.tvs.server import TvsServer


class LateBackends:
    """The backends of a node; see ``services.backends.Backends``."""

    def keys(self) -> KeyBackend:
        from cucmsh.pki.backend import KeyBackend

        return KeyBackend()

    def open_key_file(self, raw: bytes, password: Secret) -> ImportedKey:
        from cucmsh.pki.sandbox import open_in_sandbox
        from cucmsh.remote.process import LocalRunner

        return open_in_sandbox(raw, password, LocalRunner().feed)

    def open_any_key_file(
        self, raw: bytes, password: Secret, known: Iterable[Certificate]
    ) -> tuple[Credential, ...]:
        from cucmsh.pki.sandbox import open_any_in_sandbox
        from cucmsh.remote.process import LocalRunner

        return open_any_in_sandbox(raw, password, known, LocalRunner().feed)

    def verifier(self) -> Verifier:
        from cucmsh.pki.verify import SignatureVerifier

        return SignatureVerifier()

    def runner(self) -> Runner:
        from cucmsh.remote.process import LocalRunner

        return LocalRunner()

    def search(
        self, texts: Sequence[bytes], expression: str, *, ignores_case: bool
    ) -> Matches:
        from cucmsh.remote.process import LocalRunner
        from cucmsh.storage.search import search

        feed = LocalRunner().feed
        return search(texts, expression, feed, ignores_case=ignores_case)

    def open_node(self, address: SshAddress) -> Link:
        from cucmsh.remote.ssh.connect import greet

        # The import of paramiko takes as long as the server does to get ready.
        greeted = greet(address.host, address.port)
        from cucmsh.remote.ssh.client import open_node

        return open_node(address, greeted)

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link:
        from cucmsh.remote.known_hosts import KnownHosts
        from cucmsh.remote.ssh.client import Login, open_host

        login = Login(server.user, server.password)
        known = KnownHosts(known_hosts)
        return open_host((server.host, server.port), login, known, accept)

    def show_host_key(self, host: str, port: int) -> ShownKey:
        from cucmsh.remote.ssh.first_login import show_host_key

        return show_host_key(host, port)

    def open_with_password(self, address: SshAddress, password: Secret) -> Link:
        from cucmsh.remote.ssh.first_login import open_with_password

        return open_with_password(address, password)

    def home_on(self, link: Link) -> Store:
        return self.store_on(link, ".")

    def store_on(self, link: Link, root: str) -> Store:
        from cucmsh.remote.sftp.store import SftpStore

        return SftpStore(_connection(link), root)

    def transfer(
        self,
        link: Link,
        directory: str,
        outgoing: OutgoingFile,
        progress: Callable[[int], object],
    ) -> SentFile:
        from cucmsh.remote.sftp.file_transfer import FileTransfer

        return FileTransfer(_connection(link), directory, progress).run(outgoing)

    def remote_folder(self, link: Link, directory: str) -> RemoteFolder:
        from cucmsh.remote.sftp.stream import SftpFolder

        return SftpFolder(_connection(link), directory)

    def make_set_key(self, password: Secret) -> SetKey:
        return _set_keys().make(password)

    def open_set_key(self, pem: bytes, password: Secret) -> SetKey:
        return _set_keys().open(pem, password)

    def read_back(
        self, address: TftpAddress, name: str, timeout_seconds: float = 15
    ) -> bytes:
        from cucmsh.tftp.client import read_back

        return read_back(address, name, timeout_seconds)

    def ask_tvs(
        self,
        address: TvsAddress,
        request: Request,
        trust: Callable[[bytes], bool],
        timeout_seconds: float = 5,
    ) -> Answer:
        from cucmsh.tvs.client import ask

        where = (address.host, address.port)
        return ask(*where, request, trust=trust, timeout_seconds=timeout_seconds)

    def tvs_server(
        self,
        address: TvsAddress,
        pair: str,
        settings: Callable[[], TvsSettings],
        lookup: Lookup,
        log: Callable[[str], None],
    ) -> TvsServer:
        from pathlib import Path

        from cucmsh.tvs.contexts import Identity
        from cucmsh.tvs.limits import Limits
        from cucmsh.tvs.server import TvsServer

        first = settings()
        limits = Limits(
            connections=first.connections,
            connections_per_address=first.connections_per_address,
            handshake_seconds=first.handshake_seconds,
            message_seconds=first.message_seconds,
            idle_seconds=first.idle_seconds,
        )
        identity = Identity(
            Path(pair), first.tls_minimum, lambda: settings().tls_minimum
        )
        return TvsServer(*address, lookup, identity=identity, limits=limits, log=log)

    def inventory(self, url: Secret, password: Secret | None) -> PhoneStore:
        try:
            from cucmsh.inventory.database import open_inventory
        except ImportError as missing:
            raise ServiceError(
                f"the inventory of phones needs libraries that are not here: {missing}",
                "Install cucmsh with the extra `inventory` (docs/production.md).",
            ) from missing
        return open_inventory(url, password)

    def open_ami(self, address: AmiAddress, secret: Secret) -> Ami:
        from cucmsh.remote.ami import Ami

        return Ami(address, secret)


def _set_keys() -> type[SetKey]:
    """What makes and opens keys of sets.

    Raises:
        ServiceError: the library of the extra ``recovery`` is not installed.
    """
    try:
        from cucmsh.pki.set_key import SetKey
    except ImportError as missing:
        raise ServiceError(
            f"backup sets need a library that is not here: {missing}",
            "Install cucmsh with the extra `recovery` (docs/production.md).",
        ) from missing
    return SetKey


def _connection(link: Link) -> SshConnection:
    """The link as what ``open_node`` and its like really give.

    Raises:
        TypeError: it came from other backends, which have other files.
    """
    from cucmsh.remote.ssh.client import SshConnection

    if not isinstance(link, SshConnection):
        raise TypeError(f"no SFTP goes over a {type(link).__name__}")
    return link
