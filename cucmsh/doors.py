"""The heavy rooms, entered when a service first asks: the app's other half.

Imports nothing until then: a login pays for every import before its prompt.
"""

from __future__ import annotations

from cucmsh.shapes import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cucmsh.cluster.deposit import Deposited, Parcel
    from cucmsh.cluster.first_login import ShownKey
    from cucmsh.cluster.model import SshAddress, TftpAddress
    from cucmsh.cluster.runner import Runner
    from cucmsh.cluster.store import Store
    from cucmsh.pki.foreign import ForeignKey
    from cucmsh.pki.room import KeyRoom
    from cucmsh.services.doors import AcceptHostKey, BackupServer, Link
    from cucmsh.trustlist.check import Verifier


class LateDoors:
    """Imports a room when a service first asks for it; see ``Doors``."""

    def keys(self) -> KeyRoom:
        from cucmsh.pki.room import KeyRoom

        return KeyRoom()

    def open_foreign_key(self, raw: bytes, password: str) -> ForeignKey:
        from cucmsh.cluster.process import LocalRunner
        from cucmsh.pki.foreign import open_foreign

        return open_foreign(raw, password, LocalRunner().feed)

    def verifier(self) -> Verifier:
        from cucmsh.pki.verify import RsaVerifier

        return RsaVerifier()

    def runner(self) -> Runner:
        from cucmsh.cluster.process import LocalRunner

        return LocalRunner()

    def open_node(self, address: SshAddress) -> Link:
        from cucmsh.cluster.greeting import greet

        # The import of paramiko takes as long as the server does to get ready.
        greeted = greet(address.host, address.port)
        from cucmsh.cluster.ssh import open_node

        return open_node(address, greeted)

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link:
        from cucmsh.cluster.hostkeys import KnownHosts
        from cucmsh.cluster.ssh import Login, open_host

        login = Login(server.user, server.password)
        known = KnownHosts(known_hosts)
        return open_host((server.host, server.port), login, known, accept)

    def look(self, host: str, port: int) -> ShownKey:
        from cucmsh.cluster.first_login import look

        return look(host, port)

    def open_with_password(self, address: SshAddress, password: str) -> Link:
        from cucmsh.cluster.first_login import open_with_password

        return open_with_password(address, password)

    def home_on(self, link: Link) -> Store:
        return self.store_on(link, ".")

    def store_on(self, link: Link, root: str) -> Store:
        from typing import cast

        from cucmsh.cluster.sftp import SftpStore
        from cucmsh.cluster.ssh import SshConnection

        return SftpStore(cast(SshConnection, link), root)

    def deposit(
        self,
        link: Link,
        directory: str,
        parcel: Parcel,
        progress: Callable[[int], object],
    ) -> Deposited:
        from typing import cast

        from cucmsh.cluster.sftp_deposit import Depositor
        from cucmsh.cluster.ssh import SshConnection

        return Depositor(cast(SshConnection, link), directory, progress).run(parcel)

    def read_back(
        self, address: TftpAddress, name: str, patience_seconds: float = 15
    ) -> bytes:
        from cucmsh.cluster.tftp import read_back

        return read_back(address, name, patience_seconds)
