"""One node's OpenSSH server: own port, own host key, own directory, a plain account.

Its SFTP is the ``sftp-server`` program, started through a line of shell, so that a
test can put ``strace`` or another program in front of it, or find and kill it.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.rigs.account import Account
from tests.rigs.waiting import until

SSHD = "/usr/sbin/sshd"  # it insists on being started by its absolute path
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
LOOPBACK = "127.0.0.1"
SERVER_PORTS = (10_000, 32_000)

CONFIGURATION = """\
Port {port}
ListenAddress {host}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 1000
UseDNS no
PrintMotd no
LogLevel ERROR
Subsystem sftp /bin/sh {folder}/sftp
"""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port below those that the kernel gives to clients.

    A server that is stopped for a moment finds its port still free then.
    """
    while True:
        port = random.randrange(*SERVER_PORTS)
        with socket.socket(socket.AF_INET, kind) as holder, suppress(OSError):
            holder.bind((LOOPBACK, port))
            return port


def make_root_folder() -> None:
    """Make the folder to which root's sshd changes its root; Debian does at boot."""
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)


def make_key(path: Path) -> str:
    """A new Ed25519 key; gives its public line, without the comment."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


class Sshd:
    """A server that can be stopped, started again, frozen, and whose sessions die.

    Args:
        folder: for its key, configuration and log.
        account: whom it runs as, and the one account that may log in.
        authorized: the public key line that may log in.
        first: lines of its configuration that win over ours: the first one counts.
        as_root: it is started by root, which reads passwords.

    Attributes:
        inside: puts words in front of the server's argv, such as a namespace's.
    """

    def __init__(
        self,
        folder: Path,
        account: Account,
        authorized: str,
        *,
        first: Sequence[str] = (),
        as_root: bool = False,
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.account = account
        self.host = LOOPBACK
        self.port = free_port()
        self.host_key = make_key(folder / "host_key")
        (folder / "authorized_keys").write_text(f"{authorized}\n")
        values = {"port": self.port, "host": self.host, "folder": folder}
        text = "\n".join([*first, CONFIGURATION.format(**values)])
        (folder / "config").write_text(text)
        self._before = [] if as_root else account.before
        account.owns(folder, *folder.iterdir())
        self.sftp_runs("")
        self.inside: Callable[[list[str]], list[str]] = list
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def sftp_runs(self, before: str) -> None:
        """Put words (shell) in front of the ``sftp-server`` program."""
        path = self.folder / "sftp"
        # What is kept in the account's home lies in the folder: each node has its own.
        path.write_text(f"exec {before} {SFTP_SERVER} -d {self.folder}\n")
        path.chmod(0o644)

    def start(self) -> None:
        if self._process is not None:
            return
        make_root_folder()
        log = self.folder / "log"
        words = [SSHD, "-D", "-f", str(self.folder / "config"), "-E", str(log)]
        self._process = subprocess.Popen(
            self.inside([*self._before, *words]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        until(self._answers, f"sshd in {self.folder} does not listen")

    def stop(self) -> None:
        """The listener and every session are gone when this returns."""
        if self._process is None:
            return
        self.thaw()
        sessions = self.sessions()
        self._process.kill()
        self._process.wait()
        self._process = None
        for process in sessions:
            end(process)

    def freeze(self) -> None:
        """Listener and sessions stop (SIGSTOP): the kernel still takes connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill_sessions(self) -> int:
        """SIGKILL to every session and what it runs; gives how many processes."""
        sessions = self.sessions()
        for process in sessions:
            end(process)
        return len(sessions)

    def sessions(self) -> list[int]:
        """The processes of all sessions, the servers they run included."""
        assert self._process is not None
        return descendants(self._process.pid)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        for process in (self._process.pid, *self.sessions()):
            with suppress(ProcessLookupError):
                os.kill(process, number)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            log = (self.folder / "log").read_text()
            raise AssertionError(f"sshd ended at once: {log}")
        with suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False


def descendants(pid: int) -> list[int]:
    """The processes below ``pid``; one that ends meanwhile is left out."""
    found = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            for child in map(int, text.split()):
                found += [child, *descendants(child)]
    return found


def name_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def end(pid: int) -> None:
    """SIGKILL to a process that we started, by its number."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
