"""The lab's SFTP server, to which keys are saved: a process of its own."""

from __future__ import annotations

import socket
from multiprocessing.connection import Connection
from pathlib import Path

from cucmsh.errors import CucmshError
from cucmsh.lab.accounts import files_only
from cucmsh.lab.conditions import Conditions
from cucmsh.lab.gate import Gate
from cucmsh.lab.members import READY, obey
from cucmsh.lab.ssh_server import SshServer, host_key


def serve_backup(
    listener: socket.socket,
    key: Path,
    login: tuple[str, str, Path],
    channel: Connection,
    conditions: Conditions,
) -> None:
    """Serve files until the other end of ``channel`` closes.

    Args:
        listener: bound to its port.
        key: the file of its host key.
        login: account, password, and the folder that it may reach.
        channel: is told ``READY``, or what went wrong, once.
        conditions: how it behaves at first.
    """
    name, password, folder = login
    gate = Gate("", "")
    ended = obey(channel, gate, conditions)
    try:
        account = files_only(name, password, [folder])
        server = SshServer(listener, host_key(key), [account], {}, gate)
        server.start()
    except (CucmshError, OSError) as problem:
        channel.send(f"the backup server: {problem}")
        return
    channel.send(READY)
    ended.wait()
    server.stop()
