"""ProFTPD with its mod_sftp: another make of SFTP server, with limits of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.faults.backup import SFTP_PASSWORD
from tests.rigs.loopback import LOOPBACK, free_port, listens
from tests.rigs.waiting import until

USER = "backup"
NOBODY = 65534

CONFIGURATION = """\
ServerType standalone
ModulePath /usr/lib/proftpd
LoadModule mod_sftp.c
DefaultAddress {host}
Port {port}
UseIPv6 off
UseReverseDNS off
User nobody
Group nogroup
AuthOrder mod_auth_file.c
AuthUserFile {folder}/users
RequireValidShell off
PidFile {folder}/pid
ScoreboardFile none
SystemLog {folder}/log
WtmpLog off
DefaultRoot ~
SFTPEngine on
SFTPHostKey {folder}/host_key
SFTPAuthMethods password
SFTPLog none
AllowOverwrite on
"""


class Proftpd:
    """Serves ``box`` as ``/``, for the account ``USER``, until ``stop``.

    Args:
        folder: for its configuration and log; not there yet.
        limited: the commands that its ``<Limit>`` denies, blanks between.
    """

    def __init__(self, folder: Path, box: Path, limited: str) -> None:
        folder.mkdir(mode=0o755)
        self.host, self.port = LOOPBACK, free_port()
        words = ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"]
        subprocess.run([*words, "-f", str(folder / "host_key")], check=True)
        words = ["openssl", "passwd", "-6", "-stdin"]
        done = subprocess.run(
            words, input=SFTP_PASSWORD, capture_output=True, text=True, check=True
        )
        users = folder / "users"
        line = f"{USER}:{done.stdout.strip()}:{NOBODY}:{NOBODY}::{box}:/bin/false\n"
        users.write_text(line)
        users.chmod(0o600)
        values = {"host": self.host, "port": self.port, "folder": folder}
        text = CONFIGURATION.format(**values)
        if limited:
            text += (
                f"<Directory />\n<Limit {limited}>\nDenyAll\n</Limit>\n</Directory>\n"
            )
        (folder / "config").write_text(text)
        self._log = folder / "log"
        self._process = subprocess.Popen(
            ["/usr/sbin/proftpd", "-n", "-c", str(folder / "config")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self._answers, f"proftpd in {folder} does not listen")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError(f"proftpd ended at once: {self._log.read_text()}")
        return listens(self.host, self.port)
