"""The lab's SFTP backup server: where ``file get`` puts things. Loopback lab only.

One account, password or keyboard-interactive. A shell or a command is refused with
"This service allows sftp connections only."; paths outside its directories too.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import paramiko

from cucmsh.lab.accounts import Account
from cucmsh.lab.ssh_server import SshServer


class SftpBackupServer(SshServer):
    """An SSH server that only serves files.

    Args:
        listener: bound to a loopback address by the caller; closed by ``stop``.
        host_key: the server's private key.
        user: the only account.
        password: its password.
        roots: the directories that it may read and write, real paths of this machine.
    """

    def __init__(
        self,
        listener: socket.socket,
        host_key: paramiko.PKey,
        user: str,
        password: str,
        roots: Sequence[Path],
    ) -> None:
        account = Account(
            name=user,
            password=password,
            authorized_key=None,
            shell=None,
            execute=None,
            sftp_roots=roots,
        )
        super().__init__(listener, host_key, [account], {})
