"""One lab node as a process of its own: SSH, TFTP, TVS, and the socket between them.

``admin`` gets that node's shell (password or keyboard-interactive); ``cucmsh`` gets
the hooks that other nodes need, with a key only, by the forced command of a real node.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from cucmsh.config.settings import Settings, read_settings
from cucmsh.errors import CucmshError
from cucmsh.lab.accounts import Account
from cucmsh.lab.plan import LOOPBACK, PYTHON, NodePlan
from cucmsh.lab.service import ControlSocket, TftpService, TvsService
from cucmsh.lab.ssh_server import SshServer, host_key
from cucmsh.layout import TVS_LOG, pair_file
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.nodes.make import make_node
from cucmsh.services.site import Site
from cucmsh.services.tvs.lookup import TrustedCertificates
from cucmsh.tftp.server import TftpServer
from cucmsh.tvs.contexts import Identity
from cucmsh.tvs.limits import Limits
from cucmsh.tvs.server import TvsServer

OpenSite = Callable[[Settings], Site]


def make(site: Site, security: str, ccm: str) -> None:
    """First keys, certificates and secrets of the node, unless it has them."""
    make_node(site, Secret(security), Secret(ccm))


def serve(
    plan: NodePlan, open_site: OpenSite, logins: tuple[str, str], channel: Connection
) -> None:
    """Run the node until the other end of ``channel`` closes.

    Sends ``ready``, or what went wrong, once.

    Args:
        plan: the node.
        open_site: opens the node of given settings.
        logins: the password of ``admin``, and the public line of the nodes' key.
        channel: see above.
    """
    password, key_line = logins
    os.setsid()  # the terminal's Ctrl-C is for the shell, not for the cluster
    ended = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    threading.Thread(target=_await_end, args=(channel, ended), daemon=True).start()
    program = [*PYTHON, "cucmsh", "--config", str(plan.config)]
    server = TftpServer(LOOPBACK, plan.tftp_port, plan.tftp_directory)

    def after_start() -> list[str]:
        settings = read_settings(str(plan.config))  # `node add` may have changed it
        has_replicas = any(not node.is_member for node in settings.cluster.nodes)
        is_bringing = settings.node.is_publisher and has_replicas
        return [*program, "hook", "update-replicas"] if is_bringing else []

    before = [*program, "hook", "tftp-start"]
    service = TftpService(server, before, plan.home, after_start)
    accounts = [
        Account(
            name="admin",
            password=password,
            authorized_key=None,
            shell=program,
            execute=lambda line: [*program, "-c", line],
            sftp_roots=None,
        ),
        Account(
            name="cucmsh",
            password=None,
            authorized_key=key_line,
            shell=None,
            execute=lambda line: [
                *("/usr/bin/env", f"SSH_ORIGINAL_COMMAND={line}"),
                *(*program, "hook", "serve-node"),
            ],
            sftp_roots=None,
        ),
    ]
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "SSH_CONNECTION": "lab"}
    try:
        ssh = SshServer(plan.ssh, host_key(plan.host_key), accounts, environment)
        tvs = TvsService(_tvs_server(open_site(read_settings(str(plan.config)))))
        control = ControlSocket(plan.control, {"tftp": service, "tvs": tvs})
        service.start()
        tvs.start()
        ssh.start()
    except (CucmshError, OSError) as problem:  # such as no right to start Python
        channel.send(f"{plan.name}: {problem}")
        return
    channel.send("ready")
    ended.wait()
    ssh.stop()
    control.close()
    tvs.stop()
    service.stop()


def _tvs_server(site: Site) -> TvsServer:
    """The node's TVS; its log is a file of the home, as that of TFTP is."""
    settings = site.settings.tvs

    def log(line: str) -> None:
        with contextlib.suppress(CucmshError):  # a full disk stops no service
            site.home.append(TVS_LOG, line)

    return TvsServer(
        *site.node.tvs,
        TrustedCertificates(site),
        identity=Identity(
            Path(site.settings.home, pair_file(Unit.TVS)), settings.tls_minimum
        ),
        limits=Limits(),
        log=log,
    )


def _await_end(channel: Connection, ended: threading.Event) -> None:
    with contextlib.suppress(EOFError, OSError):
        channel.recv()
    ended.set()
