"""The backup server: a real sshd that takes a password, as root; else the lab's.

An sshd reads passwords as root only. ``PasswordAuthentication`` needs no PAM;
keyboard-interactive does, and asks what Debian's ``/etc/pam.d/sshd`` asks.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.rigs.account import Account
from tests.rigs.sshd import Sshd

SFTP_PASSWORD = "canary-sftp-5e0a77d1"


class Backup:
    """An SFTP server with one directory, ``/``-rooted as the machine is.

    Raises:
        AssertionError: we are not root; the message says so.
    """

    def __init__(self, folder: Path) -> None:
        assert os.geteuid() == 0, "a real sshd with passwords needs root"
        folder.mkdir()
        self.files = folder / "files"
        self.files.mkdir()
        self.account = Account(folder)
        self.account.owns(self.files)
        words = ["chpasswd"]
        line = f"{self.account.name}:{SFTP_PASSWORD}"
        subprocess.run(words, input=line, text=True, check=True, capture_output=True)
        self._folder = folder
        self._servers: dict[str, Sshd] = {}

    def server(self, *methods: str, together: bool = False) -> Sshd:
        """The sshd that offers these login methods and no other.

        Args:
            methods: ``password``, ``keyboard-interactive``, ``publickey``.
            together: it wants all of them, one after the other.
        """
        name = ("-and-" if together else "-or-").join(methods)
        if name not in self._servers:
            interactive = "keyboard-interactive" in methods
            lines = [
                f"PasswordAuthentication {_yes('password' in methods)}",
                f"KbdInteractiveAuthentication {_yes(interactive)}",
                f"PubkeyAuthentication {_yes('publickey' in methods)}",
                f"UsePAM {_yes(interactive)}",
            ]
            if together:
                lines.append(f"AuthenticationMethods {','.join(methods)}")
            self._servers[name] = Sshd(
                self._folder / name,
                self.account,
                "",
                first=lines,
                as_root=True,
                sftp="",
            )
        return self._servers[name]

    def close(self) -> None:
        for server in self._servers.values():
            server.stop()
        self.account.remove()


def _yes(wanted: bool) -> str:
    return "yes" if wanted else "no"
