"""One lab node as a process of its own: SSH, TFTP, TVS, and the socket between them.

``admin`` gets that node's shell (password or keyboard-interactive); ``cucmsh`` gets
the hooks that other nodes need, with a key only, by the forced command of a real node.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from cucmsh.config.settings import Settings, read_settings
from cucmsh.errors import CucmshError
from cucmsh.lab.accounts import Account
from cucmsh.lab.conditions import RESTART_FAILS, Conditions
from cucmsh.lab.gate import Gate
from cucmsh.lab.http_server import HttpServer
from cucmsh.lab.members import READY, obey
from cucmsh.lab.plan import LOOPBACK, PYTHON, NodePlan
from cucmsh.lab.served_names import names_in
from cucmsh.lab.service import ControlSocket, FileServers, TftpService, TvsService
from cucmsh.lab.ssh_server import SshServer, host_key
from cucmsh.layout import TVS_LOG, pair_file
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.accounts.kept import read_accounts
from cucmsh.services.accounts.lockout import Who
from cucmsh.services.accounts.login import lets_in
from cucmsh.services.accounts.store import ensure_account
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import is_whole, make_node
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.services.tvs.tls_minimum import PresentSettings
from cucmsh.tftp.server import TftpServer
from cucmsh.tvs.contexts import Identity
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.server import TvsServer

OpenSite = Callable[[Settings], Site]


def make(site: Site, security: str, ccm: str, keys: Mapping[str, bytes]) -> None:
    """First keys, certificates and secrets of the node, unless it has them.

    Args:
        site: the node.
        security: the cluster security password.
        ccm: the CCM Administrator password.
        keys: PEM of key and certificate by unit, to take in place of new ones.
    """
    if is_whole(site):
        return
    # CallManager comes last: its key says that the node is whole.
    others = {unit: raw for unit, raw in keys.items() if unit != Unit.CALL_MANAGER}
    for name, raw in others.items():
        site.home.write(pair_file(Unit(name)), raw)
    make_node(site, Secret(security), Secret(ccm))
    if Unit.CALL_MANAGER in keys:
        site.home.write(pair_file(Unit.CALL_MANAGER), keys[Unit.CALL_MANAGER])
        keystore = Keystore(site)
        own = keystore.credential(Unit.CALL_MANAGER)
        keystore.install(Unit.CALL_MANAGER, own)


class NodeAccounts:
    """The accounts in a node's own store, see ``Platform``; all have its shell.

    Args:
        site: the node.
        like: an account with that shell.
    """

    def __init__(self, site: Site, like: Account) -> None:
        self._site = site
        self._like = like

    def account(self, name: str) -> Account | None:
        """See ``Platform``; none gets in where they cannot be read."""
        try:
            is_known = name in read_accounts(self._site)
        except CucmshError:
            is_known = name == self._like.name
        return self._like._replace(name=name, is_platforms=True) if is_known else None

    def lets_in(self, name: str, password: str, address: str) -> bool:
        """See ``Platform``; where nothing can be counted nobody gets in."""
        who = Who(name, "ssh", address)
        try:
            return lets_in(self._site, who, Secret(password))
        except CucmshError:
            return False


class Logins(NamedTuple):
    """Who may log in, and whose configuration the publisher has."""

    password: str
    key_line: str
    publisher: str


def serve(
    plan: NodePlan,
    open_site: OpenSite,
    logins: Logins,
    channel: Connection,
    conditions: Conditions,
) -> None:
    """Run the node until the other end of ``channel`` closes.

    Sends ``READY``, or what went wrong, once; then it behaves as it is told.

    Args:
        plan: the node.
        open_site: opens the node of given settings.
        logins: who may log in.
        channel: see above.
        conditions: how it behaves at first.
    """
    gate = Gate(str(plan.config), logins.publisher, names_in(plan.tftp_directory))
    ended = obey(channel, gate, conditions)
    program = [*PYTHON, "cucmsh", "--config", str(plan.config)]
    service = _tftp_service(plan, gate, program)
    accounts = _accounts(logins, program)
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "SSH_CONNECTION": "lab"}
    try:
        key = host_key(plan.host_key)
        site = open_site(read_settings(str(plan.config)))
        ensure_account(site, accounts[0].name, Secret(logins.password))
        ssh = SshServer(plan.ssh, key, accounts, environment, gate)
        ssh.knows(NodeAccounts(site, accounts[0]))
        tvs = TvsService(_tvs_server(site, gate))
        control = ControlSocket(plan.control, {"tftp": service, "tvs": tvs})
        service.boot()
        tvs.start()
        ssh.start()
    except (CucmshError, OSError) as problem:  # such as no right to start Python
        channel.send(f"{plan.name}: {problem}")
        return
    channel.send(READY)
    ended.wait()
    ssh.stop()
    control.close()
    tvs.stop()
    service.stop()


def _tftp_service(plan: NodePlan, gate: Gate, program: Sequence[str]) -> TftpService:
    """The node's TFTP and HTTP, with what runs before and after their start."""
    directory = plan.tftp_directory
    server = FileServers(
        TftpServer(LOOPBACK, plan.tftp_port, directory, gate),
        HttpServer(LOOPBACK, plan.http_port, directory, gate),
    )

    def after_start() -> list[str]:
        settings = read_settings(str(plan.config))  # `node add` may have changed it
        has_replicas = any(not node.is_member for node in settings.cluster.nodes)
        is_bringing = settings.node.is_publisher and has_replicas
        return [*program, "hook", "update-replicas"] if is_bringing else []

    return TftpService(
        server,
        [*program, "hook", "tftp-start"],
        plan.home,
        after_start,
        is_broken=lambda: gate.fails(RESTART_FAILS),
    )


def _accounts(logins: Logins, program: Sequence[str]) -> list[Account]:
    """The shell of this node first, then the one for the hooks of other nodes."""
    return [
        Account(
            name="admin",
            password=logins.password,
            authorized_key=None,
            shell=[*program],
            execute=lambda line: [*program, "-c", line],
            sftp_roots=None,
        ),
        Account(
            name="cucmsh",
            password=None,
            authorized_key=logins.key_line,
            shell=None,
            execute=lambda line: [
                *("/usr/bin/env", f"SSH_ORIGINAL_COMMAND={line}"),
                *(*program, "hook", "serve-node"),
            ],
            sftp_roots=None,
        ),
    ]


def _tvs_server(site: Site, gate: Gate) -> TvsServer:
    """The node's TVS; its log is a file of the home, as that of TFTP is."""
    present = PresentSettings(site)

    def log(line: str) -> None:
        with contextlib.suppress(CucmshError):  # a full disk stops no service
            site.home.append(TVS_LOG, line)

    return TvsServer(
        *site.node.tvs,
        TrustedCertificates(site),
        identity=Identity(
            Path(site.settings.home, pair_file(Unit.TVS)),
            present().tls_minimum,
            lambda: present().tls_minimum,
        ),
        limits=Limits(),
        log=log,
        delay=lambda: gate.delay_seconds,
    )
