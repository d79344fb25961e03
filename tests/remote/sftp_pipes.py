"""OpenSSH's ``sftp-server`` program by itself, over a pair of pipes: no SSH between."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from cucmsh.remote.ssh.client import SshConnection

SFTP_SERVER = "/usr/lib/openssh/sftp-server"
NOBODY = 65534


class Pipes:
    """What the SFTP client needs of a connection and of its one channel.

    Args:
        options: of the program.
        umask: in octal; the server's own if it is empty.
    """

    host = "backup.example"
    is_node = False
    is_openssh_node = False

    def __init__(self, folder: Path, options: Sequence[str], umask: str = "") -> None:
        self.files: object = None
        self._words = [SFTP_SERVER, *options, *(["-u", umask] if umask else [])]
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None

    def channel(self) -> Pipes:
        # Root may read and write whatever the mode says.
        as_user = NOBODY if os.geteuid() == 0 else None
        self._server = subprocess.Popen(
            self._words,
            cwd=self._folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            user=as_user,
            group=as_user,
            extra_groups=[] if as_user else None,
        )
        return self

    @property
    def closed(self) -> bool:
        return self._server is None or self._server.poll() is not None

    def ask(self, *_: str) -> None:
        """There is only one subsystem."""

    def await_start(self) -> None:
        """It runs."""

    def sendall(self, raw: bytes) -> None:
        assert self._server is not None
        assert self._server.stdin is not None
        try:
            self._server.stdin.write(raw)
            self._server.stdin.flush()
        except BrokenPipeError as problem:
            raise OSError("Socket is closed") from problem  # as paramiko says it

    def recv(self, size: int) -> bytes:
        assert self._server is not None
        assert self._server.stdout is not None
        return os.read(self._server.stdout.fileno(), size)

    def has_broken(self) -> bool:
        return self.closed

    def close(self) -> None:
        if self._server is None:
            return
        with suppress(BrokenPipeError):
            self._server.communicate()
        self._server = None

    def kill(self) -> None:
        """SIGKILL to the server."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()


def connect(folder: Path, *options: str, umask: str = "") -> SshConnection:
    """A server in ``folder``; close it."""
    return cast(SshConnection, Pipes(folder, options, umask))


def requests() -> list[str]:
    """What ``-P`` can bar."""
    words = [SFTP_SERVER, "-Q", "requests"]
    return subprocess.run(
        words, capture_output=True, text=True, check=True
    ).stdout.split()
