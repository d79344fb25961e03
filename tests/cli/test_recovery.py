"""Story case 9: the publisher's machine is gone, and a new one takes its place.

From a backup set, or from a subscriber; on real sshd, SFTP and TFTP servers.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.pki.verify import SignatureVerifier
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList
from cucmsh.trustlist.trust import judge
from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member
from tests.cli.test_rebuild import add, failed_but_as_root, init, make_old
from tests.faults.backup import SFTP_PASSWORD, Backup
from tests.rigs.keys import make_key

pytestmark = [pytest.mark.loopback, pytest.mark.faults]

UTILS = "utils disaster_recovery"


class Cluster:
    """A publisher, a subscriber and a replica that served lists; and then the first
    is gone."""

    def __init__(
        self, root: Path, administrator: Path, make_host: Callable[[str], Host]
    ) -> None:
        self.branch, self.second = make_host("branch1"), make_host("sub")
        self.sub = Member(self.second.folder, "sub", self.second.tftp)
        self.branch.tftp.do("start")
        self.add_branch = add(self.branch, administrator, *self.branch.tftp.options)
        self.add_sub = add(self.second, administrator, "--role", "subscriber")
        self.add_sub += ["--program", " ".join(self.sub.program)]
        self.old = init(root / "old")
        make_old(self.old, self.sub, self.add_branch, self.add_sub)
        assert self.sub.tftp.do("restart") == 0  # now with the certificates
        self.root = root

    def held(self, folder: Path) -> dict[str, TrustList]:
        """What phones got of each node."""
        nodes = {"pub": self.old.tftp, "sub": self.second.tftp}
        return {
            name: decode(box.fetch("ITLFile.tlv", folder / f"held-{name}"))
            for name, box in {**nodes, "branch1": self.branch.tftp}.items()
        }

    def lose(self) -> Member:
        """The publisher dies; another one of its name is made, its TFTP not started."""
        self.old.tftp.do("stop")
        return init(self.root / "pub")


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A machine room of its own for each test: the names are the same."""
    root = tmp_path_factory.mktemp("enrol")
    administrator = root / "administrator"
    make_key(administrator)
    hosts: list[Host] = []

    def make_host(name: str) -> Host:
        hosts.append(Host(root / name, administrator))
        return hosts[-1]

    made = Cluster(root, administrator, make_host)
    yield made
    made.old.tftp.close()
    for host in hosts:
        host.close()


@pytest.fixture
def backup() -> Iterator[Backup]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # its account is another one
        made = Backup(Path(folder, "backup"))
        yield made
        made.close()


def add_device(node: Member, backup: Backup) -> None:
    server = backup.server("password")
    line = f"{UTILS} device add network weekly {backup.files} "
    line += f"{server.host}:{server.port} {backup.account.name}"
    done = node.call("-c", line, answers=f"{SFTP_PASSWORD}\nyes\n")
    assert done.returncode == 0, done.stdout
    assert list(backup.files.glob("*dUmmI*")) == []


def accepted(held: dict[str, TrustList], raw: bytes) -> dict[str, bool]:
    new = decode(raw)
    return {
        name: judge(each, new, SignatureVerifier()).accepted
        for name, each in held.items()
    }


def test_from_a_set_it_is_the_old_publisher_again(
    cluster: Cluster, backup: Backup, tmp_path: Path
) -> None:
    held = cluster.held(tmp_path)
    add_device(cluster.old, backup)
    done = cluster.old.call("-c", f"{UTILS} backup network UCM weekly")
    assert done.returncode == 0, done.stdout
    (manifest,) = backup.files.glob("*_pub_drfComponent.xml")
    label = manifest.name[:19]
    names = {path.name.removeprefix(f"{label}_") for path in backup.files.iterdir()}
    assert names == {
        "pub_UCM_PLATFORM.tar",
        "pub_UCM_CCMDB.tar",
        "pub_UCM_TFTP.tar",
        "sub_UCM_CCMDB.tar",
        "pub_drfComponent.xml",
    }
    opened_by_age(manifest, tmp_path)

    pub = cluster.lose()
    add_device(pub, backup)
    line = f"{UTILS} restore network pub {label}.tar weekly"
    done = pub.call("-c", line, answers="UCM\nyes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nobody is locked out." in done.stdout
    assert "Restore completed successfully." in done.stdout
    assert pub.tftp.do("start") == 0
    raw = pub.tftp.fetch("ITLFile.tlv", tmp_path / "new")
    # Each node's list is signed by its own key: the publisher's phones come back.
    assert accepted({"pub": held["pub"], "branch1": held["branch1"]}, raw) == {
        "pub": True,
        "branch1": True,
    }
    for name in ("SEP00000000000A.cnf.xml", "SEP00000000000B.cnf.xml"):
        assert (pub.tftp.directory / name).read_text() == f"<{name}/>"
    # The nodes let it in as they did the old one: nothing is enrolled anew.
    done = pub.call("-c", "utils itl reset localkey", answers=f"{CCM}\n")
    assert done.returncode == 0, done.stdout
    for box in (pub.tftp, cluster.branch.tftp, cluster.second.tftp):
        new = box.fetch("ITLFile.tlv", tmp_path / "reset")
        assert set(accepted(held, new).values()) == {True}
    assert failed_but_as_root(pub.call("doctor").stdout) == []
    pub.tftp.close()


def opened_by_age(manifest: Path, folder: Path) -> None:
    """As docs/production.md says it: Debian's tools, and nothing of ours."""
    text = manifest.read_text()
    begin, end = text.index("-----BEGIN"), text.index("</key>")
    key = folder / "set-key"
    key.write_text(text[begin:end].strip() + "\n")
    key.chmod(0o600)
    words = ["ssh-keygen", "-p", "-P", SECURITY, "-N", "", "-f", str(key)]
    subprocess.run(words, check=True, capture_output=True)
    for path in manifest.parent.glob("*.tar"):
        done = subprocess.run(
            ["age", "-d", "-i", str(key), str(path)], check=True, capture_output=True
        )
        listed = subprocess.run(
            ["tar", "-t"], input=done.stdout, check=True, capture_output=True
        )
        assert listed.stdout


def test_from_a_subscriber_and_the_saved_key(
    cluster: Cluster, backup: Backup, tmp_path: Path
) -> None:
    held = cluster.held(tmp_path)
    key = cluster.old.home / "security/ITLRecovery/ITLRecovery.p12"
    shutil.copy(key, backup.files)
    backup.account.owns(*backup.files.iterdir())

    pub = cluster.lose()
    done = pub.call("-c", f"{UTILS} prepare restore pub_from_sub")
    assert done.returncode == 0, done.stdout
    done = pub.call(*cluster.add_sub)
    assert done.returncode == 0, done.stdout + done.stderr
    # The other node came with it, and what phones of both hold.
    assert "branch1" in pub.call("node", "list", "--json").stdout
    assert len(list((pub.home / "state/served").iterdir())) >= 2
    done = pub.call("-c", f"{UTILS} prepare restore pub_from_sub")
    assert "sub is in the configuration already" in done.stdout

    server = backup.server("password")
    line = f"utils itl reset remotekey {server.host}:{server.port} "
    line += f"{backup.account.name} {backup.files}/ITLRecovery.p12"
    answers = f"{SFTP_PASSWORD}\nyes\n{CCM}\nyes\nyes\n"
    done = pub.call("-c", line, answers=answers)
    assert "pub: updated, its TFTP service is stopped." in done.stdout
    assert "pending: branch1" in done.stdout  # its key is not there yet
    assert pub.tftp.do("start") == 0
    for box in (pub.tftp, cluster.second.tftp):
        new = box.fetch("ITLFile.tlv", tmp_path / "new")
        assert set(accepted(held, new).values()) == {True}
    held_path = tmp_path / "held-branch1"
    ours = str(pub.tftp.directory / "ITLFile.tlv")
    done = pub.call("verify", ours, "--against", str(held_path))
    assert "A phone with the held list accepts it" in done.stdout
    pub.tftp.close()
