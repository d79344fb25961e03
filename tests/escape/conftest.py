"""A target for each file of tests, and the shipped sshd; made when first asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.escape.modes import Server
from tests.escape.node import Target
from tests.escape.rig import opened_server


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return Target(tmp_path_factory.mktemp("target"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if os.geteuid() != 0:
        pytest.skip("LOUD: only root can make accounts and a box; sshd is not attacked")
    folder: Path = tmp_path_factory.mktemp("server")
    with opened_server(folder / "box") as made:
        yield made
