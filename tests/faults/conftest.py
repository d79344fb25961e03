"""Clusters of real servers: made once a process, put back before every test."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.cluster import Cluster

NODES = 4


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


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed of everything random; CUCMSH_SEED takes one again."""
    return int(os.environ.get("CUCMSH_SEED") or random.randrange(1 << 32))
