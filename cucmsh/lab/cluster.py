"""A whole cluster on 127.0.0.1: made, started, described, stopped.

Every node is a process; so is nothing else that outlives ``stop``. A node ends when
its channel closes, which the kernel does for us if we are killed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from cucmsh.config.settings import read_settings
from cucmsh.errors import ServiceError
from cucmsh.lab.accounts import files_only
from cucmsh.lab.directory import LabDirectory
from cucmsh.lab.node import OpenSite, make, serve
from cucmsh.lab.plan import (
    LOOPBACK,
    NodePlan,
    bound_listener,
    configuration,
    plan_nodes,
)
from cucmsh.lab.ssh_server import SshServer, host_key, public_line
from cucmsh.layout import LAB_BACKUPS, LAB_HOST_KEY, LAB_KNOWN_HOSTS
from cucmsh.pki.credential import make_ssh_identity
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import public_certificates
from cucmsh.services.site import Site

START_SECONDS = 60
STOP_SECONDS = 10
BACKUP_USER = "backup"

_fork = multiprocessing.get_context("fork")  # asyncssh is imported once, not N times


class LabCluster:
    """The cluster in one directory, running.

    Args:
        directory: the lab's directory, which stays the caller's to close.
        subscribers: how many besides the publisher.
        open_site: opens the node of given settings.

    Raises:
        ServiceError: a node did not start; nothing runs then.
    """

    def __init__(
        self, directory: LabDirectory, subscribers: int, open_site: OpenSite
    ) -> None:
        self._directory = directory
        self._open_site = open_site
        root = directory.path
        self._plans = plan_nodes(root, subscribers)
        self._backups = root / LAB_BACKUPS
        self._backups.mkdir(exist_ok=True, mode=0o700)
        self._nodes: list[tuple[BaseProcess, Connection]] = []
        listener, self._backup_port = bound_listener()
        backup_key = root / LAB_HOST_KEY
        self._make(root, backup_key)
        self._known_hosts = root / LAB_KNOWN_HOSTS
        self._known_hosts.write_text(self._host_key_lines(backup_key))
        backup = files_only(BACKUP_USER, directory.password("backup"), [self._backups])
        self._backup_server = SshServer(listener, host_key(backup_key), [backup], {})
        try:
            self._start(listener)
        except BaseException:
            self.stop()
            raise

    @property
    def publisher(self) -> NodePlan:
        return self._plans[0]

    def describe(self) -> dict[str, Any]:
        """What ``--serve`` prints (and ``lab.json`` keeps)."""
        password = self._directory.password
        publisher, *subscribers = [plan.describe() for plan in self._plans]
        return {
            "directory": str(self._directory.path),
            "known_hosts": str(self._known_hosts),
            "publisher": publisher,
            "subscribers": subscribers,
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
        """End every node and the backup server."""
        for _, channel in self._nodes:
            channel.close()
        for process, _ in self._nodes:
            process.join(STOP_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
        self._nodes = []
        with contextlib.suppress(OSError):
            self._backup_server.stop()

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
        files = [*(plan.host_key for plan in self._plans), backup_key]
        _side_by_side(
            [
                _fork.Process(target=make, args=(site, security, ccm))
                for site in self._sites()
            ]
            + [_fork.Process(target=host_key, args=(file,)) for file in files]
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
            text = configuration(plan, self._plans, identity, host_keys)
            plan.config.write_text(text)

    def _sites(self) -> list[Site]:
        """The nodes, as their configurations are now."""
        return [self._open_site(read_settings(str(at.config))) for at in self._plans]

    def _exchange(self) -> None:
        sites = self._sites()
        for giver in sites:
            certificates = public_certificates(giver)
            for taker in sites:
                if taker is not giver:
                    for unit, pem in certificates.items():
                        Keystore(taker).trust(giver.node, unit, pem)

    def _start(self, backup_listener: socket.socket) -> None:
        key_line = (self._directory.path / "ssh_identity.pub").read_text()
        password = self._directory.password("admin")
        ours: list[Connection] = []
        for plan in self._plans:
            near, far = _fork.Pipe()
            ours.append(near)
            inherited = [backup_listener.fileno(), self._directory.lock_descriptor]
            inherited += [
                held.fileno()
                for other in self._plans
                if other is not plan
                for held in other.sockets
            ]
            process: BaseProcess = _fork.Process(
                target=_run_node,
                args=(
                    partial(serve, plan, self._open_site, (password, key_line)),
                    *(far, list(ours), inherited),
                ),
            )
            process.start()
            far.close()
            self._nodes.append((process, near))
        for plan in self._plans:
            for held in plan.sockets:
                held.close()
        self._backup_server.start()
        for process, channel in self._nodes:
            self._await_ready(process, channel)

    def _await_ready(self, process: BaseProcess, channel: Connection) -> None:
        answer = "a lab node did not start"
        with contextlib.suppress(EOFError, OSError):
            if channel.poll(START_SECONDS):
                answer = channel.recv()
        if answer != "ready":
            raise ServiceError(answer, f"exit code {process.exitcode}")


def _take_default_signals() -> None:
    """A child ends at SIGTERM; the handler it was forked with is the parent's."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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


def _run_node(
    serve_node: Callable[[Connection], None],
    channel: Connection,
    channels: list[Connection],
    descriptors: list[int],
) -> None:
    _take_default_signals()
    # The fork copied these from the parent: open here, they would keep the other
    # nodes' channels and ports, and the lab's lock, alive.
    for connection in channels:
        connection.close()
    for descriptor in descriptors:
        os.close(descriptor)
    serve_node(channel)
