"""OpenSSH's server on 127.0.0.1: own port, own host key, own configuration.

``Sshd`` holds the listening socket itself and starts one ``sshd -i`` a connection, as
inetd does it: no port has to be guessed, the configuration is read anew each time, and
every process of it is known. ``SshdDaemon`` is for what only a server that listens by
itself has: ``MaxStartups``, a trace of the whole, a box with a network of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.rigs.account import Account
from tests.rigs.keys import make_key
from tests.rigs.loopback import LOOPBACK, family_of, free_port, listens
from tests.rigs.waiting import until

SSHD = "/usr/sbin/sshd"  # it insists on being started by its absolute path
SFTP_SERVER = "/usr/lib/openssh/sftp-server"
INTERNAL_SFTP = "internal-sftp"
END_SECONDS = 20

# Of each setting the first line counts, so what a test wants comes before these.
CONFIGURATION = """\
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
UseDNS no
PrintMotd no
LogLevel ERROR
"""


def make_root_folder() -> None:
    """Make the folder to which root's sshd changes its root; Debian does at boot."""
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)


class Sshd:
    """A server that can be stopped, started again, frozen, and whose sessions die.

    Args:
        folder: for its key, configuration and log; made, with its parents.
        account: whom it runs as, and the one account that may log in; our own without.
        authorized: the public key lines that may log in.
        first: lines of its configuration that win over ours.
        as_root: it is started by root, which reads passwords.
        sftp: the value of ``Subsystem sftp``; empty for ``sftp-server``, which
            ``sftp_runs`` can put words in front of.
        host: the address it listens on.

    Attributes:
        config: its configuration file, read anew at every connection.
        log: what it logs.
        host_key: the public line of its key.
        inside: puts words in front of the server's argv, such as a namespace's.
    """

    def __init__(
        self,
        folder: Path,
        account: Account | None = None,
        authorized: str = "",
        *,
        first: Sequence[str] = (),
        as_root: bool = False,
        sftp: str = INTERNAL_SFTP,
        host: str = LOOPBACK,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.account = account or Account(folder, is_ours=True)
        self.host = host
        self.config, self.log = folder / "config", folder / "log"
        self.host_key_file = folder / "host_key"
        self.host_key = make_key(self.host_key_file)
        (folder / "authorized_keys").write_text(f"{authorized}\n")
        self.log.touch()
        words = sftp or f"/bin/sh {folder}/sftp"
        lines = [*first, CONFIGURATION.format(folder=folder), f"Subsystem sftp {words}"]
        self.config.write_text("\n".join(lines) + "\n")
        self._before = [] if as_root else self.account.before
        if self._before:
            self.account.owns(folder, *folder.iterdir())
        self.sftp_runs("")
        self.inside: Callable[[list[str]], list[str]] = list
        self.port = free_port(host=host)
        self._lock = threading.Lock()
        self._listener: socket.socket | None = None
        self._is_frozen = False
        self._waiting: list[socket.socket] = []  # came while we were frozen
        self._servers: list[subprocess.Popen[bytes]] = []
        self.start()

    def sftp_runs(self, before: str) -> None:
        """Put words (shell) in front of the ``sftp-server`` program."""
        path = self.folder / "sftp"
        # What is kept in the account's home lies in the folder: each node has its own.
        path.write_text(f"exec {before} {SFTP_SERVER} -d {self.folder}\n")
        path.chmod(0o644)

    def start(self) -> None:
        """Listen, on the same port each time."""
        if self._listener is not None:
            return
        make_root_folder()
        self._listener = socket.create_server(
            (self.host, self.port), family=family_of(self.host)
        )
        self._thread = threading.Thread(target=self._serve, args=(self._listener,))
        self._thread.start()

    def stop(self) -> None:
        """Listener and sessions are gone when this returns."""
        self._close()
        self.kill_sessions()
        for server in self._servers:
            server.wait(END_SECONDS)

    def finish(self) -> None:
        """Take nobody in any more, and wait until all sessions have ended."""
        self._close()
        for server in self._servers:
            server.wait(END_SECONDS)

    def freeze(self) -> None:
        """Sessions stop (SIGSTOP); who connects is taken, and hears nothing."""
        with self._lock:
            self._is_frozen = True
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        with self._lock:
            self._is_frozen = False
            for client in self._waiting:
                self._answer(client)
            self._waiting.clear()
        self._signal(signal.SIGCONT)

    def kill_sessions(self) -> int:
        """SIGKILL to every session and what it runs; gives how many processes."""
        sessions = self.sessions()
        for process in sessions:
            end(process)
        return len(sessions)

    def sessions(self) -> list[int]:
        """The processes of all sessions, the servers they run included."""
        with self._lock:
            servers = [one.pid for one in self._servers if one.poll() is None]
        return [pid for server in servers for pid in (server, *descendants(server))]

    def _close(self) -> None:
        if self._listener is None:
            return
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the thread's accept
        self._thread.join()
        self._listener.close()
        self._listener = None
        self.thaw()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # shut down
                return
            with self._lock:
                if self._is_frozen:
                    self._waiting.append(client)
                else:
                    self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        """Start the server of one connection."""
        words = [SSHD, "-i", "-f", str(self.config), "-E", str(self.log)]
        self._servers = [one for one in self._servers if one.poll() is None]
        with client:
            server = subprocess.Popen(
                self.inside([*self._before, *words]),
                stdin=client.fileno(),
                stdout=client.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._servers.append(server)

    def _signal(self, number: signal.Signals) -> None:
        for process in self.sessions():
            with suppress(ProcessLookupError):
                os.kill(process, number)


class SshdDaemon:
    """One ``sshd -D``: it listens by itself, and is one tree of processes.

    Args:
        options: of sshd.
        log: what it writes to standard error is appended to it.
        inside: puts words in front of its argv, such as a namespace's, or a tracer.
    """

    def __init__(
        self,
        options: Sequence[str],
        log: Path,
        inside: Callable[[list[str]], list[str]] = list,
    ) -> None:
        make_root_folder()
        self.host, self.port = LOOPBACK, free_port()
        words = [SSHD, "-D", "-e", *options, "-o", f"Port={self.port}"]
        words += ["-o", f"ListenAddress={LOOPBACK}", "-o", "PidFile=none"]
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                inside(words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        until(self._listens, "sshd does not listen")

    def close(self) -> None:
        """The server and all its sessions are gone when this returns."""
        for process in (*descendants(self._process.pid), self._process.pid):
            end(process)
        self._process.wait()

    def _listens(self) -> bool:
        assert self._process.poll() is None, "sshd ended at once"
        return listens(self.host, self.port)


def descendants(pid: int) -> list[int]:
    """The processes below ``pid``; one that ends meanwhile is left out."""
    found = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            for child in map(int, text.split()):
                found += [child, *descendants(child)]
    return found


def end(pid: int) -> None:
    """SIGKILL to a process that we started, by its number."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
