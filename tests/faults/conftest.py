"""Clusters of real servers: made once a process, put back before every test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.faults.backup import Backup
from tests.faults.cluster import Cluster, Replica
from tests.rigs.proxy import Fault, Proxy

NODES = 4


class Through:
    """The proxies of one test."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._proxies: list[Proxy] = []

    def __call__(self, node: Replica, fault: Fault) -> Proxy:
        proxy = Proxy(node.sshd.port, fault)
        self._proxies.append(proxy)
        self._cluster.ports[node.name] = proxy.port
        self._cluster.configure(self._cluster.members)
        return proxy

    def close(self) -> None:
        for proxy in self._proxies:
            proxy.close()


@pytest.fixture(scope="session")
def made() -> Iterator[Cluster]:
    cluster = Cluster(NODES)
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(made: Cluster) -> Iterator[Cluster]:
    """A publisher and two replicas that serve the publisher's list."""
    made.restore()
    made.configure(made.nodes[:2])
    yield made
    made.restore()


@pytest.fixture
def four(made: Cluster) -> Iterator[Cluster]:
    """The same with four replicas."""
    made.restore()
    yield made
    made.restore()


@pytest.fixture
def through(made: Cluster) -> Iterator[Through]:
    """Put a proxy with a fault in front of a node's sshd."""
    through = Through(made)
    yield through
    through.close()


@pytest.fixture(scope="session")
def backups(made: Cluster) -> Iterator[Backup]:
    made_here = Backup(made.folder / "backup")
    yield made_here
    made_here.close()


@pytest.fixture
def backup(backups: Backup) -> Backup:
    """A backup server with an empty directory."""
    for path in backups.files.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return backups
