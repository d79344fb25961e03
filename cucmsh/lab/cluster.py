"""A whole cluster on 127.0.0.1: made, started, described, stopped.

Every node is a process, and so is the backup server; so is nothing else that outlives
``stop``. A member ends when its channel closes, which the kernel does for us if we are
killed. This process has no threads, so that members can be begun again at any time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cucmsh.config.settings import read_settings
from cucmsh.errors import ServiceError
from cucmsh.lab.backup import serve_backup
from cucmsh.lab.conditions import BACKUP, PAGE
from cucmsh.lab.directory import LabDirectory
from cucmsh.lab.members import Member, Run, Serve, fork
from cucmsh.lab.node import Logins, OpenSite, make, serve
from cucmsh.lab.page import LabPage, ServePage
from cucmsh.lab.plan import (
    LOOPBACK,
    NodePlan,
    bound_listener,
    configuration,
    plan_nodes,
)
from cucmsh.lab.ssh_server import host_key, public_line
from cucmsh.lab.wanted import Wanted
from cucmsh.layout import LAB_BACKUPS, LAB_HOST_KEY, LAB_KNOWN_HOSTS
from cucmsh.pki.credential import make_ssh_identity
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.site import Site

if TYPE_CHECKING:
    from cucmsh.lab.phones.order import PhoneName
    from cucmsh.lab.phones.start import LabPhones

BACKUP_USER = "backup"


class LabCluster:
    """The cluster in one directory, running.

    Args:
        directory: the lab's directory, which stays the caller's to close.
        wanted: names, ports, passwords and keys.
        open_site: opens the node of given settings.
        phones: which phones; they are no members, but a process, too.
        serve_page: serves the publisher's page, in another process; None: no page.
        progress: is told, in a word, how far the start has come.

    Attributes:
        members: the nodes' processes, the publisher's first; then the backup server's.
        phones: the phones; None without any.

    Raises:
        ServiceError: a node did not start; nothing runs then.
    """

    def __init__(  # noqa: PLR0913 - two of them are keywords
        self,
        directory: LabDirectory,
        wanted: Wanted,
        open_site: OpenSite,
        phones: Sequence[PhoneName] = (),
        *,
        serve_page: ServePage | None = None,
        progress: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._directory = directory
        self._wanted = wanted
        self._open_site = open_site
        root = directory.path
        directory.require(wanted)
        self._plans = plan_nodes(root, wanted, directory.ports)
        self._backups = root / LAB_BACKUPS
        self._backups.mkdir(exist_ok=True, mode=0o700)
        self._backup, self._backup_port = bound_listener(
            directory.ports(BACKUP).get("sftp", 0), wanted.port_of(BACKUP, "sftp")
        )
        self._page = self._planned_page(serve_page) if serve_page else None
        self._descriptors: list[int] = [directory.lock_descriptor]
        backup_key = root / LAB_HOST_KEY
        progress("keys")
        self._make(root, backup_key)
        self._known_hosts = root / LAB_KNOWN_HOSTS
        self._known_hosts.write_text(self._host_key_lines(backup_key))
        names = [*(plan.name for plan in self._plans), BACKUP]
        self.members = {name: Member(name) for name in names}
        self.phones = self._planned(phones) if phones else None
        progress("servers")
        try:
            started = [*self.members.values(), *self._page_members]
            for member in started:
                self._launch(member)
            for member in started:
                member.await_ready()
            if self.phones is not None:  # they start when their nodes answer
                self.begin(self.phones.member)
        except BaseException:
            self.stop()
            raise

    @property
    def publisher(self) -> NodePlan:
        return self._plans[0]

    @property
    def plans(self) -> list[NodePlan]:
        """The nodes."""
        return list(self._plans)

    @property
    def root(self) -> Path:
        """The lab's directory."""
        return self._directory.path

    def sites(self) -> list[Site]:
        """The nodes, as their configurations are now."""
        return [self._open_site(read_settings(str(at.config))) for at in self._plans]

    def keep_from_members(self, descriptor: int) -> None:
        """Members that are begun from now on do not hold this descriptor of ours."""
        self._descriptors.append(descriptor)

    def begin(self, member: Member) -> None:
        """Begin a member that was stopped.

        Raises:
            ServiceError: it does not start.
        """
        self._launch(member)
        try:
            member.await_ready()
        except ServiceError:
            self.end(member)
            raise

    def end(self, member: Member) -> None:
        """Stop a member. Its ports stay its own, and refuse connections."""
        member.ask_to_end()
        member.await_end()
        if member.name == BACKUP:
            self._backup = bound_listener(self._backup_port, is_again=True)[0]
            return
        if self.phones is not None and member is self.phones.member:
            self.phones.bind_again()
            return
        number = [plan.name for plan in self._plans].index(member.name)
        self._plans[number] = self._plans[number].bound_again()

    def describe(self) -> dict[str, Any]:
        """What ``--serve`` prints (and ``lab.json`` keeps)."""
        password = self._directory.password
        publisher, *subscribers = [plan.describe() for plan in self._plans]
        return {
            "directory": str(self._directory.path),
            "known_hosts": str(self._known_hosts),
            "publisher": publisher,
            "subscribers": subscribers,
            "phones": self.phones.describe() if self.phones else [],
            **({"web": {"url": self._page.url}} if self._page else {}),
            "sftp": {
                "host": LOOPBACK,
                "port": self._backup_port,
                "user": BACKUP_USER,
                "password": password("backup"),
                "directory": str(self._backups),
            },
            "passwords": {
                name: password(name) for name in ("admin", "ccm", "security")
            },
        }

    def stop(self) -> None:
        """End every member."""
        running = [each for each in self._all if each.state is not Run.STOPPED]
        for member in running:
            member.ask_to_end()
        for member in running:
            member.await_end()

    @property
    def _all(self) -> list[Member]:
        """The members, and the phones' process."""
        phones = [self.phones.member] if self.phones is not None else []
        return [*phones, *self._page_members, *self.members.values()]

    @property
    def _page_members(self) -> list[Member]:
        return [] if self._page is None else [self._page.member]

    def _planned_page(self, serve_page: ServePage) -> LabPage:
        earlier = self._directory.ports(PAGE).get("web", 0)
        fixed = self._wanted.port_of(PAGE, "web")
        return LabPage(serve_page, str(self.publisher.config), earlier, fixed)

    def _planned(self, names: Sequence[PhoneName]) -> LabPhones:
        from cucmsh.lab.phones.start import LabPhones  # noqa: PLC0415 - pages, XML

        site = self.sites()[0]
        tools = site.backends.verifier(), lambda: site.clock.now().timestamp()
        nodes = self._plans, self._wanted.domain
        return LabPhones(self.root, nodes, names, tools, self._wanted.sip)

    def _sockets(self) -> Iterator[socket.socket]:
        """Those that wait for a member which is to be begun."""
        for plan in self._plans:
            yield from plan.sockets
        yield self._backup
        if self._page is not None:
            yield from self._page.sockets
        if self.phones is not None:
            yield from self.phones.sockets

    def _launch(self, member: Member) -> None:
        own, serves = self._work_of(member)
        channels = [
            each.channel
            for each in self._all
            if each is not member and each.channel is not None
        ]
        inherited = [
            held.fileno()
            for held in self._sockets()
            if held not in own and held.fileno() >= 0
        ]
        member.launch(serves, channels, [*inherited, *self._descriptors])
        for held in own:
            held.close()

    def _work_of(self, member: Member) -> tuple[tuple[socket.socket, ...], Serve]:
        """The sockets that it gets, and what it does."""
        password = self._directory.password
        if member.name == BACKUP:
            login = (BACKUP_USER, password("backup"), self._backups)
            key = self._directory.path / LAB_HOST_KEY
            return (self._backup,), partial(serve_backup, self._backup, key, login)
        if self.phones is not None and member is self.phones.member:
            return self.phones.sockets, self.phones.work
        if self._page is not None and member is self._page.member:
            return self._page.sockets, self._page.work
        (plan,) = (each for each in self._plans if each.name == member.name)
        key_line = (self._directory.path / "ssh_identity.pub").read_text()
        logins = Logins(password("admin"), key_line, str(self.publisher.config))
        return plan.sockets, partial(serve, plan, self._open_site, logins)

    def _make(self, root: Path, backup_key: Path) -> None:
        identity = root / "ssh_identity"
        if not identity.exists():
            private, public = make_ssh_identity()
            identity.touch(mode=0o600)
            identity.write_bytes(private)
            (root / "ssh_identity.pub").write_text(public)
        security = self._directory.password("security")
        ccm = self._directory.password("ccm")
        # All keys are made at once. A node's own keys need its configuration, and no
        # host key, so the configurations are written twice.
        self._configure(
            identity,
            dict.fromkeys((p.name for p in self._plans), "ssh-rsa provisional"),
        )
        self._take_host_keys(backup_key)
        files = [*(plan.host_key for plan in self._plans), backup_key]
        _side_by_side(
            [
                fork.Process(
                    target=make,
                    args=(site, security, ccm, self._wanted.keys_of(site.node.name)),
                )
                for site in self.sites()
            ]
            + [fork.Process(target=host_key, args=(file,)) for file in files]
        )
        host_keys = {plan.name: _public_line(plan.host_key) for plan in self._plans}
        self._configure(identity, host_keys)
        self._exchange()

    def _host_key_lines(self, backup_key: Path) -> str:
        keys = [(plan.ssh_port, plan.host_key) for plan in self._plans]
        return "".join(
            f"[{LOOPBACK}]:{port} {_public_line(key)}\n"
            for port, key in [*keys, (self._backup_port, backup_key)]
        )

    def _configure(self, identity: Path, host_keys: dict[str, str]) -> None:
        for plan in self._plans:
            text = configuration(plan, self._plans, identity, host_keys, self._wanted)
            plan.config.write_text(text)

    def _exchange(self) -> None:
        sites = self.sites()
        for giver in sites:
            certificates = public_certificates(giver)
            for taker in sites:
                if taker is not giver:
                    for unit, pem in certificates.items():
                        Keystore(taker).trust(giver.node, unit, pem)

    def _take_host_keys(self, backup_key: Path) -> None:
        """Those that were handed over, where there are none yet."""
        files = {plan.name: plan.host_key for plan in self._plans}
        for name, file in {**files, BACKUP: backup_key}.items():
            raw = self._wanted.host_keys.get(name)
            if raw is not None and not file.exists():
                file.touch(mode=0o600)
                file.write_bytes(raw)


def _side_by_side(jobs: list[ForkProcess]) -> None:
    """Run jobs that end by themselves, on all cores.

    No pool: its threads and a fork do not go together.
    """
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if any(job.exitcode != 0 for job in jobs):
        raise ServiceError("the keys of a lab node could not be made")


def _public_line(path: Path) -> str:
    return public_line(host_key(path))
