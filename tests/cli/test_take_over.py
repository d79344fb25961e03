"""A publisher is built anew and takes its replica over; the old one comes back."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member, TftpBox

pytestmark = pytest.mark.loopback

GONE, KEPT = "SEP00000000000A.cnf.xml", "SEP00000000000B.cnf.xml"


def made(folder: Path, *files: str) -> Member:
    """A publisher that runs, with these files signed."""
    folder.mkdir(mode=0o755, exist_ok=True)
    node = Member(folder, "pub", TftpBox(folder))
    for name in files:
        (node.tftp.directory / name).write_text(f"<{name}/>")
    done = node.call(
        *("init", "publisher", *node.init_options, "--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n{CCM}\n",
    )
    assert done.returncode == 0, done.stderr
    assert node.tftp.do("start") == 0
    return node


def test_old_publisher_s_files_go_and_it_is_refused_when_it_comes_back(
    root: Path, administrator: Path, make_host: Callable[[str], Host], tmp_path: Path
) -> None:
    branch = make_host("branch1")
    branch.tftp.do("start")
    old = made(root / "old", GONE, KEPT)
    rebuilt = made(root / "rebuilt", KEPT)
    add = ["node", "add", "branch1", *branch.options, *branch.tftp.options]
    add += ["--identity", str(administrator), "--host-key", branch.key_line]
    try:
        done = old.call(*add)
        assert done.returncode == 0, done.stdout + done.stderr
        served = sorted(os.listdir(branch.tftp.directory))
        assert served == ["ITLFile.tlv", f"{GONE}.sgn", f"{KEPT}.sgn"]

        done = rebuilt.call(*add, answers="no\n")
        assert done.returncode == 1
        assert "branch1 belongs to another publisher (pub, id " in done.stdout
        assert "Take branch1 over (yes/no)? " in done.stdout
        assert sorted(os.listdir(branch.tftp.directory)) == served
        done = rebuilt.call(*add, answers="yes\n")
        # Phones there hold the old list: theirs is kept until a reset by a key that
        # they know (here there is none, so the files of the old one stay, too).
        assert "its list was kept" in done.stdout
        text = rebuilt.config.read_text()
        rebuilt.config.write_text(
            text.replace("keep_trust = true", "keep_trust = false")
        )
        assert rebuilt.call("-c", "utils tftp sign").returncode == 0
        assert sorted(os.listdir(branch.tftp.directory)) == [
            "ITLFile.tlv",
            f"{KEPT}.sgn",
        ]
        ours = (rebuilt.tftp.directory / f"{KEPT}.sgn").read_bytes()
        assert branch.tftp.fetch(f"{KEPT}.sgn", tmp_path / "got") == ours

        done = old.call("-c", "utils tftp sign")
        assert done.returncode == 3
        assert "branch1 belongs to another publisher" in done.stdout
        assert branch.tftp.fetch(f"{KEPT}.sgn", tmp_path / "got") == ours
        done = old.call("-c", "utils itl reset localkey", answers=f"{CCM}\n")
        assert "branch1 belongs to another publisher" in done.stdout + done.stderr
        assert branch.tftp.fetch(f"{KEPT}.sgn", tmp_path / "got") == ours
        done = old.call("node", "remove", "branch1", answers="yes\n")
        assert done.returncode == 0, done.stdout
        assert rebuilt.call("-c", "utils tftp sign").returncode == 0
    finally:
        for node in (old, rebuilt):
            node.tftp.close()
