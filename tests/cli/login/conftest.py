"""The box, made once a process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.cli.login.box import Box


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    if os.geteuid() != 0:
        pytest.skip("LOUD: only root can make accounts and a box; logins untested")
    made = Box(tmp_path_factory.mktemp("box"))
    yield made
    made.close()
