"""Names, places and ports of a lab cluster, and its nodes' configuration files.

Binds the ports, so that the files can name them; starts nothing.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cucmsh.config.model import CAPF, TFTP, TVS
from cucmsh.config.settings import read_settings
from cucmsh.errors import ConfigurationError, ServiceError
from cucmsh.lab.control import VERBS
from cucmsh.lab.wanted import Wanted
from cucmsh.layout import (
    LAB_CONFIGURATION,
    LAB_CONTROL,
    LAB_PHONES_CONTROL,
    STAGING,
)
from cucmsh.phones.service_control import PhoneAction
from cucmsh.release import DEFAULT_RELEASE

LOOPBACK = "127.0.0.1"
GENERAL = """\
fidelity = "helpful"
keep_trust = false
exec = "all"
packs = ["cucmsh.lab.pack"]
"""
PYTHON = (sys.executable, "-I", "-m")


class KeptNames(NamedTuple):
    """What a node of the lab is called by now, and its release."""

    name: str
    aliases: tuple[str, ...] = ()
    domain: str | None = None
    release: str = DEFAULT_RELEASE


def kept_names(name: str, config: Path) -> KeptNames:
    """As the node's own configuration says, of an earlier start of the lab."""
    try:
        settings = read_settings(str(config))
    except ConfigurationError:  # there is none yet
        return KeptNames(name)
    node = settings.node
    if name not in (node.name, *node.aliases):
        return KeptNames(name)
    return KeptNames(node.name, node.aliases, node.domain, settings.release)


class NodePlan(NamedTuple):
    """One node before it runs.

    Attributes:
        name: its host name when the lab was made.
        is_publisher: whether it is the lab's publisher.
        folder: holds all its files.
        ssh: a TCP socket that is bound to ``ssh_port`` and does not listen yet.
        ssh_port: of its SSH server.
        tftp_port: UDP, of its TFTP server.
        tvs: holds ``tvs_port``: bound, never listening, so that nobody else is given
            the port while TVS is stopped. A server that sets SO_REUSEADDR binds it too.
        tvs_port: TCP, of its TVS.
        http: holds ``http_port`` likewise.
        http_port: TCP, where it gives phones by HTTP what TFTP serves.
        names: what it is called by now.
    """

    name: str
    is_publisher: bool
    folder: Path
    ssh: socket.socket
    ssh_port: int
    tftp_port: int
    tvs: socket.socket
    tvs_port: int
    http: socket.socket
    http_port: int
    names: KeptNames

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """All that it holds."""
        return self.ssh, self.tvs, self.http

    def bound_again(self) -> NodePlan:
        """The same node with new sockets on its ports, after its process has ended."""
        ssh, tvs, http = (
            bound_listener(port, is_again=True)[0]
            for port in (self.ssh_port, self.tvs_port, self.http_port)
        )
        return self._replace(ssh=ssh, tvs=tvs, http=http)

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


def plan_nodes(
    root: Path, wanted: Wanted, earlier: Callable[[str], Mapping[str, int]]
) -> list[NodePlan]:
    """The publisher and its subscribers, with ports of their own.

    Args:
        root: the lab's directory.
        wanted: their names, and ports that they must have.
        earlier: for a name, the ports that it had last: taken where they are free.

    Raises:
        ServiceError: a port that is wanted is taken.
    """
    names = wanted.names
    tftp_ports = _udp_ports(names, wanted, earlier)
    plans = []
    for name in names:
        had = earlier(name)

        def listener(
            service: str,
            *,
            is_shared: bool = False,
            name: str = name,
            had: Mapping[str, int] = had,
        ) -> tuple[socket.socket, int]:
            fixed = wanted.port_of(name, service)
            return bound_listener(had.get(service, 0), fixed, is_shared=is_shared)

        plan = NodePlan(
            name,
            name == names[0],
            root / name,
            *listener("ssh"),
            tftp_ports[name],
            *listener("tvs", is_shared=True),
            *listener("http", is_shared=True),
            kept_names(name, root / name / LAB_CONFIGURATION),
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


def _udp_ports(
    names: Sequence[str], wanted: Wanted, earlier: Callable[[str], Mapping[str, int]]
) -> dict[str, int]:
    holders = {name: socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for name in names}
    try:
        for name, holder in holders.items():  # all at once: no two get the same
            fixed = wanted.port_of(name, "tftp")
            _bind(holder, earlier(name).get("tftp", 0), fixed)
        return {name: int(each.getsockname()[1]) for name, each in holders.items()}
    finally:
        for holder in holders.values():
            holder.close()


def bound_listener(
    earlier: int = 0,
    fixed: int = 0,
    *,
    is_shared: bool = False,
    is_again: bool = False,
) -> tuple[socket.socket, int]:
    """A TCP socket that is bound and does not listen yet, and its port.

    Args:
        earlier: the port to take if it is free.
        fixed: the only port to take; 0 for any.
        is_shared: it only holds the port; others with SO_REUSEADDR may bind it too.
        is_again: a server of ours had it a moment ago.

    Raises:
        ServiceError: the fixed port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if is_shared or is_again or earlier or fixed:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bind(listener, earlier, fixed)
    return listener, int(listener.getsockname()[1])


def _bind(unbound: socket.socket, earlier: int, fixed: int) -> None:
    try:
        unbound.bind((LOOPBACK, fixed or earlier))
    except OSError as problem:
        if not fixed:
            unbound.bind((LOOPBACK, 0))
            return
        unbound.close()
        raise ServiceError(
            f"port {fixed} of {LOOPBACK} cannot be had: {problem.strerror}",
            "Name another one in the file of the lab, or end what has it.",
        ) from problem


def configuration(
    own: NodePlan,
    plans: list[NodePlan],
    identity: Path,
    host_keys: dict[str, str],
    wanted: Wanted,
) -> str:
    """The TOML file of one node; nodes keep the names and release they were given."""
    parts = [
        "# Written anew by every start of the lab.",
        f"release = {_text(own.names.release)}\n{GENERAL}",
        f"[node]\nname = {_text(own.names.name)}\nhome = {_text(own.home)}\n",
        f"[cluster]\ndomain = {_text(wanted.domain)}",
        f"subject = {_text(wanted.subject)}",
        'digest = "sha1"\n',
        '[tvs]\ntls_minimum = "1.0"\n',  # the lab has phones of long ago
        # Its page is on loopback, on a port that the lab holds for it.
        "[web]\nchanges = true\ntls = false\n",
        _phones(own.folder.parent / LAB_PHONES_CONTROL),
        f"[lab]\ndirectory = {_text(own.folder.parent)}\n",
    ]
    for plan in plans:
        services = [(TFTP, "tftp"), (TVS, "tvs")]
        if plan.is_publisher:
            services.append((CAPF, ""))
        role = "publisher" if plan.is_publisher else "subscriber"
        parts.append(
            f"[[cluster.nodes]]\n{_names(plan.names)}role = {_text(role)}\n"
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


def _names(names: KeptNames) -> str:
    lines = [f"name = {_text(names.name)}"]
    if names.aliases:
        lines.append(f"aliases = [{', '.join(map(_text, names.aliases))}]")
    if names.domain is not None:
        lines.append(f"domain = {_text(names.domain)}")
    return "\n".join([*lines, ""])


def _phones(control: Path) -> str:
    """How phones are told; they are quick, so that nobody waits for them."""
    # Who plays the story resets phones, or does not.
    lines = ["[phones]", 'after_regeneration = "no"', "wait_seconds = 0"]
    for verb in PhoneAction:
        argv = [*PYTHON, "cucmsh.lab.phones.tell", control, verb.value, "{name}"]
        lines.append(f"{verb.value} = [{', '.join(map(_text, argv))}]")
    return "\n".join(lines) + "\n"


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
