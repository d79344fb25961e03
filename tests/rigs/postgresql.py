"""A PostgreSQL of our own: Debian's server, in a folder that goes with it.

It listens on a socket in that folder only, asks for a password, and syncs nothing. As
root it runs as ``postgres``, for the server refuses root.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from cucmsh.secret import Secret
from tests.rigs.waiting import until

ACCOUNT = "postgres"
PASSWORD = "a password of the database"
PORT = 5432  # names the socket; no TCP port is taken


class PostgreSql:
    """One server.

    Attributes:
        url: of its database, without the password.
        password: of the user in the URL.
    """

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        assert found, "these tests need Debian's postgresql"
        self._programs = found[-1].parent
        self._as = {"user": ACCOUNT, "group": ACCOUNT} if os.geteuid() == 0 else {}
        # A socket's path has to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.password = Secret(PASSWORD)
        self.url = f"postgresql://cucmsh@/postgres?host={self.folder}&port={PORT}"
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it; it takes connections when this returns."""
        words = [self._programs / "postgres", "-D", self.folder / "data", "-F"]
        words += ["-k", self.folder, "-c", "listen_addresses=", "-p", str(PORT)]
        self._server = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            **self._as,  # type: ignore[call-overload] # names of an account
        )
        until(self._answers, "PostgreSQL does not take connections")

    def stop(self) -> None:
        """Stop it at once, as when its machine is switched off."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait()
            self._server = None

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def run(self, statement: str) -> None:
        """Run a statement as the owner of everything."""
        with psycopg.connect(
            self.url,
            password=PASSWORD,
            autocommit=True,
            options="-c default_transaction_read_only=off",
        ) as connection:
            connection.execute(statement.encode())

    def empty(self) -> None:
        """Drop what is in the database."""
        self.run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def _make(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._as:
            for path in (self.folder, secret):
                shutil.chown(path, ACCOUNT, ACCOUNT)
        words = [self._programs / "initdb", "-D", self.folder / "data", "-N"]
        words += ["--locale=C", "--encoding=UTF8", "-A", "scram-sha-256"]
        words += ["-U", "cucmsh", f"--pwfile={secret}"]
        subprocess.run(
            words,
            check=True,
            capture_output=True,
            cwd="/",
            **self._as,  # type: ignore[call-overload] # names of an account
        )

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True
