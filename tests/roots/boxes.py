"""Machines for the walk: Debian roots, booted with systemd, in namespaces of their own.

Each is an overlay on a root that `debootstrap` made, with its own process ids, network
and cgroup; a bridge in one more network namespace joins them. They reach nobody else.
What needs a package archive runs with the network of the host.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

import pexpect

BOOT = Path(__file__).with_name("boot.sh")
CGROUPS = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")
ENVIRONMENT = (
    *("env", "-i", "HOME=/root", "USER=root", "TERM=dumb", "LANG=C.UTF-8"),
    *("DEBIAN_FRONTEND=noninteractive", "PAGER=cat", "LESS=-dEFX"),
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
)
SECONDS = 200
JOBS = "systemctl list-jobs"

Answers = Iterable[tuple[str, str]]


class Done(NamedTuple):
    """A command that ended: what it printed, and its exit status."""

    text: str
    status: int


class Hub:
    """The wire between the boxes."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        ours, theirs = (f"/proc/{i}/ns/net" for i in ("self", self._holder.pid))
        while os.readlink(ours) == os.readlink(theirs):
            time.sleep(0.01)
        self._run("ip", "link", "set", "lo", "up")
        self._run("ip", "link", "add", "br0", "type", "bridge")
        self._run("ip", "link", "set", "br0", "up")

    def join(self, name: str, pid: int) -> None:
        """Give the process's network a card ``eth0`` on this wire."""
        card = f"v-{name}"
        with suppress(subprocess.CalledProcessError):
            self._run("ip", "link", "del", card)  # of an earlier boot
        peer = ("peer", "name", "eth0", "netns", str(pid))
        self._run("ip", "link", "add", card, "type", "veth", *peer)
        self._run("ip", "link", "set", card, "master", "br0", "up")

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()

    def _run(self, *words: str) -> None:
        enter = ["nsenter", "--net", "--target", str(self._holder.pid)]
        subprocess.run([*enter, *words], check=True, capture_output=True)


class Box:
    """One machine.

    Args:
        hub: the wire.
        name: its host name.
        base: the Debian root below it; not changed.
        folder: for what it changes.
        addresses: with prefix lengths, IPv4 and IPv6.
        hosts: more lines for its /etc/hosts.
        log: gets every command and what it printed.
    """

    def __init__(
        self,
        hub: Hub,
        name: str,
        base: Path,
        folder: Path,
        *,
        addresses: Iterable[str],
        hosts: str,
        log: Path,
    ) -> None:
        self.name = name
        self._hub = hub
        self._base = base
        self._folder = folder / name
        self._cache = folder.parent / f"cache-{base.name}"
        self._addresses = tuple(addresses)
        self._hosts = hosts
        self._log = log
        self._outer: subprocess.Popen[bytes] | None = None
        self._group = Path()
        self._umask = "umask 022"  # stays for the commands after it
        self.pid = 0

    def boot(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._cache / "partial").mkdir(parents=True, exist_ok=True)
        cgroup = next(Path(place) for place in CGROUPS if _is_unified(place))
        self._group = cgroup / f"walk-{os.getpid()}-{self.name}"
        self._group.mkdir(exist_ok=True)
        wired = self._folder / "wired"
        wired.unlink(missing_ok=True)
        words = ["unshare", "--fork", "--pid", "--mount", "--net", "--uts", "--ipc"]
        words += ["--cgroup", "--kill-child", str(BOOT), str(self._base)]
        words += [str(self._folder), self.name, str(self._cache)]
        script = f'echo $$ > {self._group}/cgroup.procs; exec "$@"'
        self._outer = subprocess.Popen(
            ["sh", "-c", script, "sh", *words],
            stdin=subprocess.DEVNULL,
            stdout=self._log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._await_child()
        self._hub.join(self.name, self.pid)
        # The same card after a boot: who knew its address finds it again at once.
        card = f"02:00:{crc32(self.name.encode()).to_bytes(4).hex(':')}"
        self._wire("ip", "link", "set", "eth0", "address", card)
        self._wire("sysctl", "-q", "-w", "net.ipv6.conf.eth0.accept_dad=0")
        for device in ("lo", "eth0"):
            self._wire("ip", "link", "set", device, "up")
        for address in self._addresses:
            self._wire("ip", "addr", "add", address, "dev", "eth0")
        wired.touch()
        self._await(lambda: self._comm() == "systemd\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{self._hosts}")
        shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))
        self._await(lambda: "No jobs" in self.quietly(JOBS, check=False))

    def stop(self) -> None:
        """Pull the plug."""
        if self._outer is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._outer.wait()
            self._outer = None
            for group, _, _ in os.walk(self._group, topdown=False):
                with suppress(OSError):
                    os.rmdir(group)

    def reboot(self) -> None:
        """As ``systemctl reboot`` does, services stopped in order."""
        self.quietly("systemctl reboot", check=False)
        assert self._outer is not None
        try:
            self._outer.wait(60)
        except subprocess.TimeoutExpired:
            self.stop()
        self.boot()

    def wipe(self) -> None:
        """A new disk."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def path(self, inside: str) -> Path:
        """Where the host sees a file of the box."""
        return Path(f"/proc/{self.pid}/root{inside}")

    def write(self, inside: str, text: str) -> None:
        self.path(inside).write_text(text)

    def enter(self, *, outside: bool = False) -> list[str]:
        """The argv that leads in; with the network of the host if ``outside``."""
        spaces = ["--mount", "--uts", "--ipc", "--pid"]
        spaces += [] if outside else ["--net"]
        words = [
            "nsenter",
            "--target",
            str(self.pid),
            *spaces,
            "--root",
            "--wdns=/root",
        ]
        return [*words, *ENVIRONMENT]

    def quietly(self, command: str, *, check: bool = True) -> str:
        done = subprocess.run(
            [*self.enter(), "bash", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        text = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{self.name}: {command}: {text}"
        return text

    def unplug(self) -> None:
        """Whoever sends something here hears nothing."""
        self.quietly("ip link set eth0 down")

    def plug(self) -> None:
        add = "; ".join(f"ip addr replace {a} dev eth0" for a in self._addresses)
        self.quietly(f"ip link set eth0 up; {add}")

    def type(self, command: str, answers: Answers = ()) -> Done:
        """Run it on a terminal, as a person does who answers what is asked."""
        outside = command.startswith("apt-get ") or "pip install" in command
        if command.startswith("umask "):
            self._umask = command
        script = f"{self._umask}\n{command}"
        words = [*self.enter(outside=outside), "bash", "-c", script]
        child = pexpect.spawn(
            words[0],
            words[1:],
            timeout=SECONDS,
            encoding="utf-8",
            dimensions=(2000, 200),  # `less` asks for no key
        )
        text = ""
        left = list(answers)
        while True:
            wanted = [question for question, _ in left]
            found = child.expect_exact([pexpect.EOF, *wanted])
            text += child.before or ""
            if found == 0:
                break
            text += wanted[found - 1]
            child.sendline(left.pop(found - 1)[1])
        child.close()
        status = child.exitstatus if child.exitstatus is not None else 255
        text = text.replace("\r\n", "\n")
        with self._log.open("a") as log:
            log.write(f"\n[{self.name}]# {command}\n{text}[status {status}]\n")
        return Done(text, status)

    def _wire(self, *words: str) -> None:
        """Have it done in the network of the box, by the host's programs."""
        enter = ["nsenter", "--net", "--target", str(self.pid)]
        subprocess.run([*enter, *words], check=True, capture_output=True)

    def _await_child(self) -> int:
        """The process that becomes the init of the box."""
        assert self._outer is not None
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        self._await(lambda: bool(children.read_text().strip()))
        return int(children.read_text().split()[0])

    def _comm(self) -> str:
        return Path(f"/proc/{self.pid}/comm").read_text()

    def _await(self, holds: Callable[[], bool]) -> None:
        assert self._outer is not None
        end = time.monotonic() + 60
        while not holds():
            assert self._outer.poll() is None, f"{self.name} did not boot"
            assert time.monotonic() < end, f"{self.name} did not boot"
            time.sleep(0.05)


def _is_unified(place: str) -> bool:
    return Path(place, "cgroup.controllers").exists()


@contextmanager
def hub() -> Iterator[Hub]:
    made = Hub()
    try:
        yield made
    finally:
        made.close()
