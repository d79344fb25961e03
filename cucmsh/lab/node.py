"""One lab node as a process of its own: SSH, TFTP, and the socket between them.

``admin`` gets that node's shell (password or keyboard-interactive); ``cucmsh`` gets
the hooks that other nodes need, with a key only, by the forced command of a real node.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from multiprocessing.connection import Connection

from cucmsh.config.settings import read_settings
from cucmsh.errors import CucmshError
from cucmsh.lab.accounts import Account
from cucmsh.lab.plan import LOOPBACK, PYTHON, NodePlan
from cucmsh.lab.service import ControlSocket, TftpService
from cucmsh.lab.ssh_server import SshServer, host_key
from cucmsh.secret import Secret
from cucmsh.services.nodes.make import make_node
from cucmsh.services.site import Site
from cucmsh.tftp.server import TftpServer


def make(site: Site, security: str, ccm: str) -> None:
    """First keys, certificates and secrets of the node, unless it has them."""
    make_node(site, Secret(security), Secret(ccm))


def serve(plan: NodePlan, password: str, key_line: str, channel: Connection) -> None:
    """Run the node until the other end of ``channel`` closes.

    Sends ``ready``, or what went wrong, once.
    """
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
        control = ControlSocket(plan.control, service)
        service.start()
        ssh.start()
    except (CucmshError, OSError) as problem:  # such as no right to start Python
        channel.send(f"{plan.name}: {problem}")
        return
    channel.send("ready")
    ended.wait()
    ssh.stop()
    control.close()
    service.stop()


def _await_end(channel: Connection, ended: threading.Event) -> None:
    with contextlib.suppress(EOFError, OSError):
        channel.recv()
    ended.set()
