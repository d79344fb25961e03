"""A node as it would be: use-cases run on it, and nothing on disk or network changes.

What an adoption means for phones is not reasoned about but tried: the same functions
adopt, compose, regenerate and reset, on a site whose files are a ``DraftStore``, that
takes no lock and changes no other host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, NoReturn, Self

from cucmsh.errors import NoAnswerError
from cucmsh.events import Sinks
from cucmsh.services.site import Site
from cucmsh.storage.draft import DraftStore

if TYPE_CHECKING:
    from cucmsh.config.model import SshAddress, TftpAddress, TvsAddress
    from cucmsh.config.phones import AmiAddress
    from cucmsh.config.settings import Settings
    from cucmsh.config.tvs import TvsSettings
    from cucmsh.pki.backend import KeyBackend
    from cucmsh.pki.credential import Credential
    from cucmsh.pki.model import Certificate
    from cucmsh.pki.sandbox import ImportedKey
    from cucmsh.remote.ami import Ami
    from cucmsh.remote.file_transfer import OutgoingFile, SentFile
    from cucmsh.remote.runner import Runner
    from cucmsh.remote.ssh.first_login import ShownKey
    from cucmsh.secret import Secret
    from cucmsh.services.backends import (
        AcceptHostKey,
        Backends,
        BackupServer,
        Link,
        RemoteFolder,
        SetKey,
        TvsServer,
    )
    from cucmsh.services.phones.store import PhoneStore
    from cucmsh.storage.search import Matches
    from cucmsh.storage.store import Store
    from cucmsh.trustlist.check import Verifier
    from cucmsh.tvs.answering import Lookup
    from cucmsh.tvs.codec import Answer, Request


class DraftSite(Site):
    """A copy of a node in memory; ``settings`` may differ from those on disk.

    Args:
        site: the node.
        settings: its configuration; ``None`` for the one that it has.
        asks: it may look, and change nothing: over TFTP at the lists that other nodes
            serve, as a start with ``keep_trust`` and a reset do; at what TVS of nodes
            answers, and at what the inventory knows, as a preview does.
    """

    home: DraftStore
    configuration: DraftStore

    def __init__(
        self, site: Site, settings: Settings | None = None, *, asks: bool = False
    ) -> None:
        self._asks = asks
        offline = _Offline(site.backends, asks=asks)
        settings = settings or site.settings
        super().__init__(settings, site.clock, offline, site.caller, site.record)
        self.home = _copy(site.home.root, site.home)
        store = site.configuration
        self.configuration = _copy(store.root, store)
        self.sinks = Sinks(())  # what is only tried did not happen
        if self._tftp is not None:
            known = site.tftp if site.node.has_tftp else None
            self._tftp = _copy(self._tftp.root, known)

    def with_settings(self, settings: Settings) -> Self:
        """The same draft with another configuration."""
        return type(self)(self, settings, asks=self._asks)

    def copy(self) -> Self:
        """Another draft that goes on from this one."""
        return type(self)(self, asks=self._asks)

    def node_lock(self, what: str) -> AbstractContextManager[None]:
        del what  # and a draft finishes nothing
        return nullcontext()

    def _lock(
        self,
        folder: str,
        note: str,
        wait: float,
        what: str,
        *,
        wait_only_for: str = "",
    ) -> AbstractContextManager[None]:
        del folder, note, wait, what, wait_only_for
        return nullcontext()


def _copy(root: str, store: object) -> DraftStore:
    """A draft of a folder; one of a draft goes on from it."""
    if isinstance(store, DraftStore) and store.root == root:
        return store.copy()
    return DraftStore(root)


def _refuse() -> NoReturn:
    raise NoAnswerError("nobody is asked while a plan is made")


class _Offline:
    """The keys of a node, and no way out of it but a look; see ``Backends``."""

    def __init__(self, backends: Backends, *, asks: bool = False) -> None:
        self._backends = backends
        self._asks = asks

    def keys(self) -> KeyBackend:
        return self._backends.keys()

    def verifier(self) -> Verifier:
        return self._backends.verifier()

    def open_key_file(self, raw: bytes, password: Secret) -> ImportedKey:
        return self._backends.open_key_file(raw, password)

    def open_any_key_file(
        self, raw: bytes, password: Secret, known: Iterable[Certificate]
    ) -> tuple[Credential, ...]:
        return self._backends.open_any_key_file(raw, password, known)

    def runner(self) -> Runner:
        _refuse()

    def search(
        self, texts: Sequence[bytes], expression: str, *, ignores_case: bool
    ) -> Matches:
        del texts, expression, ignores_case
        _refuse()

    def open_node(self, address: SshAddress) -> Link:
        del address
        _refuse()

    def show_host_key(self, host: str, port: int) -> ShownKey:
        del host, port
        _refuse()

    def open_with_password(self, address: SshAddress, password: Secret) -> Link:
        del address, password
        _refuse()

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link:
        del server, known_hosts, accept
        _refuse()

    def store_on(self, link: Link, root: str) -> Store:
        del link, root
        _refuse()

    def transfer(
        self,
        link: Link,
        directory: str,
        outgoing: OutgoingFile,
        progress: Callable[[int], object],
    ) -> SentFile:
        del link, directory, outgoing, progress
        _refuse()

    def remote_folder(self, link: Link, directory: str) -> RemoteFolder:
        del link, directory
        _refuse()

    def make_set_key(self, password: Secret) -> SetKey:
        return self._backends.make_set_key(password)

    def open_set_key(self, pem: bytes, password: Secret) -> SetKey:
        return self._backends.open_set_key(pem, password)

    def home_on(self, link: Link) -> Store:
        del link
        _refuse()

    def ask_tvs(
        self,
        address: TvsAddress,
        request: Request,
        trust: Callable[[bytes], bool],
        timeout_seconds: float = 5,
    ) -> Answer:
        if not self._asks:
            _refuse()
        return self._backends.ask_tvs(address, request, trust, timeout_seconds)

    def tvs_server(
        self,
        address: TvsAddress,
        pair: str,
        settings: Callable[[], TvsSettings],
        lookup: Lookup,
        log: Callable[[str], None],
    ) -> TvsServer:
        del address, pair, settings, lookup, log
        _refuse()

    def inventory(self, url: Secret, password: Secret | None) -> PhoneStore:
        if not self._asks:
            _refuse()
        return self._backends.inventory(url, password)

    def open_ami(self, address: AmiAddress, secret: Secret) -> Ami:
        del address, secret
        _refuse()

    def read_back(
        self, address: TftpAddress, name: str, timeout_seconds: float = 15
    ) -> bytes:
        if not self._asks:
            _refuse()
        return self._backends.read_back(address, name, timeout_seconds)
