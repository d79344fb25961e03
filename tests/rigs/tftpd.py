"""A node's TFTP server as a process, and the service manager that owns it.

Servers of three makes: tftpd-hpa's ``in.tftpd`` and dnsmasq where root starts them,
the lab's own anywhere. A service command is a line of shell that puts a request into a
named pipe and waits for the answer, so whoever asked may die and the restart is still
finished (invariant I10); that is what systemd does for a real node.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cucmsh.hosts import host_port
from tests.rigs.account import Account
from tests.rigs.loopback import LOOPBACK, family_of, free_port
from tests.rigs.waiting import until

ASK = """\
# ask NODE VERB: request to the rig's service manager; exit status as it answers.
mailbox={folder}/answer.$$
mkfifo -m 666 "$mailbox" || exit 9
echo "$1 $2 $mailbox" >> {folder}/requests
read -r status text < "$mailbox"
rm -f "$mailbox"
[ -z "$text" ] || echo "$text" >&2
exit "$status"
"""
LAB_SERVER = str(Path(__file__).with_name("lab_tftp.py"))
ANSWER_SECONDS = 0.1
HPA = shutil.which("in.tftpd", path="/usr/sbin:/usr/bin")
DNSMASQ = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin")


class Make(NamedTuple):
    """A kind of TFTP server, and where one of it would listen."""

    name: str
    host: str
    port: int


def makes(number: int) -> Make:
    """The kind for the node of that number: a mixed cluster, as far as we may."""
    if os.geteuid() == 0:
        if number == 1 and DNSMASQ:  # it knows port 69 only: an address of its own
            # By chance: a process may have several clusters, and two servers that
            # share an address would not even notice.
            first, second, third = (1 + byte % 250 for byte in os.urandom(3))
            return Make("dnsmasq", f"127.{first}.{second}.{third}", 69)
        if HPA and number:
            return Make("tftpd-hpa", LOOPBACK, free_port())
    return Make("lab", LOOPBACK, free_port())


def ordinary(host: str = LOOPBACK) -> Make:
    """tftpd-hpa where root starts it, which it needs; the lab's own elsewhere."""
    port = free_port(host)
    if os.geteuid() == 0:
        assert HPA, "as root these tests need tftpd-hpa"
        return Make("tftpd-hpa", host, port)
    return Make("lab", host, port)


class Service:
    """One node's TFTP service.

    Args:
        directory: what it serves.
        make: see there.
        account: whom the server becomes when root has started it; without one it is
            whom its maker chose.

    Attributes:
        fault: None, or what the next requests do instead of their work; gives the
            answer's status and text.
        before_start: run before every start, which it does not keep from happening.
        after_start: run after every start, and nobody waits for it.
        more: words for the server's own argv.
        inside: puts words in front of the server's argv, such as a namespace's.
        requests: the verbs that were asked for.
        should_run: nobody asked for a stop since the last start.
    """

    def __init__(
        self, directory: Path, make: Make, account: Account | None = None
    ) -> None:
        self.directory = directory
        self.make = make
        self.account = account
        self.fault: Callable[[str], tuple[int, str]] | None = None
        self.before_start: Callable[[], object] = lambda: None
        self.after_start: Callable[[], object] = lambda: None
        self.more: list[str] = []
        self.requests: list[str] = []
        self.should_run = False
        self.inside: Callable[[list[str]], list[str]] = list
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def answer(self, verb: str) -> tuple[int, str]:
        """Status and text for one request, carried out by now."""
        self.requests.append(verb)
        if self.fault is not None:
            return self.fault(verb)
        with self._lock:
            if verb == "status":
                return (0 if self.is_running else 3), ""
            if verb in ("stop", "restart"):
                self._stop()
            self.should_run = verb != "stop"
            if verb in ("start", "restart"):
                self.before_start()
                self._start()
                threading.Thread(target=self.after_start, daemon=True).start()
        return 0, ""

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        with self._lock:
            self.should_run = True
            self._start()

    def stop(self) -> None:
        with self._lock:
            self.should_run = False
            self._stop()

    def _start(self) -> None:
        if self.is_running:
            return
        until(self._begun, f"the TFTP server ({self.make.name}) does not answer")

    def _begun(self) -> bool:
        """Whether it answers; begun anew if it ended at once.

        A killed child of the last one has the port until it is run once more, and dies.
        """
        if not self.is_running:
            self._process = subprocess.Popen(
                self.inside(self._words()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._answers() and self.is_running

    def _stop(self) -> None:
        """The whole group, as systemd does: in.tftpd has a child for each client."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _words(self) -> list[str]:
        host, port = self.make.host, str(self.make.port)
        if self.make.name == "dnsmasq":
            words = [str(DNSMASQ), "--keep-in-foreground", "--port=0", "--conf-file="]
            words += ["--enable-tftp", f"--tftp-root={self.directory}", "--pid-file="]
            words += [f"--listen-address={host}", "--bind-interfaces"]
            words += [f"--user={self.account.name}"] if self.account else []
            return [*words, "--tftp-max=1000", *self.more]
        if self.make.name == "tftpd-hpa":
            where = host_port(host, self.make.port)
            words = [str(HPA), "-L", "--secure", "--address", where, *self.more]
            words += ["--user", self.account.name] if self.account else []
            return [*words, str(self.directory)]
        return [sys.executable, "-I", LAB_SERVER, host, port, str(self.directory)]

    def _answers(self) -> bool:
        """Whether anything comes back, and be it that there is no such file."""
        with socket.socket(family_of(self.make.host), socket.SOCK_DGRAM) as asking:
            asking.settimeout(ANSWER_SECONDS)
            with suppress(OSError):  # the answer comes from another port
                where = (self.make.host, self.make.port)
                asking.sendto(b"\0\1are-you-there\0octet\0", where)
                return bool(asking.recv(600))
        return False


class ServiceManager:
    """Takes requests for any number of services, one thread each request.

    Attributes:
        instead: an argv that stands for every command, where none is wanted.
    """

    def __init__(self, folder: Path, account: Account) -> None:
        folder.mkdir()
        self.services: dict[str, Service] = {}
        self.instead: list[str] = []
        self._pipe = folder / "requests"
        os.mkfifo(self._pipe)
        self.ask = folder / "ask"
        self.ask.write_text(ASK.format(folder=folder))
        account.owns(folder, self._pipe, self.ask)
        self._reader = os.open(self._pipe, os.O_RDWR)  # never at its end
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def words(self, node: str, verb: str) -> list[str]:
        """The argv of a service command."""
        return self.instead or ["/bin/sh", str(self.ask), node, verb]

    def close(self) -> None:
        os.write(self._reader, b"end\n")
        self._thread.join()
        os.close(self._reader)
        for service in self.services.values():
            service.stop()

    def _serve(self) -> None:
        rest = b""
        while True:
            rest += os.read(self._reader, 4096)
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line == b"end":
                    return
                words = line.decode().split()
                threading.Thread(target=self._do, args=words, daemon=True).start()

    def _do(self, node: str, verb: str, mailbox: str) -> None:
        status, text = 1, "the rig's service does not start"
        try:
            status, text = self.services[node].answer(verb)
        finally:  # whoever asked may wait for ever otherwise
            self._post(status, text, mailbox)

    def _post(self, status: int, text: str, mailbox: str) -> None:
        with suppress(OSError):  # who asked may be gone, and its pipe with it
            descriptor = os.open(mailbox, os.O_RDWR | os.O_NONBLOCK)
            os.write(descriptor, f"{status} {text}\n".encode())
            self._drop(mailbox, descriptor)

    def _drop(self, mailbox: str, descriptor: int) -> None:
        """Hold the answer until it is read; the reader removes the pipe."""
        with suppress(AssertionError):
            until(lambda: not os.path.exists(mailbox), "nobody reads it", 10)
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(mailbox)
