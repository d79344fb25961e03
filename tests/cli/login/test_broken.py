"""A login whose environment is broken: one line that says what to do, no traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.cli.login.box import ADMIN, CUCMSH, LOGIN, Box

pytestmark = [pytest.mark.loopback]

PACKAGES = "/opt/cucmsh/lib/python{}.{}/site-packages".format(*sys.version_info)
OURS = f"{PACKAGES}/cucmsh"
SAVED = "/srv/saved.tar"
NAMES = "cucmsh commands paramiko"
TAG = sys.implementation.cache_tag
TODO = "As root, install cucmsh anew under `umask 022` (docs/production.md, step 2).\n"
BREAKS = {
    "the package is gone": f"rm -rf {OURS}/*",
    "installed under umask 077": f"chmod -R go= {OURS}",
    "a first module is unreadable": f"chmod 000 {OURS}/errors.py {OURS}/__pycache__",
    "a late module is gone": f"rm {OURS}/app.py",
    "a late module is unreadable": (
        f"chmod 000 {OURS}/app.py {OURS}/__pycache__/app.{TAG}.pyc"
    ),
    "torn bytecode": f"truncate -s 40 {OURS}/__pycache__/app.{TAG}.pyc",
    "other bytes in bytecode": (
        f"printf '%s' junkjunkjunk | dd of={OURS}/__pycache__/app.{TAG}.pyc "
        "bs=1 seek=16 conv=notrunc status=none"
    ),
    "a module with an error": f"echo 'x = (' > {OURS}/config/settings.py",
    "a module of another version": f"sed -i s/read_settings/other/ {OURS}/app.py",
    "a folder in the place of a module": f"rm {OURS}/app.py; mkdir {OURS}/app.py",
}


@pytest.fixture
def spoilt(box: Box) -> Iterator[None]:
    box.root(["sh", "-c", f"cd {PACKAGES} && tar cpf {SAVED} {NAMES}"])
    yield
    box.root(["sh", "-c", f"cd {PACKAGES} && rm -rf {OURS}/* && tar xpf {SAVED}"])


def one_line(said: str) -> None:
    assert said.count("\n") == 1, said
    assert said.startswith("cucmsh"), said
    assert said.endswith(TODO), said


@pytest.mark.usefixtures("spoilt")
@pytest.mark.parametrize("what", BREAKS)
def test_broken_program_says_one_line(box: Box, what: str) -> None:
    who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
    box.root(["sh", "-c", BREAKS[what]])
    for words in ([LOGIN], [LOGIN, "-c", "show itl"], [CUCMSH, "-c", "show itl"]):
        status, said = box.try_root([*who, "env", f"USER={ADMIN}", *words])
        assert status == 1
        one_line(said)


@pytest.mark.usefixtures("spoilt")
def test_client_of_sshd_is_told_too(box: Box) -> None:
    box.root(["sh", "-c", BREAKS["installed under umask 077"]])
    done = box.ssh(ADMIN, "localhost", "show itl")
    assert (done.returncode, done.stdout) == (1, "")
    one_line(done.stderr)


@pytest.mark.usefixtures("spoilt")
def test_library_that_a_command_needs_costs_that_command(box: Box) -> None:
    box.root(["sh", "-c", f"echo 'x = (' > {OURS}/pki/verify.py"])
    who = ["setpriv", "--reuid=cucmsh", "--regid=cucmsh", "--clear-groups"]
    typed = "show itl\nshow version active\nquit\n"
    status, said = box.try_root([*who, "env", f"USER={ADMIN}", LOGIN], typed)
    assert status == 0
    assert "cucmsh cannot be loaded: SyntaxError: " in said
    assert TODO in said
    assert "Active Master Version" in said
    assert "Traceback" not in said
