"""A round of a lab node's Certificate Monitor: what its timer would run elsewhere."""

from __future__ import annotations

import subprocess

from cucmsh.errors import ServiceError
from cucmsh.lab.plan import PYTHON

ROUND_SECONDS = 60


def monitor_round_of(configuration: str) -> tuple[int, list[str]]:
    """The exit status of the hook, and the lines that it printed.

    Args:
        configuration: path of the node's.

    Raises:
        ServiceError: it cannot be run, or took too long.
    """
    argv = [*PYTHON, "cucmsh", "--config", configuration, "hook", "monitor"]
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=ROUND_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ServiceError(f"the round of the monitor failed: {problem}") from problem
    return done.returncode, done.stdout.splitlines()
