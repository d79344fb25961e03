r"""A lab cluster for other people's tests (extra ``cucmsh[testing]``).

``lab()`` starts ``cucmsh lab --serve`` and hands out what a test needs: pexpect
children at ``admin:``, addresses, passwords, a known_hosts file. It ends the cluster
however the block ends, and the kernel ends it if the test process is killed::

    with lab() as cluster:
        admin = cluster.shell()
        admin.sendline("show itl")
        admin.expect_exact(PROMPT)

With ``pytest_plugins = ["cucmsh.testing"]`` in a conftest.py the same is a fixture:
``cucmsh_lab``, one for each test module, and ``cucmsh_admin``, a child for each test.
The cluster keeps what a test did to it, as a real one does; a test that wants one of
its own calls ``lab()``.

Imports nothing of the product: it drives the installed program, as its users do.
"""

from __future__ import annotations

from collections.abc import Iterator

import pexpect
import pytest

from cucmsh.testing.cluster import (
    PROMPT,
    Address,
    BackupServer,
    Lab,
    LabError,
    Node,
    Passwords,
    lab,
)
from cucmsh.testing.phones import Phone

__all__ = [
    "PROMPT",
    "Address",
    "BackupServer",
    "Lab",
    "LabError",
    "Node",
    "Passwords",
    "Phone",
    "lab",
]


@pytest.fixture(scope="module")
def cucmsh_lab() -> Iterator[Lab]:
    """A publisher, a subscriber and a backup server, for the tests of a module."""
    with lab() as cluster:
        yield cluster


@pytest.fixture
def cucmsh_admin(cucmsh_lab: Lab) -> Iterator[pexpect.spawn[str]]:
    """A pexpect child at the publisher's ``admin:``."""
    child = cucmsh_lab.shell()
    yield child
    child.close(force=True)
