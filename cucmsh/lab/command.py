"""Runs a lab cluster: until a signal, or behind the publisher's shell.

Behind a shell the cluster is a process of its own (``cucmsh lab --serve``) with a
lifeline: a pipe that closes when the shell's process ends, however it ends. So nothing
is left running, not even after a kill.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.config.settings import Settings
from cucmsh.errors import ServiceError, UsageError
from cucmsh.lab.desk import Desk
from cucmsh.lab.directory import LabDirectory
from cucmsh.lab.plan import PYTHON
from cucmsh.lab.progress import Progress
from cucmsh.lab.wanted import Wanted, read_wanted, sip_server, usual
from cucmsh.layout import LAB_FILE
from cucmsh.services.site import Site
from cucmsh.shell.screen import Screen

if TYPE_CHECKING:
    from cucmsh.lab.page import ServePage
    from cucmsh.lab.phones.order import PhoneName

OpenShell = Callable[[str, str], int]


class LabOptions(NamedTuple):
    """What a lab is to be.

    Attributes:
        subscribers: how many; None for what the file says, or one.
        directory: kept after the end; empty for a temporary one.
        serve: no shell, one line of JSON.
        lifeline: a file descriptor whose end of file ends the lab; -1 without one.
        file: names, ports, passwords and keys; empty for none.
        has_hold: whether regenerations wait for each other.
        prompt: the process whose prompt is the publisher's; 0 without one.
        phones: how many of which model, in words; empty for none.
        sip: the server that they call, ``HOST:PORT``; empty for what the file says.
    """

    subscribers: int | None = None
    directory: str = ""
    serve: bool = False
    lifeline: int = -1
    file: str = ""
    has_hold: bool = True
    prompt: int = 0
    phones: str = ""
    sip: str = ""


def lab(
    options: LabOptions,
    open_shell: OpenShell,
    open_site: Callable[[Settings], Site],
    serve_page: ServePage,
    say: Callable[[str], None],
) -> int:
    """Run the lab; returns the exit status.

    Args:
        options: what it is to be.
        open_shell: opens the shell of a configuration file, with a greeting.
        open_site: opens the node of given settings; its first keys are made with it.
        serve_page: serves its publisher's page.
        say: prints a line.

    Raises:
        ServiceError: it does not start.
    """
    _phones(options)  # refused before anything begins
    _sip(options)
    _require_servers()
    if options.serve:
        return _serve(options, open_site, serve_page, say)
    return _with_shell(options, open_shell)


def _require_servers() -> None:
    """Refuse to go on without what only the lab needs."""
    if find_spec("asyncssh") is None:
        raise ServiceError(
            "the lab's servers need asyncssh, which is not installed",
            f"Install it: {sys.executable} -m pip install 'cucmsh[lab]'",
        )


def _phones(options: LabOptions) -> Sequence[PhoneName]:
    """Which phones it is to have.

    Raises:
        UsageError: no lab can have these.
    """
    if not options.phones:
        return ()
    from cucmsh.lab.phones.order import phones_of  # noqa: PLC0415 - trust lists

    return phones_of(options.phones)


def _sip(options: LabOptions) -> tuple[str, int] | None:
    """Whom its phones call; None where the options do not say it.

    Raises:
        UsageError: they call nobody there, or there are none.
    """
    if not options.sip:
        return None
    if not options.phones:
        raise UsageError(
            "--sip says whom phones call, and this lab has none",
            "Add phones: `--phones 4`.",
        )
    return sip_server(options.sip)


def _serve(
    options: LabOptions,
    open_site: Callable[[Settings], Site],
    serve_page: ServePage,
    say: Callable[[str], None],
) -> int:
    from cucmsh.lab.cluster import LabCluster  # noqa: PLC0415 - asyncssh
    from cucmsh.lab.operations import Operations  # noqa: PLC0415 - asyncssh

    wanted, phones = _wanted(options), _phones(options)
    ends, begins = os.pipe()
    owner = os.getpid()

    def end(*_: object) -> None:
        if os.getpid() == owner:  # not in a child that was only just forked
            os.write(begins, b".")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    directory = LabDirectory(options.directory)
    progress = Progress(f"Starting a lab of {len(wanted.names)} nodes")
    try:
        cluster = LabCluster(
            directory,
            wanted,
            open_site,
            phones,
            serve_page=serve_page,
            progress=progress.step,
        )
        desk = Desk(directory.path)
        try:
            cluster.keep_from_members(desk.descriptor)
            operations = Operations(cluster, options.prompt)
            operations.set_hold(has_hold=wanted.has_hold)
            description = cluster.describe()
            directory.write(description)
            progress.end()
            say(json.dumps(description))
            watched = [ends] if options.lifeline < 0 else [ends, options.lifeline]
            desk.serve(watched, operations.answer)
        finally:
            desk.close()
            cluster.stop()
    finally:
        progress.end()
        directory.close()
    return 0


def _wanted(options: LabOptions) -> Wanted:
    if options.file:
        wanted = read_wanted(options.file, options.subscribers)
    else:
        wanted = usual(options.subscribers or 1)
    has_hold = wanted.has_hold and options.has_hold
    return wanted._replace(has_hold=has_hold, sip=_sip(options) or wanted.sip)


def _with_shell(options: LabOptions, open_shell: OpenShell) -> int:
    lifeline, held = os.pipe()
    argv = [*PYTHON, "cucmsh", "lab", "--serve", "--lifeline", str(lifeline)]
    argv += ["--prompt", str(os.getpid())]
    if options.subscribers is not None:
        argv += ["--subscribers", str(options.subscribers)]
    if options.directory:
        argv += ["--dir", options.directory]
    if options.file:
        argv += ["--from", options.file]
    if options.phones:
        argv += ["--phones", options.phones]
    if options.sip:
        argv += ["--sip", options.sip]
    if not options.has_hold:
        argv += ["--no-hold"]
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=[lifeline],
        start_new_session=True,  # the terminal's signals are for the shell
    ) as cluster:
        os.close(lifeline)
        try:
            line = _first_line(cluster, held)
            if not line:
                return cluster.wait() or 1
            return open_shell(*_introduce(line))
        finally:
            with suppress(OSError):  # it is closed where Ctrl-C ended the start
                os.close(held)


def _first_line(cluster: subprocess.Popen[bytes], held: int) -> bytes:
    """What the lab says once it runs; empty if it ended.

    It finishes its start before it ends, so that its directory is whole.

    Raises:
        KeyboardInterrupt: Ctrl-C; the lab has ended, unless that was pressed again.
    """
    try:
        return cluster.stdout.readline() if cluster.stdout else b""
    except KeyboardInterrupt:
        os.close(held)
        Screen(2).say("\nStopping the lab; it may take some seconds...")
        cluster.wait()
        raise


def _introduce(line: bytes) -> tuple[str, str]:
    try:
        described = json.loads(line)
        publisher = described["publisher"]
    except (ValueError, KeyError) as problem:
        raise ServiceError("the lab did not start as it should") from problem
    root = os.path.dirname(os.path.dirname(publisher["config"]))
    names = ", ".join(node["name"] for node in described["subscribers"])
    sftp = described["sftp"]
    greeting = (
        f"Lab cluster in {root}: publisher {publisher['name']}, subscribers {names}.\n"
        f"Backup server: {sftp['host']} port {sftp['port']}, user {sftp['user']}, "
        f"directory {sftp['directory']}.\n"
        f"Page: {described['web']['url']} (account admin).\n"
        f"The passwords are in {os.path.join(root, LAB_FILE)}; everything stops with "
        "this shell.\nTab shows what can be typed; from then on long output stops at "
        "each page.\n"
    )
    return publisher["config"], greeting
