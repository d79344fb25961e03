"""A node that cannot be one yet: `node add` names the cause and the mend, adds nothing.

Real sshd, and a real account with a password: what its shell, its files and sshd's
settings do to a login is not ours to imitate.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member
from tests.rigs.account import Account, unused_uid
from tests.rigs.tftpd import makes

pytestmark = [pytest.mark.loopback, pytest.mark.terminal]

PASSWORD = "the first password"
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
OTHERS = "StrictModes no"
INTERNAL = "Subsystem sftp internal-sftp"
EXTERNAL = f"Subsystem sftp {SFTP_SERVER}"
WELCOME = "echo Welcome to branch office 2, authorised use only\n"


class Box:
    """A host, its account, and `node add` for it.

    Attributes:
        home: the account's.
        directory: what its TFTP service serves.
    """

    def __init__(self, made: Member, folder: Path, account: str) -> None:
        self.made = made
        self.account = account
        self.home = Path(pwd.getpwnam(account).pw_dir)
        self.host = Host(folder, folder / "nobody")
        self.host.tftp.do("start")
        self.directory = self.host.tftp.directory
        self.give(self.directory)
        self.restart = "true"
        self.tftp = f"127.0.0.1:{self.host.tftp.port}"

    def give(self, path: Path) -> None:
        entry = pwd.getpwnam(self.account)
        os.chown(path, entry.pw_uid, entry.pw_gid)

    def add(self, *lines: str) -> subprocess.CompletedProcess[str]:
        """With these lines of sshd's configuration."""
        text = "\n".join(
            [
                *(
                    f"HostKey {self.host.sshd.host_key_file}",
                    "UsePAM no",
                    "PidFile none",
                ),
                *("KbdInteractiveAuthentication no", "PasswordAuthentication yes"),
                *lines,
            ]
        )
        self.host.sshd.config.write_text(f"{text}\n")
        return self.made.call(
            *("node", "add", "branch1", "--host", f"127.0.0.1:{self.host.port}"),
            *("--user", self.account, "--host-key", self.host.key_line),
            *("--password-fd", "FD", "--tftp-directory", str(self.directory)),
            *("--tftp", self.tftp),
            *("--restart", self.restart, "--status", "true"),
            secrets=f"{PASSWORD}\n",
        )


@pytest.fixture(scope="module")
def made(publisher: Member) -> Member:
    options = [*publisher.init_options, "--secrets-fd", "FD"]
    secrets = f"{SECURITY}\n{CCM}\n"
    done = publisher.call("init", "publisher", *options, secrets=secrets)
    assert done.returncode == 0, done.stderr
    return publisher


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """An account with a password, a home directory, and bash for its shell."""
    if os.geteuid() != 0:
        pytest.skip("LOUD: making an account with a password needs root")
    name = f"cucmsh-cause{os.getpid()}"
    home = Path(tempfile.mkdtemp(prefix="cucmsh-account-")) / "home"
    home.parent.chmod(0o755)
    words = ["useradd", "-u", unused_uid(), "-m", "-d", str(home), "-s", "/bin/bash"]
    subprocess.run([*words, name], check=True)
    try:
        secret = f"{name}:{PASSWORD}\n"
        subprocess.run(["chpasswd"], input=secret, text=True, check=True)
        yield name
    finally:
        Account.remove_named(name, pwd.getpwnam(name).pw_uid)
        shutil.rmtree(home.parent)


@pytest.fixture
def box(made: Member, account: str) -> Iterator[Box]:
    """The account as it was made, on a host of the test's own."""
    before = made.config.read_bytes()
    folder = Path(tempfile.mkdtemp(prefix="cucmsh-box-"))
    folder.chmod(0o755)
    home = Path(pwd.getpwnam(account).pw_dir)
    home.chmod(0o700)
    (home / ".bashrc").write_text("")
    shutil.rmtree(home / ".ssh", ignore_errors=True)
    one = Box(made, folder / "host", account)
    try:
        yield one
    finally:
        if made.config.read_bytes() != before:
            made.call("node", "remove", "branch1", answers="yes\n")
        subprocess.run(["usermod", "-s", "/bin/bash", "-e", "", account], check=True)
        one.host.close()
        shutil.rmtree(folder)


def refused(done: subprocess.CompletedProcess[str], *says: str) -> None:
    """One line with the cause, and one with the mend; the node is not added."""
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    for words in says:
        assert words in said, said
    assert "is a replica of the cluster" not in said
    assert "Traceback" not in said


def talks(box: Box) -> None:
    (box.home / ".bashrc").write_text(WELCOME)


def has_shell(path: str) -> Callable[[Box], None]:
    def prepare(box: Box) -> None:
        subprocess.run(["usermod", "-s", path, box.account], check=True)

    return prepare


def is_open(box: Box) -> None:
    box.home.chmod(0o707)  # Debian's sshd lets the account's own group write


def expires(box: Box) -> None:
    subprocess.run(["usermod", "-e", "1", box.account], check=True)


def nothing(_: Box) -> None:
    """As it is."""


@pytest.mark.parametrize(
    ("lines", "prepare", "says"),
    [
        ((INTERNAL, OTHERS, "MaxSessions 1"), nothing, ("MaxSessions)", "Set MaxS")),
        (
            (INTERNAL, OTHERS, "ForceCommand internal-sftp"),
            nothing,
            ("files only (ForceCommand internal-sftp)", "Take ForceCommand away"),
        ),
        (
            (INTERNAL, OTHERS, "ForceCommand echo hello"),
            nothing,
            ("prints 'hello' before anything else", "ForceCommand"),
        ),
        (
            (EXTERNAL, OTHERS),
            talks,
            ("prints 'Welcome to branch office 2, authorised", ".bashrc", "silent"),
        ),
        ((OTHERS,), nothing, ("no SFTP subsystem", "Add `Subsystem sftp")),
        (
            ("Subsystem sftp /nowhere/sftp-server", OTHERS),
            nothing,
            ("offers no SFTP: its SFTP program ends at once", "`Subsystem sftp`"),
        ),
        (
            (INTERNAL, OTHERS),
            has_shell("/usr/sbin/nologin"),
            ("(nologin)", "usermod --shell /bin/sh cucmsh-cause"),
        ),
        ((EXTERNAL, OTHERS), has_shell("/usr/sbin/nologin"), ("(nologin)",)),
        (
            (INTERNAL, OTHERS),
            has_shell("/bin/false"),
            ("ends at once", "usermod --shell /bin/sh cucmsh-cause"),
        ),
        (
            (INTERNAL, OTHERS, "ChrootDirectory /usr/share"),
            nothing,
            ("another root (ChrootDirectory)", "Take ChrootDirectory away"),
        ),
        (
            (INTERNAL, "StrictModes yes"),
            is_open,
            ("others may write to its home directory (drwx---rwx", "chmod go-w"),
        ),
        (
            (INTERNAL, OTHERS, "AuthorizedKeysFile /etc/elsewhere/%u"),
            nothing,
            ("another file (AuthorizedKeysFile)", "sshd -T"),
        ),
        (
            (INTERNAL, OTHERS, "PubkeyAuthentication no"),
            nothing,
            ("does not take it", "sshd -T"),
        ),
        (
            (INTERNAL, OTHERS, "AllowUsers nobody"),
            nothing,
            ("did not accept", "AllowUsers", "journalctl -u ssh"),
        ),
        ((INTERNAL, OTHERS), expires, ("did not accept", "expired", "journalctl")),
    ],
    ids=[
        *("MaxSessions", "internal-sftp", "another command", "talking .bashrc"),
        *("no subsystem", "no sftp-server", "nologin", "nologin sftp", "false"),
        *("chroot", "StrictModes", "AuthorizedKeysFile", "no keys", "AllowUsers"),
        "expired",
    ],
)
def test_the_cause_is_named_and_what_mends_it(
    box: Box,
    lines: tuple[str, ...],
    prepare: Callable[[Box], None],
    says: tuple[str, ...],
) -> None:
    prepare(box)
    refused(box.add(*lines), *says)


@pytest.mark.parametrize(
    ("lines", "prepare"),
    [((INTERNAL, OTHERS), talks), ((EXTERNAL, OTHERS, "PermitTTY no"), nothing)],
    ids=["talking .bashrc beside internal-sftp", "PermitTTY"],
)
def test_what_is_in_nobodys_way_keeps_no_node_out(
    box: Box, lines: tuple[str, ...], prepare: Callable[[Box], None]
) -> None:
    prepare(box)
    done = box.add(*lines)
    assert done.returncode == 0, done.stdout + done.stderr


def test_owner_of_the_directory_is_named(box: Box) -> None:
    os.chown(box.directory, 0, 0)
    done = box.add(INTERNAL, OTHERS)
    refused(
        done,
        f"may not write to {box.directory} on branch1: it belongs to root (drwxr-xr-x",
        f"As root there: chown {box.account} {box.directory}",
    )


def test_missing_directory_is_named(box: Box) -> None:
    box.directory.rmdir()
    done = box.add(INTERNAL, OTHERS)
    refused(done, f"{box.directory} is not there", "install -d -o")


def test_directory_that_the_tftp_server_may_not_read_is_named(box: Box) -> None:
    box.directory.chmod(0o700)
    done = box.add(INTERNAL, OTHERS)
    refused(done, "other accounts may not read", "chmod o+rx")


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("", ("the line for sudo is missing", "NOPASSWD: /usr/bin/true it")),
        (
            "Defaults:{name} requiretty\n{name} ALL=NOPASSWD: /usr/bin/true it\n",
            ("sudo wants a terminal", "!requiretty"),
        ),
        (
            "{name} ALL=(root) NOPASSWD: /usr/bin/false\n",
            ("MAY NOT run", "NOPASSWD: /usr/bin/true it"),
        ),
    ],
    ids=["no line", "requiretty", "another line"],
)
def test_missing_permission_is_named(
    box: Box, rules: str, says: tuple[str, ...]
) -> None:
    box.restart = "sudo -n /usr/bin/true it"
    file = Path("/etc/sudoers.d", box.account)
    file.write_text(rules.format(name=box.account))
    file.chmod(0o440)
    try:
        done = box.add(INTERNAL, OTHERS)
    finally:
        file.unlink()
    refused(done, *says)


def test_dnsmasq_that_serves_its_own_files_only_is_named(box: Box) -> None:
    address = makes(1)
    assert address.name == "dnsmasq"
    words = [
        *("/usr/sbin/dnsmasq", "-k", "--conf-file=/dev/null", "--port=0"),
        *("--enable-tftp", f"--tftp-root={box.directory}", "--tftp-secure"),
        *(f"--listen-address={address.host}", "--bind-interfaces"),
        *("--user=nobody", "--pid-file="),
    ]
    server = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        box.tftp = f"{address.host}:{address.port}"
        done = box.add(INTERNAL, OTHERS)
    finally:
        server.kill()
        server.wait()
    refused(done, "dnsmasq with tftp-secure", f"set user={box.account}")
