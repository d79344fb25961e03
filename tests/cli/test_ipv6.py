"""A replica by its IPv6 address: real sshd and tftpd-hpa on ::1, from enrolment on."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member, TftpBox

pytestmark = pytest.mark.faults

LIST = "ITLFile.tlv"


@pytest.fixture
def branch(root: Path, administrator: Path) -> Iterator[Host]:
    assert os.geteuid() == 0, "in.tftpd needs root: run the tests as root"
    host = Host(root / "branch6", administrator, address="::1")
    host.tftp.do("start")
    yield host
    host.close()


def test_reset_is_brought_to_a_replica_and_proven_over_ipv6(
    root: Path, administrator: Path, branch: Host, tmp_path: Path
) -> None:
    (root / "pub6").mkdir(mode=0o755)
    node = Member(root / "pub6", "pub", TftpBox(root / "pub6", "::1"))
    try:
        done = node.call(
            *("init", "publisher", *node.init_options, "--secrets-fd", "FD"),
            secrets=f"{SECURITY}\n{CCM}\n",
        )
        assert done.returncode == 0, done.stderr
        assert node.tftp.do("start") == 0
        add = ["node", "add", "branch6", *branch.options, *branch.tftp.options]
        add += ["--identity", str(administrator)]
        done = node.call(*add, answers="yes\n")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (
            "The authenticity of host '::1 (::1)' can't be established" in done.stdout
        )
        assert f"TFTP at ::1 port {branch.tftp.port} serves" in done.stdout

        done = node.call("-c", "utils itl reset localkey", answers=f"{CCM}\n")
        assert done.returncode == 0, done.stdout
        ours = node.tftp.fetch(LIST, tmp_path / "ours")
        assert branch.tftp.fetch(LIST, tmp_path / "theirs") == ours
        done = node.call("node", "list")
        assert f" [::1]:{branch.port} " in done.stdout
        assert "same list" in done.stdout
        text = node.config.read_text()
        assert f'host = "::1", port = {branch.port}' in text.replace('"\n', '", ')
    finally:
        node.tftp.close()
