"""A lab node's services, and the socket that starts and stops them.

A start of TFTP is what systemd would do: first ``cucmsh hook tftp-start``, then the
server, whether or not the hook succeeded; how it ended is written down as the unit's
line of shell does (``views.units``). Then ``cucmsh hook update-replicas``, which
nobody waits for. One request at a time; a request is finished even if its asker is
gone.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cucmsh.errors import CucmshError, ServiceError
from cucmsh.lab.control import NOT_RUNNING, VERBS
from cucmsh.lab.unix_socket import bound
from cucmsh.layout import START_RESULT, TFTP_LOG
from cucmsh.storage.local import LocalStore
from cucmsh.tvs.server import TvsServer

HOOK_SECONDS = 60
REQUEST_BYTES = 64


class Service(Protocol):
    """What a service manager does; ``status`` is empty if it runs, else why not.

    ``serve`` is a start without hooks.
    """

    def start(self) -> None: ...

    def serve(self) -> None: ...

    def stop(self) -> None: ...

    def status(self) -> str: ...


class FileServer(Protocol):
    """Serves files; can be stopped and started again."""

    @property
    def is_running(self) -> bool: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class FileServers:
    """Several of them as one: Cisco Tftp gives its files by TFTP and by HTTP."""

    def __init__(self, *servers: FileServer) -> None:
        self._servers = servers

    @property
    def is_running(self) -> bool:
        return all(server.is_running for server in self._servers)

    def start(self) -> None:
        """Start them all, or none.

        Raises:
            ServiceError: one of them does not start.
        """
        try:
            for server in self._servers:
                server.start()
        except CucmshError:
            self.stop()
            raise

    def stop(self) -> None:
        for server in self._servers:
            server.stop()


class TftpService:
    """Composes, then serves.

    Args:
        server: what gives the files of this node.
        before_start: the argv of the hook.
        home: where its log goes.
        after_start: gives the argv of the other hook; empty without replicas.
        is_broken: whether a start that is asked for fails, and leaves it stopped.
    """

    def __init__(
        self,
        server: FileServer,
        before_start: Sequence[str],
        home: Path,
        after_start: Callable[[], Sequence[str]] = tuple,
        *,
        is_broken: Callable[[], bool] = lambda: False,
    ) -> None:
        self._server = server
        self._before_start = tuple(before_start)
        self._after_start = after_start
        self._is_broken = is_broken
        self._result = home / START_RESULT
        self._log = LocalStore(str(home))

    def start(self) -> None:
        """Run the hook and serve, unless it is to fail.

        Raises:
            ServiceError: it is.
        """
        if self._is_broken():
            raise ServiceError("Job for the TFTP service failed: the lab was told so")
        self.boot()

    def boot(self) -> None:
        """Run the hook and serve; nothing if it serves already."""
        if self._server.is_running:
            return
        self._record(self._run(self._before_start))
        self._server.start()
        threading.Thread(target=self._follow, daemon=True).start()

    def serve(self) -> None:
        """Serve what lies there; no hook runs."""
        self._server.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def status(self) -> str:
        """Empty if it serves."""
        return "" if self._server.is_running else NOT_RUNNING

    def _follow(self) -> None:
        try:
            argv = self._after_start()
        except CucmshError as problem:
            self._note([problem.message])
            return
        if argv:
            self._run(argv)

    def _record(self, result: str) -> None:
        """In place, as a shell does: a full disk leaves the file empty, and told."""
        with contextlib.suppress(OSError), self._result.open("w") as told:
            told.write(f"{result}\n")

    def _run(self, argv: Sequence[str]) -> str:
        """One hook: what it says, and how it ends, goes into the log.

        Returns:
            how it ended, in systemd's words.
        """
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=HOOK_SECONDS,
            )
        except subprocess.TimeoutExpired as problem:
            self._note([f"{argv[-1]}: {problem}"])
            return "timeout killed KILL"
        except OSError as problem:
            self._note([f"{argv[-1]}: {problem}"])
            return "exit-code exited 203"
        ending = [f"{argv[-1]} ended with {done.returncode}"]
        self._note([*(done.stdout + done.stderr).splitlines(), *ending])
        kind = "exit-code" if done.returncode else "success"
        return f"{kind} exited {done.returncode}"

    def _note(self, lines: Sequence[str]) -> None:
        with contextlib.suppress(CucmshError):  # a full disk stops no service
            for line in lines:
                self._log.append(TFTP_LOG, line)


class TvsService:
    """A node's TVS, which runs in a thread of the node's process.

    Args:
        server: it.
    """

    def __init__(self, server: TvsServer) -> None:
        self._server = server

    def start(self) -> None:
        """Serve; nothing if it does already."""
        self._server.start()

    def serve(self) -> None:
        """The same: it has no hook."""
        self.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    def status(self) -> str:
        """Empty if it serves."""
        return "" if self._server.is_running else NOT_RUNNING


def answer(services: Mapping[str, Service], request: str) -> str:
    """Do what was asked, ``SERVICE VERB``; gives ``done`` or what is wrong."""
    name, _, verb = request.partition(" ")
    service = services.get(name)
    if service is None:
        return f"{name!r} is none of {', '.join(services)}"
    try:
        match verb:
            case "start":
                service.start()
            case "stop":
                service.stop()
            case "restart":
                service.stop()
                service.start()
            case "serve":
                service.serve()
            case "status":
                return service.status() or "done"
            case _:
                return f"{verb!r} is none of {', '.join(VERBS)}"
    except CucmshError as problem:
        return problem.message
    return "done"


class ControlSocket:
    """Listens for requests until ``close``.

    Args:
        path: the Unix socket; one that is left over is replaced.
        services: who does what is asked, by the words of ``lab.control``.
    """

    def __init__(self, path: Path, services: Mapping[str, Service]) -> None:
        self._path = path
        self._services = services
        self._socket = bound(str(path))
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
                request = asking.recv(REQUEST_BYTES).decode(errors="replace")
                asking.sendall(answer(self._services, request).encode())
