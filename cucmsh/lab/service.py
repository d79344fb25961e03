"""A lab node's TFTP service and the socket that starts and stops it.

A start is what systemd would do: first ``cucmsh hook tftp-start``, then the server,
whether or not the hook succeeded, then ``cucmsh hook update-replicas``, which nobody
waits for. One request at a time; a request is finished even if its asker is gone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from cucmsh.errors import CucmshError
from cucmsh.lab.control import VERBS, bound_name
from cucmsh.layout import TFTP_LOG
from cucmsh.storage.local import LocalStore
from cucmsh.tftp.server import TftpServer

HOOK_SECONDS = 60
REQUEST_BYTES = 64


class TftpService:
    """Composes, then serves.

    Args:
        server: the TFTP server of this node.
        before_start: the argv of the hook.
        home: where its log goes.
        after_start: gives the argv of the other hook; empty without replicas.
    """

    def __init__(
        self,
        server: TftpServer,
        before_start: Sequence[str],
        home: Path,
        after_start: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._server = server
        self._before_start = tuple(before_start)
        self._after_start = after_start
        self._log = LocalStore(str(home))

    def answer(self, verb: str) -> str:
        """Do what was asked; gives ``done`` or what is wrong."""
        if verb not in VERBS:
            return f"{verb!r} is none of {', '.join(VERBS)}"
        try:
            return str(getattr(self, verb)() or "done")
        except CucmshError as problem:
            return problem.message

    def start(self) -> None:
        """Run the hook and serve; nothing if it serves already."""
        if self._server.is_running:
            return
        self._run(self._before_start)
        self._server.start()
        threading.Thread(target=self._follow, daemon=True).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def status(self) -> str:
        """Empty if it serves."""
        return "" if self._server.is_running else "not running"

    def _follow(self) -> None:
        try:
            argv = self._after_start()
        except CucmshError as problem:
            self._note([problem.message])
            return
        if argv:
            self._run(argv)

    def _run(self, argv: Sequence[str]) -> None:
        """One hook: what it says, and how it ends, goes into the log."""
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=HOOK_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            self._note([f"{argv[-1]}: {problem}"])
            return
        ending = [f"{argv[-1]} ended with {done.returncode}"]
        self._note([*(done.stdout + done.stderr).splitlines(), *ending])

    def _note(self, lines: Sequence[str]) -> None:
        with contextlib.suppress(CucmshError):  # a full disk stops no service
            for line in lines:
                self._log.append(TFTP_LOG, line)


class ControlSocket:
    """Listens for requests until ``close``.

    Args:
        path: the Unix socket; one that is left over is replaced.
        service: who does what is asked.
    """

    def __init__(self, path: Path, service: TftpService) -> None:
        self._path = path
        self._service = service
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        name, folder = bound_name(str(path))
        try:
            self._socket.bind(name)
        finally:
            os.close(folder)
        path.chmod(0o600)
        self._socket.listen(16)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            with asking, contextlib.suppress(OSError):
                verb = asking.recv(REQUEST_BYTES).decode(errors="replace")
                asking.sendall(self._service.answer(verb).encode())
