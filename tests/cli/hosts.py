"""Hosts on 127.0.0.1: OpenSSH's sshd and a TFTP service, and nothing of ours.

The account is the one that runs the tests; its home on each host is a folder of its
own (`internal-sftp -d`), so that nobody's real ~/.ssh is touched. TFTP is tftpd-hpa
where we are root, which it needs; the lab's server otherwise.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pexpect

from cucmsh.hosts import host_port
from tests.rigs.account import Account
from tests.rigs.keys import public_line
from tests.rigs.loopback import LOOPBACK
from tests.rigs.sshd import INTERNAL_SFTP, Sshd
from tests.rigs.terminal import open_terminal
from tests.rigs.tftp_get import by_curl
from tests.rigs.tftpd import Service, ServiceManager, ordinary

CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
SERVICE = "tftp"
OURS = Account(Path("/"), is_ours=True)


class TftpBox:
    """A folder that a TFTP service serves, and the words that start and stop it."""

    def __init__(self, folder: Path, address: str = LOOPBACK) -> None:
        self.directory = folder / "tftp"
        self.directory.mkdir(mode=0o755)
        self._folder = folder
        self._manager = ServiceManager(folder / "manager", OURS)
        self.service = Service(self.directory, ordinary(address))
        self._manager.services[SERVICE] = self.service
        self.port = self.service.make.port

    def rewrite_with(self, rules: str) -> None:
        """Have tftpd-hpa map names by these rules from its next start on."""
        assert os.geteuid() == 0, "rewrite rules need root's tftpd"
        file = self._folder / "rewrite.rules"
        file.write_text(rules)
        self.service.more = ["-m", str(file)]

    def compose_with(self, words: list[str], after: list[str]) -> None:
        """What a start runs first, and then: units of docs/production.md."""
        self.service.before_start = lambda: subprocess.run(words, check=False)
        self.service.after_start = lambda: subprocess.run(after, check=False)

    def words(self, verb: str) -> list[str]:
        return self._manager.words(SERVICE, verb)

    @property
    def options(self) -> list[str]:
        """As `cucmsh init` and `node add` take them."""
        found = ["--tftp-directory", str(self.directory)]
        found += ["--tftp", host_port(self.service.make.host, self.port)]
        for verb in ("start", "stop", "restart", "status"):
            found += [f"--{verb}", shlex.join(self.words(verb))]
        return found

    def do(self, verb: str) -> int:
        """As a person at the service manager does; gives the exit status."""
        return self.service.answer(verb)[0]

    def fetch(self, name: str, into: Path) -> bytes:
        return by_curl(self.service.make.host, self.port, name, into)

    def close(self) -> None:
        self._manager.close()


class Host:
    """An sshd with a key of its own, and a TFTP service."""

    def __init__(
        self,
        folder: Path,
        administrator: Path,
        first: Sequence[str] = (),
        address: str = LOOPBACK,
    ) -> None:
        folder.mkdir(mode=0o755)
        self.folder = folder
        self.home = folder / "account"
        self.home.mkdir(mode=0o755)
        self.tftp = TftpBox(folder, address)
        keys = f"AuthorizedKeysFile {administrator}.pub {self.authorized_keys}"
        own = [keys, f"SetEnv HOME={self.home}", "LogLevel DEBUG1"]
        self.sshd = Sshd(
            folder / "sshd",
            first=[*first, *own],
            sftp=f"{INTERNAL_SFTP} -d {self.home}",
            host=address,
        )
        self.user = self.sshd.account.name

    @property
    def port(self) -> int:
        return self.sshd.port

    @property
    def key_line(self) -> str:
        """The public half of its host key, as it is now."""
        return public_line(self.sshd.host_key_file)

    @property
    def authorized_keys(self) -> Path:
        return self.home / ".ssh" / "authorized_keys"

    @property
    def options(self) -> list[str]:
        return ["--host", host_port(self.sshd.host, self.port), "--user", self.user]

    def fingerprint(self, kind: str) -> str:
        words = ["ssh-keygen", "-l", "-E", kind, "-f", str(self.sshd.host_key_file)]
        line = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return line.split()[1]

    @property
    def was_logged_in_to(self) -> bool:
        """Whether anybody got as far as to send a user name."""
        return b"userauth-request" in self.sshd.log.read_bytes()

    def close(self) -> None:
        self.sshd.stop()
        self.tftp.close()


class Member:
    """A node that runs cucmsh: its configuration, and calls of the program.

    Attributes:
        release: with which it is made: the document's, where each node signs.
    """

    release = "10.0"

    def __init__(self, folder: Path, name: str, tftp: TftpBox) -> None:
        folder.mkdir(exist_ok=True, mode=0o755)
        self.name = name
        self.config = folder / "cucmsh.toml"
        self.home = folder / "node"
        self.tftp = tftp
        self.program = [*CUCMSH, "--config", str(self.config)]
        hook = [*self.program, "hook"]
        tftp.compose_with([*hook, "tftp-start"], [*hook, "update-replicas"])

    @property
    def init_options(self) -> list[str]:
        name = ["--name", self.name, "--home", str(self.home)]
        return [*name, "--release", self.release, *self.tftp.options]

    def call(
        self,
        *words: str,
        secrets: str = "",
        answers: str = "",
        stdout: int = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[str]:
        """Run it without a terminal; `secrets` come through the descriptor FD."""
        inner, outer = os.pipe()
        os.write(outer, secrets.encode())
        os.close(outer)
        try:
            return subprocess.run(
                [*self.program, *(str(inner) if w == "FD" else w for w in words)],
                pass_fds=[inner],
                input=answers,
                stdout=stdout,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=120,
            )
        finally:
            os.close(inner)

    def spawn(self, *words: str) -> pexpect.spawn[str]:
        return open_terminal([*self.program, *words], size=(24, 200))
