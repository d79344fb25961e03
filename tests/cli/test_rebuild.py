"""The rebuild chapter of docs/production.md, with phones that hold the old list."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.pki.verify import SignatureVerifier
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.signed import decode_signed
from cucmsh.trustlist.signed_trust import judge_signed
from cucmsh.trustlist.trust import judge
from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member, TftpBox
from tests.faults.backup import SFTP_PASSWORD, Backup

pytestmark = [pytest.mark.loopback, pytest.mark.faults]

ABOUT = ["--domain", "example.org", "--subject", "O=example;C=US"]
GONE, KEPT = "SEP00000000000A.cnf.xml", "SEP00000000000B.cnf.xml"


@pytest.fixture
def backup() -> Iterator[Backup]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # its account is another one
        made = Backup(Path(folder, "backup"))
        yield made
        made.close()


def init(folder: Path) -> Member:
    folder.mkdir(mode=0o755)
    node = Member(folder, "pub", TftpBox(folder))
    done = node.call(
        *("init", "publisher", *ABOUT, *node.init_options, "--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n{CCM}\n",
    )
    assert done.returncode == 0, done.stderr
    return node


def add(host: Host, administrator: Path, *more: str) -> list[str]:
    words = ["node", "add", host.folder.name, *host.options, *more]
    return [*words, "--identity", str(administrator), "--host-key", host.key_line]


def make_old(
    old: Member, sub: Member, add_branch: list[str], add_sub: list[str]
) -> None:
    """The cluster as it was: a publisher with two files, a replica, a subscriber."""
    done = sub.call(
        *("init", "subscriber", "--publisher", "pub", *ABOUT, *sub.init_options),
        *("--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n",
    )
    assert done.returncode == 0, done.stderr
    for name in (GONE, KEPT):
        (old.tftp.directory / name).write_text(f"<{name}/>")
    assert old.tftp.do("start") == 0
    assert old.call(*add_branch).returncode == 0
    assert sub.tftp.do("start") == 0
    assert old.call(*add_sub).returncode == 0


def failed_but_as_root(shown: str) -> list[str]:
    """What fails; root's doctor opens no key and logs in nowhere in root's home."""
    failed = [line for line in shown.splitlines() if line.startswith("fail")]
    return [line for line in failed if "as root" not in line]


def test_phones_with_the_old_list_take_everything_of_the_rebuilt_publisher(
    root: Path,
    administrator: Path,
    make_host: Callable[[str], Host],
    backup: Backup,
    tmp_path: Path,
) -> None:
    branch, second = make_host("branch1"), make_host("sub")
    sub = Member(second.folder, "sub", second.tftp)
    branch.tftp.do("start")
    add_branch = add(branch, administrator, *branch.tftp.options)
    add_sub = add(second, administrator, "--role", "subscriber")
    add_sub += ["--program", " ".join(sub.program)]
    old = init(root / "old")
    make_old(old, sub, add_branch, add_sub)
    shutil.copy(old.home / "security/ITLRecovery/ITLRecovery.p12", backup.files)
    backup.account.owns(*backup.files.iterdir())
    served = tmp_path / "held.tlv"
    held = decode(branch.tftp.fetch("ITLFile.tlv", served))
    old.tftp.do("stop")  # it is dead

    # Made anew; its TFTP service does not run yet.
    pub = init(root / "pub")
    (pub.tftp.directory / KEPT).write_text("<new/>")
    server = backup.server("password")
    line = f"utils itl reset remotekey {server.host}:{server.port} "
    line += f"{backup.account.name} {backup.files}/ITLRecovery.p12"
    answers = f"{SFTP_PASSWORD}\nyes\n{CCM}\nyes\n"
    done = pub.call("-c", line, answers=answers)
    assert done.returncode == 0, done.stdout
    assert "pub: updated, its TFTP service is stopped." in done.stdout
    assert pub.tftp.do("start") == 0
    ours = str(pub.tftp.directory / "ITLFile.tlv")
    done = pub.call("verify", ours, "--against", str(served))
    assert "A phone with the held list accepts it" in done.stdout

    done = pub.call(*add_branch, answers="yes\n")
    assert "branch1 belongs to another publisher (pub.example.org, id" in done.stdout
    assert done.returncode == 0, done.stdout
    served_now = sorted(os.listdir(branch.tftp.directory))
    assert served_now == ["ITLFile.tlv", f"{KEPT}.sgn"]
    assert f"sed -i '1d' ~{branch.user}/.ssh/authorized_keys" in done.stdout
    subprocess.run(["sed", "-i", "1d", str(branch.authorized_keys)], check=True)
    done = pub.call("node", "add", "branch1")
    assert (done.returncode, "another publisher" in done.stdout) == (0, False)
    done = pub.call(*add_sub)
    assert done.returncode == 0, done.stdout + done.stderr
    done = pub.call("-c", "utils itl reset localkey", answers=f"{CCM}\n")
    assert done.returncode == 0, done.stdout

    new = decode(branch.tftp.fetch("ITLFile.tlv", tmp_path / "new"))
    assert judge(held, new, SignatureVerifier()).accepted
    signed = decode_signed(branch.tftp.fetch(f"{KEPT}.sgn", tmp_path / "file"))
    assert judge_signed(new, signed, SignatureVerifier(), path=f"{KEPT}.sgn").accepted
    assert second.tftp.fetch("ITLFile.tlv", tmp_path / "sub") == new.raw
    done = pub.call("doctor")
    assert failed_but_as_root(done.stdout) == []
    # The old one comes back: its key opens nothing there any more.
    assert old.tftp.do("start") == 0
    assert branch.tftp.fetch("ITLFile.tlv", tmp_path / "again") == new.raw
    assert "branch1: pending: " in old.call("-c", "utils tftp sign").stdout
    for node in (old, pub):
        node.tftp.close()
