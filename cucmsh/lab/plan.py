"""Names, places and ports of a lab cluster, and its nodes' configuration files.

Binds the ports, so that the files can name them; starts nothing.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import NamedTuple

from cucmsh.config.model import CAPF, TFTP, TVS
from cucmsh.lab.control import VERBS
from cucmsh.layout import LAB_CONFIGURATION, LAB_CONTROL, STAGING
from cucmsh.release import DEFAULT_RELEASE

LOOPBACK = "127.0.0.1"
PUBLISHER = "test10pub"
SUBSCRIBER = "test10sub"
DOMAIN = "joemar2.lab"
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
GENERAL = f"""\
release = "{DEFAULT_RELEASE}"
fidelity = "helpful"
keep_trust = false
exec = "all"
"""
PYTHON = (sys.executable, "-I", "-m")


class NodePlan(NamedTuple):
    """One node before it runs.

    Attributes:
        name: its host name.
        folder: holds all its files.
        ssh: a TCP socket that is bound to ``ssh_port`` and does not listen yet.
        ssh_port: of its SSH server.
        tftp_port: UDP, of its TFTP server.
        tvs: holds ``tvs_port``: bound, never listening, so that nobody else is given
            the port while TVS is stopped. A server that sets SO_REUSEADDR binds it too.
        tvs_port: TCP, of its TVS.
        http: holds ``http_port`` likewise.
        http_port: TCP, where it gives phones by HTTP what TFTP serves.
    """

    name: str
    folder: Path
    ssh: socket.socket
    ssh_port: int
    tftp_port: int
    tvs: socket.socket
    tvs_port: int
    http: socket.socket
    http_port: int

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """All that it holds."""
        return self.ssh, self.tvs, self.http

    @property
    def is_publisher(self) -> bool:
        """Whether it is the lab's publisher."""
        return self.name == PUBLISHER

    @property
    def config(self) -> Path:
        """Its configuration file."""
        return self.folder / LAB_CONFIGURATION

    @property
    def home(self) -> Path:
        """The folder of its keys and state."""
        return self.folder / "home"

    @property
    def tftp_directory(self) -> Path:
        """What its TFTP server serves."""
        return self.folder / "tftp"

    @property
    def staging(self) -> Path:
        """Where its hooks keep what other nodes send."""
        return self.home / STAGING

    @property
    def control(self) -> Path:
        """The Unix socket that starts and stops its services."""
        return self.home / LAB_CONTROL

    @property
    def host_key(self) -> Path:
        """The private key of its SSH server."""
        return self.folder / "ssh_host_key"

    def describe(self) -> dict[str, object]:
        """What ``--serve`` says of a node."""
        return {
            "name": self.name,
            "config": str(self.config),
            "home": str(self.home),
            "tftp_directory": str(self.tftp_directory),
            "ssh": {"host": LOOPBACK, "port": self.ssh_port},
            "tftp": {"host": LOOPBACK, "port": self.tftp_port},
            "tvs": {"host": LOOPBACK, "port": self.tvs_port},
            "http": {"host": LOOPBACK, "port": self.http_port},
        }


def plan_nodes(root: Path, subscribers: int) -> list[NodePlan]:
    """The publisher and its subscribers, with ports of their own."""
    names = [PUBLISHER, SUBSCRIBER]
    names += [f"{SUBSCRIBER}{number}" for number in range(2, subscribers + 1)]
    holders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in names]
    try:
        for holder in holders:  # all at once, so that no two get the same
            holder.bind((LOOPBACK, 0))
        ports = [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()
    plans = []
    for name, port in zip(names, ports, strict=True):
        plan = NodePlan(
            name,
            root / name,
            *bound_listener(),
            port,
            *bound_listener(is_shared=True),
            *bound_listener(is_shared=True),
        )
        state = plan.staging.parent
        for folder in (
            plan.folder,
            plan.tftp_directory,
            plan.home,
            state,
            plan.staging,
        ):
            folder.mkdir(exist_ok=True, mode=0o700)  # `parents` would not get the mode
        plans.append(plan)
    return plans


def bound_listener(*, is_shared: bool = False) -> tuple[socket.socket, int]:
    """A TCP socket that is bound and does not listen yet, and its port.

    Args:
        is_shared: it only holds the port; others with SO_REUSEADDR may bind it too.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if is_shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, 0))
    return listener, int(listener.getsockname()[1])


def configuration(
    own: NodePlan, plans: list[NodePlan], identity: Path, host_keys: dict[str, str]
) -> str:
    """The TOML file of one node."""
    parts = [
        "# Written anew by every start of the lab.\n" + GENERAL,
        f"[node]\nname = {_text(own.name)}\nhome = {_text(own.home)}\n",
        f"[cluster]\ndomain = {_text(DOMAIN)}\nsubject = {_text(SUBJECT)}",
        'digest = "sha1"\n',
    ]
    for plan in plans:
        services = [(TFTP, "tftp"), (TVS, "tvs")]
        if plan.is_publisher:
            services.append((CAPF, ""))
        role = "publisher" if plan.is_publisher else "subscriber"
        parts.append(
            f"[[cluster.nodes]]\nname = {_text(plan.name)}\nrole = {_text(role)}\n"
            f"tftp_directory = {_text(plan.tftp_directory)}\n"
            f"tftp = {{ host = {_text(LOOPBACK)}, port = {plan.tftp_port} }}\n"
            f"tvs = {{ host = {_text(LOOPBACK)}, port = {plan.tvs_port} }}\n"
            f"http = {{ host = {_text(LOOPBACK)}, port = {plan.http_port} }}\n"
            f"ssh = {{ host = {_text(LOOPBACK)}, port = {plan.ssh_port}, "
            f'user = "cucmsh", identity = {_text(identity)}, '
            f"host_key = {_text(host_keys[plan.name])} }}\n"
            + "".join(_service(plan, *service) for service in services)
        )
    return "\n".join(parts)


def _service(plan: NodePlan, name: str, word: str) -> str:
    """The table of one service of a node; ``lab.control`` calls it by ``word``."""
    table = f"[[cluster.nodes.services]]\nname = {_text(name)}\n"
    if not word:
        return table
    argv = [*PYTHON, "cucmsh.lab.control", str(plan.control), word]
    commands = ", ".join(
        f"{verb} = [{', '.join(_text(part) for part in [*argv, verb])}]"
        for verb in VERBS
    )
    return f"{table}commands = {{ {commands} }}\n"


def _text(value: object) -> str:
    """A TOML basic string; the lab's paths hold printable characters only."""
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
