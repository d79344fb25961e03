"""The rig: a publisher with real keys in front of real sshd and TFTP servers.

Everything lives below one folder: ``publisher/`` (home, TFTP directory, identity,
configuration) and ``nodes/NAME/`` (sshd, TFTP directory). Made once; ``restore`` puts
back every file, mode and owner, and starts what a test stopped.
"""

from __future__ import annotations

import itertools
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, cast

from cucmsh.config.settings import read_settings
from cucmsh.pki.backend import KeyBackend
from cucmsh.secret import Secret
from cucmsh.services.backends import Backends
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import make_node, public_certificates
from cucmsh.services.site import Site
from tests.rigs.account import Account
from tests.rigs.keys import make_key
from tests.rigs.making import KeysOnly, WallClock
from tests.rigs.sshd import Sshd, end
from tests.rigs.tftpd import Make, Service, ServiceManager, makes
from tests.rigs.waiting import until
from tests.services.made_cluster import QuickKeys

PREFIX = "cucmsh-rig-"
LIST_FILE = "ITLFile.tlv"
PUBLISHER = "pub"
SUBSCRIBER = "sub"
SECURITY = "canary-security-4dbf3c61"
CCM = "canary-ccm-98a1c0b7e2"
RESET = "utils itl reset localkey"
ANSWERS = f"{CCM}\n"
SECONDS = 200  # a guard against a hang, nothing else
CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
ENVIRONMENT = {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LANG": "C.UTF-8"}

Snapshot = dict[Path, tuple[int, int, int, bytes | None]]


class Result(NamedTuple):
    """How a command ended, and what it said."""

    status: int
    said: str
    stderr: str

    @property
    def transcript(self) -> str:
        return self.said + self.stderr


def run_program(words: Sequence[str], answers: str) -> Result:
    """A program to its end, with that on its standard input."""
    done = subprocess.run(
        words,
        input=answers,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env=ENVIRONMENT,
    )
    return Result(done.returncode, done.stdout, done.stderr)


class Replica:
    """A plain box: an sshd, a TFTP server, a directory."""

    def __init__(
        self, folder: Path, account: Account, key: str, number: int, make: Make
    ) -> None:
        self.name = f"node{number}"
        self.folder = folder
        folder.mkdir()
        self.tftp = folder / "tftp"
        self.tftp.mkdir()
        account.owns(folder, self.tftp)
        self.sshd = Sshd(folder / "ssh", account, key, sftp="")
        self.service = Service(self.tftp, make, account)

    role = "replica"
    services: tuple[str, ...] = ("tftp",)

    @property
    def list_file(self) -> Path:
        return self.tftp / LIST_FILE

    def more_lines(self) -> list[str]:
        """What its entry says besides what every entry says."""
        return []


class Subscriber(Replica):
    """A box that runs cucmsh; its account is ours, which can run it.

    Attributes:
        before: words (argv) in front of its cucmsh, such as ``strace``.
    """

    role = "subscriber"
    services = ("tftp", "tvs")

    def __init__(self, folder: Path, key: str) -> None:
        super().__init__(folder, Account(folder, is_ours=True), key, 0, makes(0))
        self.name = SUBSCRIBER
        self.home = folder / "home"
        (self.home / "state" / "staging").mkdir(parents=True)
        self.home.chmod(0o700)
        self.config = folder / "cucmsh.toml"
        self.before: list[str] = []

    def more_lines(self) -> list[str]:
        program = [*self.before, *CUCMSH, "--config", str(self.config)]
        return [
            f'staging = "{self.home}/state/staging"',
            f"program = {json.dumps(program)}",
        ]


class _CheapKeyFile(KeyBackend):
    """Keys of the real size, and a key file that opens at once."""

    write_key_file = staticmethod(QuickKeys.write_key_file)


def _made(config: Path) -> Site:
    """The node of that configuration, with new keys."""
    backends = cast(Backends, KeysOnly(_CheapKeyFile()))
    site = Site(read_settings(str(config)), WallClock(), backends)
    make_node(site, Secret(SECURITY), Secret(CCM))
    return site


class Cluster:
    """See the module.

    Args:
        replicas: how many.
        has_subscriber: whether there is one that runs cucmsh, too.

    Attributes:
        nodes: all but the publisher; ``configure`` says which are in the cluster.
    """

    def __init__(self, replicas: int, *, has_subscriber: bool = False) -> None:
        remove_leftovers()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self.folder.chmod(0o755)
        self.account = Account(self.folder)
        publisher = self.folder / "publisher"
        self.home, self.tftp = publisher / "home", publisher / "tftp"
        for folder in (
            publisher,
            self.home,
            self.tftp,
            self.folder / "nodes",
            self.folder / "said",
        ):
            folder.mkdir()
        self.home.chmod(0o700)
        self.identity = publisher / "id_ed25519"
        key = make_key(self.identity)
        self.config = publisher / "cucmsh.toml"
        self.manager = ServiceManager(self.folder / "manager", self.account)
        self.subscriber: Subscriber | None = None
        self.nodes: list[Replica] = []
        if has_subscriber:
            self.subscriber = Subscriber(self.folder / "nodes" / SUBSCRIBER, key)
            self.subscriber.service.before_start = self._compose_there
            self.nodes.append(self.subscriber)
        self.nodes += [
            Replica(
                self.folder / "nodes" / f"node{number}",
                self.account,
                key,
                number,
                makes(number),
            )
            for number in range(1, replicas + 1)
        ]
        self.service = Service(self.tftp, makes(0), self.account)
        self.service.before_start = self._compose
        self.manager.services[PUBLISHER] = self.service
        for node in self.nodes:
            self.manager.services[node.name] = node.service
        self._running: list[Running] = []
        self.members = self.nodes
        self.ports: dict[str, int] = {}
        try:
            self._make_publisher()
        except BaseException:
            self.close()
            raise
        self.before = self.snapshot()

    def _make_publisher(self) -> None:
        self.configure()
        configs = [self.config]
        configs += [self.subscriber.config] if self.subscriber else []
        sites = [_made(config) for config in configs]
        for giver, taker in itertools.permutations(sites, 2):
            for unit, pem in public_certificates(giver).items():
                Keystore(taker).trust(giver.node, unit, pem)
        for node in self.nodes:  # what is composed is brought to them
            node.service.start()
        if self.subscriber:
            self._compose_there()
        for hook in ("tftp-start", "update-replicas"):
            done = self.hook(hook)
            assert done.status == 0, done.transcript
        for node in self.nodes:
            if node is not self.subscriber:
                self.give(node, (self.tftp / LIST_FILE).read_bytes())
        self._start_all()

    def lose_publisher(self) -> None:
        """Its disk is another one, with keys of its own; nothing is composed."""
        for folder, mode in ((self.home, 0o700), (self.tftp, 0o755)):
            shutil.rmtree(folder)
            folder.mkdir()
            folder.chmod(mode)
        _made(self.config)

    def give(self, node: Replica, raw: bytes) -> None:
        """Put a list into the node's directory, as an earlier push did."""
        node.list_file.write_bytes(raw)
        node.list_file.chmod(0o644)
        self.account.owns(node.list_file)

    def configure(
        self, members: Sequence[Replica] | None = None, **options: object
    ) -> None:
        """Write the publisher's configuration anew.

        Args:
            members: the replicas in the cluster; all of them without it.
            options: top-level keys, such as ``fidelity="strict"``.
        """
        self.members = list(self.nodes if members is None else members)
        top = {"keep_trust": True, **options}
        head = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
        lines = ["[cluster]", 'domain = "rig.example"', 'subject = "O=rig;C=US"']
        lines += self._entry(PUBLISHER, self.tftp, self.service, "publisher")
        lines.append('services = ["tftp", "tvs", "capf"]')
        for node in self.members:
            lines += self._entry(node.name, node.tftp, node.service, node.role)
            lines.append(f"services = {json.dumps(node.services)}")
            port = self.ports.get(node.name, node.sshd.port)
            lines.append(
                f'ssh = {{ host = "{node.sshd.host}", port = {port}, '
                f'user = "{node.sshd.account.name}", identity = "{self.identity}", '
                f'host_key = "{node.sshd.host_key}" }}'
            )
            lines += node.more_lines()
        owners = [(PUBLISHER, self.home, self.config)]
        if self.subscriber:
            own = self.subscriber
            owners.append((own.name, own.home, own.config))
        for name, home, config in owners:
            about = ["[node]", f'name = "{name}"', f'home = "{home}"']
            config.write_text("\n".join([*head, *about, *lines]) + "\n")

    def _entry(self, name: str, tftp: Path, service: Service, role: str) -> list[str]:
        verbs = ("start", "stop", "restart", "status")
        commands = ", ".join(
            f"{verb} = {json.dumps(self.manager.words(name, verb))}" for verb in verbs
        )
        address = f'host = "{service.make.host}", port = {service.make.port}'
        return [
            "[[cluster.nodes]]",
            f'name = "{name}"',
            f'role = "{role}"',
            f'tftp_directory = "{tftp}"',
            f"tftp = {{ {address} }}",
            f"service_commands = {{ {commands} }}",
        ]

    def _compose(self) -> None:
        """What runs before the publisher's TFTP starts."""
        self.hook("tftp-start")

    def _compose_there(self) -> None:
        """The same on the subscriber."""
        assert self.subscriber is not None
        program = [*CUCMSH, "--config", str(self.subscriber.config)]
        run_program([*program, "hook", "tftp-start"], "")

    def hook(self, *words: str) -> Result:
        program = [*CUCMSH, "--config", str(self.config), "hook", *words]
        return run_program(self.service.inside(program), "")

    def words(self, line: str) -> list[str]:
        """The argv of one command on the publisher."""
        return [*CUCMSH, "--config", str(self.config), "-c", line]

    def call(
        self, line: str = RESET, answers: str = ANSWERS, before: Sequence[str] = ()
    ) -> Result:
        """One command on the publisher, to its end.

        Args:
            line: the command.
            answers: a line each.
            before: words in front of the program, such as ``strace``.
        """
        return run_program([*before, *self.words(line)], answers)

    def spawn(self, line: str = RESET, answers: str = ANSWERS) -> Running:
        """One command on the publisher, while it runs; ``restore`` ends it."""
        return self.start_words(self.words(line), answers)

    def start_words(self, words: Sequence[str], answers: str | None) -> Running:
        """Any program, in the same way."""
        running = Running(words, answers, self.folder / "said")
        self._running.append(running)
        return running

    @property
    def old(self) -> bytes:
        """The list that the publisher and its replicas served at the beginning."""
        raw = self.before[self.tftp / LIST_FILE][3]
        assert raw is not None
        return raw

    @property
    def olds(self) -> set[bytes]:
        """All lists that were served at the beginning: the subscriber has its own."""
        lists = [self.before.get(node.list_file) for node in self.members]
        return {self.old, *(found[3] for found in lists if found and found[3])}

    def snapshot(self) -> Snapshot:
        """Every file and folder that a command may change: mode, owner, bytes."""
        found: Snapshot = {}
        tops = [self.home, self.tftp, *(node.tftp for node in self.nodes)]
        tops += [self.subscriber.home] if self.subscriber else []
        for top in tops:
            for path in (top, *top.rglob("*")):
                about = path.lstat()
                raw = path.read_bytes() if path.is_file() else None
                found[path] = (about.st_mode & 0o7777, about.st_uid, about.st_gid, raw)
        return found

    def restore(self, wanted: Snapshot | None = None) -> None:
        """Everything as it was after the cluster was made, and running."""
        self._end_running()
        until(self._is_at_rest, "somebody is still at work")
        self.ports = {}
        for service in self.manager.services.values():
            service.fault = None
            service.requests.clear()
        if self.subscriber:
            self.subscriber.before = []
        for node in self.nodes:
            node.sshd.thaw()
            node.sshd.sftp_runs("")
        self.configure()
        wanted = self.before if wanted is None else wanted
        present = self.snapshot()
        for path in sorted(present.keys() - wanted.keys(), reverse=True):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        for path, entry in sorted(wanted.items()):
            if present.get(path) != entry:
                _put(path, *entry)
        self._start_all()

    def _is_at_rest(self) -> bool:
        """Whether no command and no request for a service is under way."""
        working = (f"{self.manager.ask}".encode(), f"{self.config}".encode())
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if any(word in words for word in working):
                    return False
        return True

    def _end_running(self) -> None:
        while self._running:
            self._running.pop().kill()

    def _start_all(self) -> None:
        for node in self.nodes:
            node.sshd.start()
        for service in self.manager.services.values():
            service.start()

    def close(self) -> None:
        """Nothing of the rig is left: no process, no account, no file."""
        self._end_running()
        for node in self.nodes:
            node.sshd.stop()
        self.manager.close()
        _end_what_names(self.folder)  # a killed session's request may still wait
        shutil.rmtree(self.folder)
        self.account.remove()


def remove_leftovers() -> None:
    """End what a killed run of the rig left: its processes, accounts and folders.

    A rig's folder has the number of its process in its name, is the home of its
    accounts, and stands in the argv of everything that it started.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not owner.isdecimal() or os.path.exists(f"/proc/{owner}"):
            continue
        try:
            if folder.stat().st_uid != os.geteuid():
                continue
        except FileNotFoundError:  # another worker began at once, and removed it
            continue
        _end_what_names(folder)
        for found in pwd.getpwall():
            if found.pw_dir.startswith(str(folder)) and found.pw_name.startswith(
                PREFIX
            ):
                Account.remove_named(found.pw_name, found.pw_uid)
        shutil.rmtree(folder, ignore_errors=True)


def _end_what_names(folder: Path) -> None:
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{folder}/".encode() in (entry / "cmdline").read_bytes():
                end(int(entry.name))


def _put(path: Path, mode: int, uid: int, gid: int, raw: bytes | None) -> None:
    if raw is None:
        path.mkdir(exist_ok=True)
    else:
        path.unlink(missing_ok=True)
        path.write_bytes(raw)
    path.chmod(mode)
    os.chown(path, uid, gid)


class Running:
    """A command that was started and is looked at while it runs.

    Args:
        words: the argv.
        answers: written to its standard input, which is closed then; None keeps it
            open for ``answer``.
        folder: for what it says.
    """

    def __init__(self, words: Sequence[str], answers: str | None, folder: Path) -> None:
        self._out = folder / f"said-{os.urandom(4).hex()}"
        self._err = self._out.with_suffix(".stderr")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                list(words),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env=ENVIRONMENT,
            )
        if answers is not None:
            self.answer(answers)

    def answer(self, answers: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(answers.encode())
        self.process.stdin.close()

    @property
    def said(self) -> str:
        return self._out.read_text(errors="replace")

    def end(self, seconds: float = SECONDS) -> Result:
        status = self.process.wait(seconds)
        return Result(status, self.said, self._err.read_text(errors="replace"))

    def kill(self) -> None:
        """It is gone when this returns."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()
