"""A publisher and a subscriber on this disk, joined in memory: no socket, no process.

Both are real sites over real stores and keys; what joins them are switches. A node can
be dead, refuse a hook, have its TFTP service stopped, failing or lying. Keys are made
once a process, and the files of the made nodes are written anew for every test.
"""

from __future__ import annotations

import functools
import itertools
import os
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from pathlib import Path
from typing import NamedTuple

import pytest
import tomlkit

from cucmsh.backends import LateBackends
from cucmsh.cli import hook as hooks
from cucmsh.config.entries import entry_of, way_of
from cucmsh.config.model import (
    Cluster,
    HttpAddress,
    Node,
    NodeRole,
    ServiceCommands,
    SshAddress,
    TftpAddress,
    TvsAddress,
)
from cucmsh.config.phones import AmiAddress
from cucmsh.config.settings import Settings, read_settings
from cucmsh.config.tvs import TvsSettings
from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    CucmshError,
    HostKeyError,
    MissingFileError,
    StoreError,
    TvsError,
    WrongPasswordError,
)
from cucmsh.layout import (
    CISCO_SYSLOG,
    HISTORY,
    LIST_FILE,
    LOGIN_FAILURES,
    RECOVERY_FILE,
)
from cucmsh.pki import pkcs12
from cucmsh.pki.backend import KeyBackend
from cucmsh.pki.certificates import make_certificate
from cucmsh.pki.credential import Credential
from cucmsh.pki.keys import DEFAULT_KIND, KINDS, PrivateKey
from cucmsh.pki.model import Certificate, Unit
from cucmsh.pki.sandbox import ImportedKey, open_any_in_sandbox
from cucmsh.pki.sandbox_worker import open_one
from cucmsh.pki.set_key import SetKey
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.remote.ami import Ami
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.remote.known_hosts import HostKey, KnownHosts
from cucmsh.remote.runner import Completed
from cucmsh.remote.ssh.first_login import ShownKey
from cucmsh.secret import Secret
from cucmsh.services.backends import (
    AcceptHostKey,
    BackupServer,
    Link,
    RemoteFolder,
    TvsServer,
)
from cucmsh.services.certificates import verifier
from cucmsh.services.certificates.keystore import ImportedKey as OpenedKeyFile
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.lists.locate_nodes import NodeStatus
from cucmsh.services.lists.plan_reset import (
    ResetPlan,
    plan_local_reset,
    plan_remote_reset,
)
from cucmsh.services.lists.run_reset import LOCAL, carry_out
from cucmsh.services.lists.tftp_start import keep, start
from cucmsh.services.nodes.make import make_node, public_certificates
from cucmsh.services.outcome import Progress, Report, Step
from cucmsh.services.phones.store import PhoneStore
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.storage.local import LocalStore
from cucmsh.storage.search import Matches
from cucmsh.storage.store import Store
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.trust import judge
from cucmsh.tvs.answering import Lookup, answer_to
from cucmsh.tvs.codec import Answer, Request
from tests.services.callers import called

PUBLISHER = "test10pub"
SUBSCRIBER = "test10sub"
SECOND = "test10sub2"  # a second subscriber, where a test wants one
DOMAIN = "joemar2.lab"
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
SECURITY = "one long security password"
CCM = "the application administrator"
SFTP_PASSWORD = "the backup server's"
START = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
REPLICA = "branch1"
PORTS = {PUBLISHER: 6901, SUBSCRIBER: 6902, REPLICA: 6903, SECOND: 6904}
BACKUP_KEY = HostKey("ssh-rsa", "AAAAB3NzaC1yc2EAAAADAQABAAAAAgC7")
BACKUP_BLOB = b64decode(BACKUP_KEY.key)
MD5_FINGERPRINT = md5(BACKUP_BLOB).digest().hex(":")
SHA256_FINGERPRINT = (
    f"SHA256:{b64encode(sha256(BACKUP_BLOB).digest()).decode().rstrip('=')}"
)
CHEAP_SCRYPT = 16  # the real figure costs 50 ms a question


class _Keys:
    """Small keys, made once a process and handed out in turn.

    So many that none comes again while a test still has the earlier certificate of it.
    """

    NUMBER = 64

    def __init__(self) -> None:
        self._made: list[PrivateKey] = []
        self._turn = itertools.count()
        self._lock = threading.Lock()

    def take(self) -> PrivateKey:
        with self._lock:
            turn = next(self._turn) % self.NUMBER
            if turn == len(self._made):
                self._made.append(KINDS[DEFAULT_KIND].generate(1024))
            return self._made[turn]


_KEYS = _Keys()


# Each reading checks the whole key again: two thirds of a test that resets.
_read_once = functools.cache(pkcs12.read_key_file)


class QuickKeys(KeyBackend):
    """The real room, with small keys and few rounds; tests/pki has the real figure."""

    @staticmethod
    def make_credential(  # type: ignore[override]  # the room has no fixed size
        unit: Unit, common_name: str, subject: str, now: datetime, *, days: int = 1825
    ) -> Credential:
        key = _KEYS.take()
        made = make_certificate(key, unit, common_name, subject, now, days=days)
        return Credential(key, made)

    @staticmethod
    def write_key_file(credential: Credential, password: Secret) -> bytes:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pkcs12, "ROUNDS", 1000)
            return pkcs12.write_key_file(credential, password.reveal())

    @staticmethod
    def read_key_file(raw: bytes, password: Secret) -> Credential:
        return _read_once(raw, password.reveal())


class SettableClock:
    """One time for the whole cluster; see ``Clock``."""

    def __init__(self) -> None:
        self.moment = START
        self.boot_id = "first boot"
        self.uptime = 1000.0

    def now(self) -> datetime:
        return self.moment

    def boot(self) -> tuple[str, float]:
        return self.boot_id, self.uptime

    def pass_seconds(self, seconds: float) -> None:
        """Time goes by: both clocks know."""
        self.moment += timedelta(seconds=seconds)
        self.uptime += seconds

    def reboot(self) -> None:
        self.boot_id += "'"
        self.uptime = 0.0


class TftpStandIn:
    """A node's TFTP service and its service manager; see ``Runner``."""

    def __init__(self) -> None:
        self.is_running = True
        self.restart_fails = False
        self.lies_with: bytes | None = None
        self.answers_others = True
        self.requests: list[str] = []
        self.before_start: Callable[[], object] = lambda: None

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        assert timeout_seconds > 0
        if words[0] == "systemctl":
            return Completed(1, "", "no systemd is here")
        verb = words[-1]
        if verb == "status":
            return Completed(0 if self.is_running else 3, "", "")
        self.requests.append(verb)
        self.is_running = False
        if verb == "stop":
            return Completed(0, "", "")
        if self.restart_fails:
            return Completed(1, "", "Job for tftpd failed.")
        try:
            self.before_start()
        except CucmshError as refusal:
            return Completed(1, "", refusal.message)
        self.is_running = True
        return Completed(0, "", "")


def start_tftp(site: Site) -> str:
    """What the hook before a TFTP start says."""
    try:
        started = start(site)
    except CucmshError as problem:
        started = keep(site, problem)
    return "\n".join([*started.done, *started.problems])


class Member:
    """One node with its switches."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.node = site.node
        self.service = TftpStandIn()
        self.service.before_start = self.start
        self.is_dead = False
        self.tvs_is_stopped = False
        self.refuses: set[str] = set()
        self.hooks_run: list[str] = []
        self.certificates_when_listed: list[bytes] = []

    @property
    def keys(self) -> Keystore:
        return Keystore(self.site)

    @property
    def raw(self) -> bytes:
        """The list in the TFTP directory."""
        return self.site.tftp.read(LIST_FILE)

    @property
    def served(self) -> TrustList:
        return decode(self.raw)

    @property
    def signer(self) -> str:
        return self.served.header.signer_name.split(";")[0]

    def start(self) -> str:
        """What systemd runs before the TFTP service starts."""
        return start_tftp(self.site)

    def read_configuration(self) -> None:
        """The next process of the node finds what its file says now."""
        site = self.site
        settings = read_settings(site.settings.path)
        self.site = called(Site(settings, site.clock, site.backends))
        self.service.before_start = self.start

    def again(self) -> Site:
        """The same node as a new process sees it."""
        return called(Site(self.site.settings, self.site.clock, self.site.backends))


class Replica:
    """A box with a TFTP service and nothing of ours, with the switches of a member."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.service = TftpStandIn()
        self.store = LocalStore(node.tftp_directory)
        self.is_dead = False
        self.breaks_at: list[str] = []
        self.logins = 0
        self.seconds_ahead = 0.0  # its clock

    @property
    def raw(self) -> bytes:
        return self.store.read(LIST_FILE)

    def reach(self, step: str) -> None:
        """Break once at the steps that the test named.

        Raises:
            ConnectionFailedError: it is one of them.
        """
        if step in self.breaks_at:
            self.breaks_at.remove(step)
            raise ConnectionFailedError(f"the connection broke at {step}")


class ClockedStore(LocalStore):
    """Files on a machine whose clock is the cluster's."""

    def __init__(self, root: str, clock: SettableClock, ahead: float = 0) -> None:
        super().__init__(root)
        self._clock, self._ahead = clock, ahead

    def clock(self) -> int:
        super().clock()  # it can be written to
        return int(self._clock.now().timestamp() + self._ahead)


class ReplicaStore(ClockedStore):
    """The TFTP directory of a replica, over a connection that may break."""

    def __init__(self, replica: Replica, clock: SettableClock) -> None:
        super().__init__(replica.node.tftp_directory, clock, replica.seconds_ahead)
        self._replica = replica

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        self._replica.reach("stage")
        staged = super().stage(name, raw, mode)
        self._replica.reach("staged")
        return staged

    def commit(self, temporary: str, name: str) -> None:
        self._replica.reach("commit")
        super().commit(temporary, name)
        self._replica.reach("committed")


class AtOnce:
    """A link on which nothing takes time."""

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        raise NotImplementedError

    def feed(
        self, words: Sequence[str], raw: bytes, timeout_seconds: float = 60
    ) -> Completed:
        raise NotImplementedError

    def start(
        self, words: Sequence[str], timeout_seconds: float = 60
    ) -> Callable[[], Completed]:
        return lambda: self.run(words, timeout_seconds)


class ReplicaLink(AtOnce):
    """A connection to a replica: runs its service commands."""

    def __init__(self, replica: Replica) -> None:
        self.replica = replica
        self.stores: list[LocalStore] = []
        replica.logins += 1

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        self.replica.reach(words[-1])
        return self.replica.service.run(words, timeout_seconds)

    def close(self) -> None:
        """What was staged over this connection is nobody's from now on."""
        for store in self.stores:
            store.close()


class NodeLink(AtOnce):
    """A connection to a member: runs its hooks as its front door does."""

    def __init__(self, member: Member) -> None:
        self._member = member

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        return self.feed(words, b"", timeout_seconds)

    def feed(
        self, words: Sequence[str], raw: bytes, timeout_seconds: float = 60
    ) -> Completed:
        assert timeout_seconds > 0
        if words[0] == "echo":  # as our key's line has it
            return Completed(1, "", "that command is not for this key")
        assert tuple(words[:2]) == ("cucmsh", "hook")
        member, hook = self._member, words[2]
        is_list = hook == "install-list"
        member.hooks_run.append(" ".join((hook, *words[7 if is_list else 5 :])))
        if hook in member.refuses:
            return Completed(1, "", "the disk is full")
        try:
            said, _ = hooks.answer(member.site, list(words[2:]), lambda: raw)
        except CucmshError as refusal:
            return Completed(refusal.exit_status, "", refusal.message)
        if hook in ("join", "renamed"):
            member.read_configuration()
        return Completed(0, said, "")

    def close(self) -> None:
        """Holds nothing."""


class BackupLink(AtOnce):
    """A connection to the backup server; runs nothing."""

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        raise AssertionError((words, timeout_seconds))

    def close(self) -> None:
        """Holds nothing."""


class BackupStore(LocalStore):
    """A directory of the backup server; it makes none, as SFTP does not."""

    def __init__(self, root: str, made: MadeCluster) -> None:
        super().__init__(root)
        self._made = made

    def transfer(self, directory: str, outgoing: OutgoingFile) -> SentFile:
        """See ``FileTransfer``, whose tests have the servers that refuse things."""
        if self._made.backup_breaks_off:
            raise ConnectionFailedError("the server closed the connection")
        if not os.path.isdir(self.root):
            raise MissingFileError(f"there is no directory {directory} on host")
        raw, name, earlier = b"".join(outgoing.pieces()), outgoing.name, ""
        sent = SentFile(f"{directory.rstrip('/')}/{name}", sha256(raw).hexdigest())
        if self._made.backup_is_hidden:
            self.write(outgoing.own_name, raw)
            return sent._replace(
                path=f"{directory.rstrip('/')}/{outgoing.own_name}",
                why_elsewhere="nobody knows what is there",
                why_unproven="host refused OPEN to read: permission denied",
            )
        if name in self.names() and self.read(name) == raw:
            return sent._replace(was_there=True)
        if name in self.names():
            number = 1
            while f"{name}.{number}" in self.names():
                number += 1
            earlier = f"{name}.{number}"
            os.rename(self._path(name), self._path(earlier))
        self.write(name, raw)
        return sent._replace(earlier=earlier)


class LocalFolder:
    """A backup server's directory on this disk; see ``RemoteFolder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def sizes(self) -> dict[str, int]:
        found = (path for path in self._folder.iterdir() if path.is_file())
        return {path.name: path.stat().st_size for path in found}

    def remove(self, name: str) -> None:
        (self._folder / name).unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator[Callable[[bytes], None]]:
        try:
            with (self._folder / name).open("xb") as file:
                yield lambda piece: void(file.write(piece))
        except OSError as problem:
            raise StoreError(f"refused to create {name}") from problem
        except BaseException:
            self.remove(name)
            raise

    def pieces(self, name: str) -> Iterator[bytes]:
        try:
            with (self._folder / name).open("rb") as file:
                while piece := file.read(1 << 15):
                    yield piece
        except FileNotFoundError as problem:
            raise MissingFileError(f"{name}: no such file") from problem


def void(_: object) -> None:
    """What it is given is not looked at."""


def open_any_here(
    raw: bytes, password: Secret, known: Iterable[Certificate]
) -> tuple[Credential, ...]:
    """What the sandbox does, in this process; tests/pki has the real one."""

    def feed(_: Sequence[str], request: bytes, __: float) -> tuple[int, bytes]:
        return open_one(request, takes_pem=True)

    return open_any_in_sandbox(raw, password, known, feed)


class JoinedBackends:
    """See ``Backends``: every node and the backup server are in this process."""

    def __init__(self, made: MadeCluster, name: str) -> None:
        self._made = made
        self._name = name

    def keys(self) -> KeyBackend:
        return QuickKeys()

    def open_key_file(self, raw: bytes, password: Secret) -> ImportedKey:
        credential = self.keys().read_key_file(raw, password)
        return ImportedKey(credential, QuickKeys.inspect(raw).is_legacy)

    def open_any_key_file(
        self, raw: bytes, password: Secret, known: Iterable[Certificate]
    ) -> tuple[Credential, ...]:
        return open_any_here(raw, password, known)

    def verifier(self) -> SignatureVerifier:
        return SignatureVerifier()

    def search(
        self, texts: Sequence[bytes], expression: str, *, ignores_case: bool
    ) -> Matches:
        return LateBackends().search(texts, expression, ignores_case=ignores_case)

    def runner(self) -> TftpStandIn:
        return self._made.members[self._name].service

    def open_node(self, address: SshAddress) -> Link:
        found = self._made.at(address.port, address.host)
        return ReplicaLink(found) if isinstance(found, Replica) else NodeLink(found)

    def show_host_key(self, host: str, port: int) -> ShownKey:
        raise AssertionError((host, port))  # every node here is pinned already

    def open_with_password(self, address: SshAddress, password: Secret) -> Link:
        raise AssertionError((address, password))

    def open_backup(
        self, server: BackupServer, known_hosts: str, accept: AcceptHostKey
    ) -> Link:
        known = KnownHosts(known_hosts)
        if not known.find(server.host, server.port):
            if not accept(BACKUP_KEY, "192.0.2.9"):
                raise HostKeyError("the host key was not accepted")
            known.add(server.host, server.port, BACKUP_KEY)
        if server.password != Secret(SFTP_PASSWORD):
            raise AuthenticationError(f"{server.host} does not accept the password")
        return BackupLink()

    def store_on(self, link: Link, root: str) -> Store:
        if isinstance(link, NodeLink):
            os.makedirs(root, exist_ok=True)
            return ClockedStore(root, self._made.clock)
        if isinstance(link, ReplicaLink):
            assert root == link.replica.node.tftp_directory
            link.stores.append(ReplicaStore(link.replica, self._made.clock))
            return link.stores[-1]
        place = self._made.backups / root.strip("/")
        return BackupStore(str(place), self._made)

    def transfer(
        self,
        link: Link,
        directory: str,
        outgoing: OutgoingFile,
        progress: Callable[[int], object],
    ) -> SentFile:
        store = self.store_on(link, directory)
        assert isinstance(store, BackupStore)
        sent = store.transfer(directory, outgoing)
        progress(outgoing.size)
        return sent

    def remote_folder(self, link: Link, directory: str) -> RemoteFolder:
        assert isinstance(link, BackupLink)
        return LocalFolder(self._made.backups / directory.lstrip("/"))

    def make_set_key(self, password: Secret) -> SetKey:
        return SetKey.make(password, 1)

    def open_set_key(self, pem: bytes, password: Secret) -> SetKey:
        return SetKey.open(pem, password)

    def home_on(self, link: Link) -> Store:
        assert isinstance(link, ReplicaLink)
        return LocalStore(str(self._made.root / REPLICA / "account"))

    def read_back(
        self, address: TftpAddress, name: str, timeout_seconds: float = 15
    ) -> bytes:
        assert timeout_seconds > 0
        member = self._made.at(address.port, address.host)
        is_other = member.node.name != self._name
        if not member.service.is_running or (
            is_other and not member.service.answers_others
        ):
            raise ConnectionFailedError("TFTP does not answer")
        if member.service.lies_with is not None:
            return member.service.lies_with
        return LocalStore(member.node.tftp_directory).read(name)

    def ask_tvs(
        self,
        address: TvsAddress,
        request: Request,
        trust: Callable[[bytes], bool],
        timeout_seconds: float = 5,
    ) -> Answer:
        assert timeout_seconds > 0
        name = next(at for at, port in PORTS.items() if port == address.port)
        member = self._made.members[name]
        if member.is_dead or member.tvs_is_stopped:
            raise TvsError(f"TVS on {address.host} does not answer.")
        if not trust(member.keys.certificate(Unit.TVS).der):
            raise TvsError(f"TVS on {address.host} shows another certificate.")
        return answer_to(request, TrustedCertificates(member.site))

    def tvs_server(
        self,
        address: TvsAddress,
        pair: str,
        settings: Callable[[], TvsSettings],
        lookup: Lookup,
        log: Callable[[str], None],
    ) -> TvsServer:
        return LateBackends().tvs_server(address, pair, settings, lookup, log)

    def inventory(self, url: Secret, password: Secret | None) -> PhoneStore:
        return LateBackends().inventory(url, password)

    def open_ami(self, address: AmiAddress, secret: Secret) -> Ami:
        return LateBackends().open_ami(address, secret)


def remote_plan(site: Site, key_file: bytes) -> ResetPlan:
    """What ``utils itl reset remotekey`` plans with a file that was fetched."""
    return plan_remote_reset(site, Keystore(site).open_key_file(key_file))


class Agreeing:
    """A ``ResetDialog`` of somebody who agrees to everything."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def fetching(self) -> AbstractContextManager[None]:
        return nullcontext()

    def own_password(
        self, refusal: WrongPasswordError, _: Callable[[Secret], OpenedKeyFile]
    ) -> OpenedKeyFile:
        raise refusal

    def ccm_password(self) -> Secret:
        return Secret(CCM)

    def planning(self, signed: Callable[[], object]) -> None:
        """Told nothing."""

    def looking(self) -> AbstractContextManager[None]:
        return nullcontext()

    def located(self, nodes: Sequence[NodeStatus]) -> None:
        assert nodes

    def agree(self, plan: ResetPlan) -> None:
        """Asked nothing."""

    def changing(self, names: Sequence[str]) -> AbstractContextManager[Progress]:
        assert names
        return nullcontext(self._progress)


class MadeCluster:
    """Both members, their clock and a backup server's directory, below ``root``."""

    def __init__(
        self,
        root: Path,
        *,
        keep_trust: bool = False,
        is_strict: bool = False,
        publisher_services: tuple[str, ...] = ("tftp", "tvs", "capf"),
        has_replica: bool = False,
        has_second: bool = False,
        release: str = "10.0",
    ) -> None:
        self.root = root
        self.backups = root / "backups"
        self.backup_breaks_off = False
        self.backup_is_hidden = False  # a drop box
        (self.backups / "home" / "joe").mkdir(parents=True)
        self.clock = SettableClock()
        nodes = [
            _node(root, PUBLISHER, NodeRole.PUBLISHER, publisher_services),
            _node(root, SUBSCRIBER, NodeRole.SUBSCRIBER, ("tftp", "tvs")),
        ]
        if has_second:
            nodes.append(_node(root, SECOND, NodeRole.SUBSCRIBER, ("tftp", "tvs")))
        if has_replica:
            nodes.append(_node(root, REPLICA, NodeRole.REPLICA, ("tftp",)))
        cluster = Cluster(DOMAIN, SUBJECT, tuple(nodes))
        self.members: dict[str, Member] = {}
        self.replica = Replica(_node(root, REPLICA, NodeRole.REPLICA, ("tftp",)))
        for node in cluster.members:
            settings = Settings(
                path=str(root / node.name / "cucmsh.toml"),
                release=release,
                is_strict=is_strict,
                keep_trust=keep_trust,
                may_change_by_exec=False,
                packs=(),
                digest="sha1",
                home=str(root / node.name / "home"),
                node=node,
                cluster=cluster,
            )
            backends = JoinedBackends(self, node.name)
            site = called(Site(settings, self.clock, backends))
            self.members[node.name] = Member(site)

    @property
    def publisher(self) -> Member:
        return self.members[PUBLISHER]

    @property
    def subscriber(self) -> Member:
        return self.members[SUBSCRIBER]

    @property
    def site(self) -> Site:
        return self.publisher.site

    def set_release(self, release: str) -> None:
        """Both members are configured so from now on."""
        for member in self.members.values():
            settings = member.site.settings._replace(release=release)
            member.site = member.site.with_settings(settings)

    def at(self, port: int, host: str) -> Member | Replica:
        """The node at that address.

        Raises:
            ConnectionFailedError: it is dead.
        """
        name = next(name for name, number in PORTS.items() if number == port)
        found = self.replica if name == REPLICA else self.members[name]
        if found.is_dead:
            raise ConnectionFailedError(f"{host} does not answer")
        return found

    def write_configurations(self) -> None:
        """The file of each member, for what edits it."""
        for member in self.members.values():
            settings = member.site.settings
            nodes = [
                entry_of(node)
                | (way_of(node, node.ssh) if node.ssh else {})
                | {"service_commands": node.service_commands._asdict()}
                for node in settings.cluster.nodes
                if node.service_commands
            ]
            document = {
                "release": settings.release,
                "keep_trust": settings.keep_trust,
                "node": {"name": member.node.name, "home": settings.home},
                "cluster": {
                    "domain": settings.cluster.domain,
                    "subject": settings.cluster.subject,
                    "digest": settings.digest,
                    "nodes": nodes,
                },
            }
            Path(settings.path).write_text(tomlkit.dumps(document))

    def lead_to_the_publisher(self) -> None:
        """No subscriber logs in to another one, as in production."""
        for member in self.members.values():
            settings = member.site.settings
            nodes = tuple(
                node
                if member is self.publisher
                or node.is_publisher
                # Its own entry is this node's, which has service commands.
                or node.name == member.node.name
                else node._replace(ssh=None)
                for node in settings.cluster.nodes
            )
            cluster = settings.cluster._replace(nodes=nodes)
            member.site = member.site.with_settings(settings._replace(cluster=cluster))

    def start(self) -> None:
        """Every node composes its list, as at the first start."""
        for member in self.members.values():
            member.start()

    def make(self) -> None:
        """First keys and certificates, and each other's certificates."""
        for member in self.members.values():
            make_node(member.site, Secret(SECURITY), Secret(CCM))
        for giver in self.members.values():
            for unit, pem in public_certificates(giver.site).items():
                for taker in self.members.values():
                    if taker is not giver:
                        taker.keys.trust(giver.site.node, unit, pem)

    def apply(self, plan: ResetPlan) -> tuple[Report, list[tuple[Step, str]]]:
        """Carry the plan out; gives the report and what was said on the way."""
        said: list[tuple[Step, str]] = []
        dialog = Agreeing(lambda step, text: said.append((step, text)))
        return carry_out(self.site, LOCAL, lambda _: plan, dialog).report, said

    def reset(self, key_file: bytes = b"") -> Report:
        """A whole reset, all questions answered with yes."""
        if key_file:
            return self.apply(remote_plan(self.site, key_file))[0]
        return self.apply(plan_local_reset(self.site))[0]

    def key_file(self) -> bytes:
        return self.site.home.read(RECOVERY_FILE)

    def tree(self) -> dict[str, tuple[int, str]]:
        """Every file with mode and digest.

        Locks are nobody's state; and that a password was tried is counted, and told
        by an alarm, whatever becomes of the command.
        """
        return {
            str(path.relative_to(self.root)): (
                path.lstat().st_mode,
                sha256(path.read_bytes()).hexdigest(),
            )
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
            and path.suffix != ".lock"
            and not str(path).endswith((LOGIN_FAILURES, CISCO_SYSLOG))
        }


def accepts(held: TrustList, offered: TrustList) -> bool:
    """Whether a phone that holds ``held`` takes ``offered`` by itself."""
    return judge(held, offered, SignatureVerifier()).accepted


def foreign_key_file(password: str = SECURITY) -> bytes:
    """The recovery key of another cluster."""
    name = "ITLRECOVERY_other.example"
    stranger = QuickKeys.make_credential(Unit.ITL_RECOVERY, name, SUBJECT, START)
    return QuickKeys.write_key_file(stranger, Secret(password))


def made_cluster(
    root: Path,
    *,
    keep_trust: bool = False,
    is_strict: bool = False,
    publisher_services: tuple[str, ...] = ("tftp", "tvs", "capf"),
    has_replica: bool = False,
    release: str = "10.0",
) -> MadeCluster:
    """A cluster with the keys of this process's one cluster; nothing is composed."""
    made = MadeCluster(
        root,
        keep_trust=keep_trust,
        is_strict=is_strict,
        publisher_services=publisher_services,
        has_replica=has_replica,
        release=release,
    )
    _write(_made_files(), root)
    return made


def started_cluster(
    root: Path, *, keep_trust: bool = False, has_replica: bool = False
) -> MadeCluster:
    """The same, and both members have composed their first list."""
    made = MadeCluster(root, keep_trust=keep_trust, has_replica=has_replica)
    found = _started_files()
    if keep_trust:  # nobody served a list while it was off
        kept = [file for file in found.files if f"/{HISTORY}/" not in file[0]]
        found = found._replace(files=kept)
    _write(found, root)
    return made


def cheap_questions(patch: pytest.MonkeyPatch) -> None:
    """Let the CCM Administrator password cost nothing, nor a sync of the disk."""
    patch.setitem(verifier.SCRYPT, "n", CHEAP_SCRYPT)
    patch.setattr(os, "fsync", lambda _descriptor: None)


class Files(NamedTuple):
    """What lies in a folder: folders, parents first; name, mode and bytes of files."""

    folders: list[str]
    files: list[tuple[str, int, bytes]]


@functools.cache
def _made_files() -> Files:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        cheap_questions(patch)
        MadeCluster(Path(folder)).make()
        return _read(Path(folder))


@functools.cache
def _started_files() -> Files:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        cheap_questions(patch)
        made_cluster(Path(folder)).start()
        return _read(Path(folder))


def _read(root: Path) -> Files:
    files = [
        (str(path.relative_to(root)), path.stat().st_mode, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file()
    ]
    folders = {parent for name, _, _ in files for parent in Path(name).parents}
    return Files([str(folder) for folder in sorted(folders)][1:], files)


def _write(made: Files, root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for folder in made.folders:
        os.mkdir(f"{root}/{folder}", 0o700)
    for name, mode, raw in made.files:
        descriptor = os.open(f"{root}/{name}", os.O_WRONLY | os.O_CREAT, mode & 0o777)
        os.write(descriptor, raw)
        os.close(descriptor)


def _node(root: Path, name: str, role: NodeRole, services: tuple[str, ...]) -> Node:
    verbs = (("tftpd", verb) for verb in ("start", "stop", "restart", "status"))
    return Node(
        name=name,
        role=role,
        services=services,
        tftp_directory=str(root / name / "tftp") if "tftp" in services else "",
        tftp=TftpAddress(name, PORTS[name]),
        tvs=TvsAddress(name, PORTS[name]),
        http=HttpAddress(name, PORTS[name]),
        ssh=SshAddress(name, PORTS[name], "cucmsh", "identity", "ssh-ed25519 AAAA"),
        service_commands=ServiceCommands(*verbs),
    )
