"""Logging in to OpenSSH's own server, with and without PAM (F12 and F13).

A password there needs an account of this machine: root makes one for these tests and
removes it. Where that cannot be, they say so loudly; test_ssh_login.py has the same
matrix against servers of paramiko's.
"""

import os
import pwd
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from cucmsh.errors import AuthenticationError
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import Login, SshConnection, open_host
from cucmsh.secret import Secret
from tests.rigs.account import Account, unused_uid
from tests.rigs.sshd import Sshd

pytestmark = pytest.mark.loopback

PASSWORD = secrets.token_hex(12)


def run(*words: str, text: str = "") -> str:
    done = subprocess.run(
        words, input=text, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else f"{words[0]}: {done.stderr or done.stdout}"


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    """A throw-away account with a password."""
    if os.getuid() != 0:
        pytest.skip("LOUD: only root can make an account; OpenSSH's part is not tested")
    name = f"cucmsh-t{os.getpid()}"
    uid = unused_uid()
    problem = run("useradd", "-u", uid, "-M", "-d", "/tmp", "-s", "/bin/sh", name)
    if not problem:
        problem = run("chpasswd", text=f"{name}:{PASSWORD}\n")
    if problem:
        run("userdel", name)
        pytest.skip(f"LOUD: no account for OpenSSH's part: {problem}")
    yield name
    Account.remove_named(name, pwd.getpwnam(name).pw_uid)


class Daemon(NamedTuple):
    """A server, and who may log in."""

    sshd: Sshd
    account: str
    known: KnownHosts

    @property
    def log(self) -> Path:
        return self.sshd.log

    def log_in(self, password: str | None, key: str | None = None) -> SshConnection:
        login = Login(self.account, None if password is None else Secret(password), key)
        address = (self.sshd.host, self.sshd.port)
        return open_host(address, login, self.known, lambda *_: True)

    def failures(self) -> int:
        """How many the server counted, once it is done with us."""
        self.sshd.finish()
        text = self.log.read_text()
        return text.count("Failed password") + text.count("Failed keyboard")


Start = Callable[..., Daemon]


@pytest.fixture
def sshd_with(account: str, identity: Path, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start_one(*lines: str) -> Daemon:
            # The server reads it as that account, which cannot look into our folders.
            open_to_all = Path(stack.enter_context(TemporaryDirectory()))
            open_to_all.chmod(0o755)
            keys = open_to_all / "authorized_keys"
            keys.write_text(identity.with_suffix(".pub").read_text())
            own = [f"AuthorizedKeysFile {keys}", "LogLevel VERBOSE"]
            sshd = Sshd(tmp_path / "sshd", first=[*lines, *own])
            stack.callback(sshd.stop)
            known = KnownHosts(str(tmp_path / "state" / "known_hosts"))
            return Daemon(sshd, account, known)

        yield start_one


PASSWORD_ONLY = ("PasswordAuthentication yes", "KbdInteractiveAuthentication no")
ASKING_ONLY = ("PasswordAuthentication no", "KbdInteractiveAuthentication yes")
BOTH = ("PasswordAuthentication yes", "KbdInteractiveAuthentication yes")
KEY_ONLY = ("PasswordAuthentication no", "KbdInteractiveAuthentication no")
PAM = "UsePAM yes"


def works(daemon: Daemon, key: str | None = None) -> None:
    connection = daemon.log_in(PASSWORD, key)
    try:
        assert connection.run(["true"]).status == 0, daemon.log.read_text()
        assert SftpStore(connection, "/").read("etc/hostname")
    finally:
        connection.close()
    assert daemon.failures() == 0


@pytest.mark.parametrize(
    "lines",
    [
        ("UsePAM no", *PASSWORD_ONLY),
        (PAM, *PASSWORD_ONLY),
        (PAM, *ASKING_ONLY),
        (PAM, *BOTH),
    ],
    ids=["no PAM", "PAM, password", "PAM, keyboard-interactive", "PAM, both"],
)
def test_cscun19112_password_opens_whatever_the_server_calls_it(
    sshd_with: Start, lines: tuple[str, ...]
) -> None:
    works(sshd_with(*lines))


@pytest.mark.parametrize(
    "methods",
    [
        "publickey,password",
        "publickey,keyboard-interactive",
        "password,publickey",
        "password,keyboard-interactive",
        "keyboard-interactive,password",
        "publickey,password,keyboard-interactive",
    ],
)
def test_cscun19112_several_methods_in_a_row_work(
    sshd_with: Start, identity: Path, methods: str
) -> None:
    works(sshd_with(PAM, *BOTH, f"AuthenticationMethods {methods}"), str(identity))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((PAM, *KEY_ONLY), "it offers publickey"),
        (
            (PAM, *BOTH, "AuthenticationMethods password,publickey"),
            "it took password and also wants publickey",
        ),
    ],
)
def test_cscun19112_method_that_we_lack_is_named(
    sshd_with: Start, lines: tuple[str, ...], says: str
) -> None:
    daemon = sshd_with(*lines)
    with pytest.raises(AuthenticationError, match=says):
        daemon.log_in(PASSWORD)


def test_missing_password_is_named_after_the_key(
    sshd_with: Start, identity: Path
) -> None:
    daemon = sshd_with(PAM, *BOTH, "AuthenticationMethods publickey,password")
    with pytest.raises(AuthenticationError, match="took publickey and also wants pass"):
        daemon.log_in(None, str(identity))


@pytest.mark.parametrize("lines", [PASSWORD_ONLY, ASKING_ONLY, BOTH])
def test_f12_wrong_password_is_one_failure_in_the_server_s_log(
    sshd_with: Start, lines: tuple[str, ...]
) -> None:
    daemon = sshd_with(PAM, *lines)
    with pytest.raises(AuthenticationError, match="did not accept") as refused:
        daemon.log_in("not the password")
    assert "not the password" not in str(refused.value)
    assert daemon.failures() == 1, daemon.log.read_text()


def test_f12_server_that_takes_one_attempt_says_so(sshd_with: Start) -> None:
    daemon = sshd_with(PAM, *BOTH, "MaxAuthTries 1")
    with pytest.raises(AuthenticationError, match="did not accept"):
        daemon.log_in("not the password")


@pytest.fixture
def locked(account: str) -> Iterator[None]:
    assert not run("usermod", "-L", "-e", "1", account)
    yield
    assert not run("usermod", "-U", "-e", "", account)


@pytest.fixture
def expired(account: str) -> Iterator[None]:
    assert not run("chage", "-d", "0", account)
    yield
    assert not run("chage", "-d", "-1", account)


@pytest.mark.parametrize("lines", [PASSWORD_ONLY, ASKING_ONLY])
def test_f12_locked_account_is_a_refusal(
    sshd_with: Start, locked: None, lines: tuple[str, ...]
) -> None:
    daemon = sshd_with(PAM, *lines)
    with pytest.raises(AuthenticationError, match="did not accept"):
        daemon.log_in(PASSWORD)
    assert daemon.failures() <= 1


def test_f12_expired_password_is_told_and_not_sent_again(
    sshd_with: Start, expired: None
) -> None:
    daemon = sshd_with(PAM, *ASKING_ONLY)
    with pytest.raises(AuthenticationError) as refused:
        daemon.log_in(PASSWORD)
    assert "(its words)" in refused.value.message
    assert "password" in refused.value.message.lower()
