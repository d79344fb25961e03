"""Hosts on 127.0.0.1: OpenSSH's sshd and a TFTP service, and nothing of ours.

The account is the one that runs the tests; its home on each host is a folder of its
own (`internal-sftp -d`), so that nobody's real ~/.ssh is touched. TFTP is tftpd-hpa
where we are root, which it needs; the lab's server otherwise.
"""

import getpass
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pexpect

from cucmsh.hosts import host_port
from tests.rigs.sshd import make_root_folder

CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
RIGS = Path(__file__).parents[1] / "rigs"
LOOPBACK = "127.0.0.1"
SECONDS = 30
TFTPD = "/usr/sbin/in.tftpd"
BY_KEY_ONLY = "StrictModes no\nPasswordAuthentication no\n"


def make_key(path: Path) -> Path:
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(words, check=True)
    return path


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def free_port(address: str = LOOPBACK) -> int:
    with socket.socket(family_of(address), socket.SOCK_DGRAM) as holder:
        holder.bind((address, 0))
        return int(holder.getsockname()[1])


class TftpBox:
    """A folder that a TFTP service serves, and the words that start and stop it."""

    def __init__(self, folder: Path, address: str = LOOPBACK) -> None:
        self.directory = folder / "tftp"
        self.directory.mkdir(mode=0o755)
        self.port = free_port(address)
        self._where = host_port(address, self.port)
        self._file = folder / "tftp.json"
        serve = [sys.executable, "-I", str(RIGS / "lab_tftp.py")]
        server = [*serve, str(self.port), str(self.directory)]
        if os.geteuid() == 0:
            assert Path(TFTPD).exists(), "as root these tests need tftpd-hpa"
            server = [TFTPD, "-L", "-a", self._where, "-s", str(self.directory)]
        self._service: dict[str, Any] = {
            "server": server,
            "before": [],
            "after": [],
            "pid": str(folder / "tftp.pid"),
            "log": str(folder / "tftp.log"),
            "address": address,
            "port": self.port,
        }
        self.compose_with([])

    def rewrite_with(self, rules: str) -> None:
        """Have tftpd-hpa map names by these rules from its next start on."""
        assert self._service["server"][0] == TFTPD, "rewrite rules need root's tftpd"
        file = self._file.with_name("rewrite.rules")
        file.write_text(rules)
        if "-m" not in self._service["server"]:
            self._service["server"][1:1] = ["-m", str(file)]
            self._file.write_text(json.dumps(self._service))

    def compose_with(self, words: list[str], after: list[str] | None = None) -> None:
        """What a start runs first, and then: units of docs/production.md."""
        self._service["before"] = words
        self._service["after"] = after or []
        self._file.write_text(json.dumps(self._service))

    def words(self, verb: str) -> list[str]:
        return [sys.executable, str(RIGS / "tftp_service.py"), str(self._file), verb]

    @property
    def options(self) -> list[str]:
        """As `cucmsh init` and `node add` take them."""
        found = ["--tftp-directory", str(self.directory)]
        found += ["--tftp", self._where]
        for verb in ("start", "stop", "restart", "status"):
            found += [f"--{verb}", shlex.join(self.words(verb))]
        return found

    def do(self, verb: str) -> int:
        return subprocess.run(self.words(verb), check=False, timeout=60).returncode

    def fetch(self, name: str, into: Path) -> bytes:
        """Through curl: a TFTP client of another make."""
        url = f"tftp://{self._where}/{name}"
        words = ["curl", "-g", "-s", "-f", "-m", "20", "-o", str(into), url]
        subprocess.run(words, check=True)
        return into.read_bytes()


class Host:
    """An sshd with a key of its own, and a TFTP service."""

    def __init__(
        self,
        folder: Path,
        administrator: Path,
        settings: str = BY_KEY_ONLY,
        address: str = LOOPBACK,
    ) -> None:
        folder.mkdir(mode=0o755)
        self.folder = folder
        self.home = folder / "account"
        self.home.mkdir(mode=0o755)
        self.tftp = TftpBox(folder, address)
        self._address = address
        self.key_file = make_key(folder / "host_key")
        self.user = getpass.getuser()
        self.port = 0
        (folder / "sshd_config").write_text(
            f"HostKey {self.key_file}\nUsePAM no\nPidFile none\n"
            f"AuthorizedKeysFile {administrator}.pub {self.authorized_keys}\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin yes\n"
            f"Subsystem sftp internal-sftp -d {self.home}\nLogLevel DEBUG1\n"
            f"SetEnv HOME={self.home}\n"
            f"{settings}"
        )
        make_root_folder()
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.up()

    @property
    def key_line(self) -> str:
        return self.key_file.with_suffix(".pub").read_text().strip()

    @property
    def authorized_keys(self) -> Path:
        return self.home / ".ssh" / "authorized_keys"

    @property
    def options(self) -> list[str]:
        return ["--host", host_port(self._address, self.port), "--user", self.user]

    def fingerprint(self, kind: str) -> str:
        words = ["ssh-keygen", "-l", "-E", kind, "-f", str(self.key_file)]
        line = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return line.split()[1]

    @property
    def was_logged_in_to(self) -> bool:
        """Whether anybody got as far as to send a user name."""
        log = self.folder / "sshd.log"
        return log.exists() and b"userauth-request" in log.read_bytes()

    def up(self) -> None:
        self._listener = socket.create_server(
            (self._address, self.port), family=family_of(self._address)
        )
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(self._listener,))
        self._thread.start()

    def down(self) -> None:
        if self._listener is not None and self._thread is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            self._listener.close()
            self._listener = None

    def _serve(self, listener: socket.socket) -> None:
        """One server a connection, as inetd does it."""
        words = ["/usr/sbin/sshd", "-i", "-e", "-f", str(self.folder / "sshd_config")]
        servers = []
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # shut down
                break
            with client, (self.folder / "sshd.log").open("ab") as log:
                peer = client.fileno()
                servers.append(
                    subprocess.Popen(words, stdin=peer, stdout=peer, stderr=log)
                )
        for server in servers:
            server.wait(20)

    def close(self) -> None:
        self.down()
        self.tftp.do("stop")


class Member:
    """A node that runs cucmsh: its configuration, and calls of the program."""

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
        return ["--name", self.name, "--home", str(self.home), *self.tftp.options]

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

    def spawn(self, *words: str) -> "pexpect.spawn[str]":
        child = pexpect.spawn(
            self.program[0],
            [*self.program[1:], *words],
            env={"TERM": "vt100", "PATH": os.defpath},
            dimensions=(24, 200),
            timeout=SECONDS,
            encoding="utf-8",
        )
        child.delaybeforesend = None
        return child


def ends(child: "pexpect.spawn[str]") -> tuple[int, str]:
    """Wait for the end; the exit status and what was shown since the last question."""
    child.expect(pexpect.EOF)
    child.close()
    status = child.exitstatus if child.exitstatus is not None else -1
    return int(status), str(child.before).replace("\r\n", "\n")
