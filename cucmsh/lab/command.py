"""``cucmsh lab``: the cluster, and the publisher's shell in front of it.

The cluster runs in a process of its own (this same command with ``--serve``), held by
a leash: a pipe that closes when the shell ends, however it ends. So nothing is left,
not even after a kill.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Callable

from cucmsh.errors import ServiceError
from cucmsh.lab.directory import LabDirectory
from cucmsh.lab.options import Options, lab_parser, read_options
from cucmsh.lab.plan import PYTHON
from cucmsh.layout import LAB_FILE

OpenShell = Callable[[str, str], int]


def lab(words: list[str], open_shell: OpenShell, say: Callable[[str], None]) -> int:
    """Run the lab; returns the exit status.

    Args:
        words: the options.
        open_shell: opens the shell of a configuration file, with a greeting.
        say: prints a line.
    """
    parser = lab_parser()
    if parser.asks_for_help(words):
        say(parser.format_help().rstrip())
        return 0
    options = read_options(words)
    if options.serve:
        return _serve(options, say)
    return _with_shell(options, open_shell)


def _serve(options: Options, say: Callable[[str], None]) -> int:
    from cucmsh.lab.cluster import Scene  # noqa: PLC0415 - paramiko, for this half only

    ends, begins = os.pipe()
    owner = os.getpid()

    def end(*_: object) -> None:
        if os.getpid() == owner:  # not in a child that was only just forked
            os.write(begins, b".")

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    directory = LabDirectory(options.directory)
    try:
        scene = Scene(directory, options.subscribers)
        try:
            description = scene.describe()
            directory.write(description)
            say(json.dumps(description))
            watched = [ends] if options.leash < 0 else [ends, options.leash]
            select.select(watched, [], [])
        finally:
            scene.stop()
    finally:
        directory.close()
    return 0


def _with_shell(options: Options, open_shell: OpenShell) -> int:
    leash, held = os.pipe()
    words = [*PYTHON, "cucmsh", "lab", "--serve", "--leash", str(leash)]
    words += ["--subscribers", str(options.subscribers)]
    if options.directory:
        words += ["--dir", options.directory]
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=[leash],
        start_new_session=True,  # the terminal's signals are for the shell
    ) as cluster:
        os.close(leash)
        try:
            line = cluster.stdout.readline() if cluster.stdout else b""
            if not line:
                return cluster.wait() or 1
            return open_shell(*_introduce(line))
        finally:
            os.close(held)


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
        f"The passwords are in {os.path.join(root, LAB_FILE)}; everything stops with "
        "this shell.\n"
    )
    return publisher["config"], greeting
