"""`cucmsh[testing]` for other people: examples of docs/programs.md, fixtures, ends."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cucmsh.errors import ServiceError
from cucmsh.testing import PROMPT, lab

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]
PAGE = (Path(__file__).parents[2] / "docs" / "programs.md").read_text()
EXAMPLES = [
    block
    for block in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    if "cucmsh.testing" in block
]
SECONDS = 60
STRANGERS_TESTS = """
from cucmsh.testing import PROMPT

def test_passes(cucmsh_lab, cucmsh_admin):
    cucmsh_lab.directory.joinpath("seen").write_text("by the first test")
    cucmsh_admin.sendline("show itl")
    cucmsh_admin.expect_exact(PROMPT)
    assert "verified successfully" in cucmsh_admin.before

def test_fails(cucmsh_lab, cucmsh_admin):
    assert cucmsh_lab.directory.joinpath("seen").read_text() == "by the first test"
    print("lab in", cucmsh_lab.directory)
    print("secrets", cucmsh_lab.passwords, cucmsh_lab.backup)
    cucmsh_admin.sendline("set cert regen CallManager")
    cucmsh_admin.expect_exact("(yes|no)?")
    assert False, "with a question open"
"""


def run(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", *words],
        cwd=folder,
        env={"PATH": os.defpath, "TMPDIR": str(folder), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def test_readme_has_an_example_for_each_client() -> None:
    assert [
        [name for name in ("paramiko", "netmiko") if f"{name} import" in block]
        or [name for name in ("paramiko",) if f"import {name}" in block]
        or ["pexpect"]
        for block in EXAMPLES
    ] == [["pexpect"], ["pexpect"], ["paramiko"], ["netmiko"]]


@pytest.mark.parametrize("number", range(4))
def test_readme_example_works_as_it_is_printed(number: int, tmp_path: Path) -> None:
    done = run("-c", EXAMPLES[number], folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(tmp_path.glob("cucmsh-lab-*"))


def test_fixtures_serve_a_strangers_tests_and_clean_up_after_a_failed_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["cucmsh.testing"]\n')
    (tmp_path / "test_theirs.py").write_text(STRANGERS_TESTS)
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", folder=tmp_path)
    assert "1 failed, 1 passed" in done.stdout
    assert "with a question open" in done.stdout
    directory = re.search(r"^lab in (.*)$", done.stdout, re.MULTILINE)
    assert directory
    assert not Path(directory[1]).exists()
    assert "secrets Passwords() BackupServer('127.0.0.1', " in done.stdout


def test_a_killed_test_process_leaves_no_lab(tmp_path: Path) -> None:
    program = (
        "import os\nfrom cucmsh.testing import lab\n"
        "with lab() as cluster:\n    print(cluster.directory, flush=True)\n"
        "    os.read(0, 1)"
    )
    with subprocess.Popen(
        [sys.executable, "-I", "-c", program],
        env={"PATH": os.defpath, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        directory = Path(process.stdout.readline().strip())
        (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(
        ).split()  # fmt: skip
        handle = os.pidfd_open(int(child))
        process.send_signal(signal.SIGKILL)
        assert select.select([handle], [], [], SECONDS)[0]
        os.close(handle)
    assert not directory.exists()


def test_every_node_and_server_is_where_it_says(tmp_path: Path) -> None:
    with lab(subscribers=2, directory=tmp_path / "kept") as cluster:
        assert [node.name for node in cluster.subscribers] == [
            "test10sub",
            "test10sub2",
        ]
        child = cluster.shell(cluster.subscribers[1])
        child.sendline("show network cluster")
        child.expect_exact(PROMPT)
        assert str(child.before).count(" authenticated") == 3
        known = cluster.known_hosts.read_text()
        for port in (
            cluster.backup.port,
            *(n.ssh.port for n in (cluster.publisher, *cluster.subscribers)),
        ):
            assert f"[127.0.0.1]:{port} ssh-rsa " in known
    assert child.closed
    assert json.loads((tmp_path / "kept/lab.json").read_text())["directory"]


def test_a_lab_that_cannot_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(ServiceError, match="exit status 1"), lab(directory=tmp_path):
        raise AssertionError
