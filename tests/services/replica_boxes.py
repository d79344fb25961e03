"""Replicas beside a made publisher: folders on this disk that can be broken."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from hashlib import sha256
from threading import Event
from typing import TYPE_CHECKING

from cucmsh.config.model import (
    HttpAddress,
    Node,
    NodeRole,
    SshAddress,
    TftpAddress,
    TvsAddress,
)
from cucmsh.errors import ConnectionFailedError, MissingFileError, StoreError
from cucmsh.hosts import HTTP_PORT, TVS_PORT
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.remote.runner import Completed
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from tests.services.callers import called
from tests.services.made_cluster import AtOnce, JoinedBackends, MadeCluster

if TYPE_CHECKING:
    from cucmsh.services.backends import Link
    from cucmsh.storage.store import Store

HANG_SECONDS = 30  # a guard: a hang of the tests ends too


class Box:
    """One replica: its files, what was done there, and its switches."""

    def __init__(self, root: str, name: str, port: int) -> None:
        self.files = LocalStore(root)
        self.node = Node(
            name=name,
            role=NodeRole.REPLICA,
            services=("tftp",),
            tftp_directory=root,
            tftp=TftpAddress(name, port),
            tvs=TvsAddress(name, TVS_PORT),
            http=HttpAddress(name, HTTP_PORT),
            ssh=SshAddress(name, port, "cucmsh", "identity", "ssh-ed25519 AAAA"),
            service_commands=None,
        )
        os.mkdir(root)
        self.account = LocalStore(f"{root}-account")  # the home of the account there
        self.is_dead = False
        self.lies_with: bytes | None = None
        self.done: list[str] = []
        self.breaks_at = -1  # the step that does not come back any more
        self.hangs_at = -1
        self.refuses = ""  # a name that cannot be written
        self.is_hanging = Event()
        self.hung_up = Event()

    def step(self, what: str) -> None:
        if len(self.done) == self.hangs_at:
            self.is_hanging.set()
            self.hung_up.wait(HANG_SECONDS)
            raise ConnectionFailedError("the connection broke")
        if self.breaks_at in range(len(self.done) + 1):
            raise ConnectionFailedError("the connection broke")
        self.done.append(what)

    def writes(self) -> list[str]:
        return [what for what in self.done if what.split()[0] == "commit"]

    def reads(self) -> list[str]:
        return [what for what in self.done if what.split()[0] == "read"]


class BoxLink(AtOnce):
    def __init__(self, box: Box) -> None:
        self.box = box

    def run(self, words: Sequence[str], timeout_seconds: float = 60) -> Completed:
        raise AssertionError((words, timeout_seconds))

    def close(self) -> None:
        self.box.hung_up.set()


class BoxStore(LocalStore):
    """As over SFTP: a folder is made when it is asked for, and not before."""

    def __init__(self, box: Box) -> None:
        super().__init__(box.files.root)
        self._box = box

    def read(self, name: str) -> bytes:
        self._box.step(f"read {name}")
        return super().read(name)

    def stage(self, name: str, raw: bytes, mode: int = 0o600) -> str:
        self._box.step(f"stage {name}")
        if name == self._box.refuses:
            raise StoreError(f"{name}: Permission denied")
        if not os.path.isdir(os.path.dirname(os.path.join(self.root, name))):
            raise MissingFileError(f"{name}: no such folder")
        return super().stage(name, raw, mode)

    def commit(self, temporary: str, name: str) -> None:
        self._box.step(f"commit {name}")
        super().commit(temporary, name)

    def remove(self, name: str) -> None:
        self._box.step(f"remove {name}")
        super().remove(name)


class BoxHome(LocalStore):
    """The home of the account on the box."""

    def __init__(self, box: Box) -> None:
        super().__init__(box.account.root)
        self._box = box

    def write(self, name: str, raw: bytes, mode: int = 0o600) -> None:
        self._box.step(f"record {name.rpartition('/')[2]}")
        super().write(name, raw, mode)


class BoxBackends(JoinedBackends):
    """The publisher's backends, which lead to the boxes too."""

    def __init__(self, made: MadeCluster, name: str, boxes: list[Box]) -> None:
        super().__init__(made, name)
        self._boxes = boxes

    def _box(self, host: str) -> Box | None:
        box = next((box for box in self._boxes if box.node.name == host), None)
        if box and box.is_dead:
            raise ConnectionFailedError(f"{host} does not answer")
        return box

    def open_node(self, address: SshAddress) -> Link:
        box = self._box(address.host)
        return BoxLink(box) if box else super().open_node(address)

    def store_on(self, link: Link, root: str) -> Store:
        if isinstance(link, BoxLink):
            return BoxStore(link.box)
        return super().store_on(link, root)

    def home_on(self, link: Link) -> Store:
        if isinstance(link, BoxLink):
            return BoxHome(link.box)
        return super().home_on(link)

    def transfer(
        self,
        link: Link,
        directory: str,
        outgoing: OutgoingFile,
        progress: Callable[[int], object],
    ) -> SentFile:
        if not isinstance(link, BoxLink):
            return super().transfer(link, directory, outgoing, progress)
        link.box.step(f"transfer {outgoing.size}")
        raw = b"".join(outgoing.pieces())
        path = os.path.join(directory, outgoing.name)
        with open(path, "xb") as file:
            os.fchmod(file.fileno(), outgoing.mode)
            file.write(raw)
        return SentFile(path, sha256(raw).hexdigest())

    def read_back(
        self, address: TftpAddress, name: str, *more: float, **others: float
    ) -> bytes:
        box = self._box(address.host)
        if box is None:
            return super().read_back(address, name, *more, **others)
        return box.files.read(name) if box.lies_with is None else box.lies_with


def with_boxes(made: MadeCluster, *boxes: Box) -> Site:
    """The publisher's site with these replicas in its cluster."""
    settings = made.site.settings
    nodes = (*settings.cluster.nodes, *(box.node for box in boxes))
    settings = settings._replace(cluster=settings.cluster._replace(nodes=nodes))
    backends = BoxBackends(made, settings.node.name, list(boxes))
    return called(Site(settings, made.clock, backends))
