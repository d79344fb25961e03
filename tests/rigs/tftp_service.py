"""A TFTP service as a service manager sees it: `tftp_service.py FILE VERB`.

FILE is JSON: `server` (argv), `before` (argv run before a start, whatever comes of it),
`after` (argv run after it, which nobody waits for), `pid` and `log` (paths), `port`: as
the units of `cucmsh init`. A start ends when the port answers.
Exit status of `status`: 0 running, 3 not. Standard library only: any account runs it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SECONDS = 20
READ_REQUEST = b"\0\1nothing-of-that-name\0octet\0"


def pid_of(service: dict[str, Any]) -> int:
    """The process that serves; 0 if none does."""
    try:
        pid = int(Path(service["pid"]).read_text())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return 0
    return 0 if state == "Z" else pid


def answers(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.1)
        asking.sendto(READ_REQUEST, (address, port))
        try:
            return bool(asking.recv(600))
        except OSError:
            return False


def start(service: dict[str, Any]) -> int:
    if pid_of(service):
        return 0
    if service["before"]:
        subprocess.run(service["before"], check=False)
    with Path(service["log"]).open("ab") as log:
        child = subprocess.Popen(
            service["server"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    Path(service["pid"]).write_text(str(child.pid))
    end = time.monotonic() + SECONDS
    while not answers(service["address"], service["port"]):
        if child.poll() is not None or time.monotonic() > end:
            return 1
    if service["after"]:
        with Path(service["log"]).open("ab") as log:
            subprocess.Popen(
                service["after"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    return 0


def stop(service: dict[str, Any]) -> int:
    end = time.monotonic() + SECONDS
    while pid := pid_of(service):
        os.kill(pid, signal.SIGTERM)
        if time.monotonic() > end:
            return 1
        time.sleep(0.01)
    return 0


def main() -> int:
    file, verb = sys.argv[1:]
    service = json.loads(Path(file).read_text())
    if verb == "status":
        return 0 if pid_of(service) else 3
    if verb in ("stop", "restart") and stop(service):
        return 1
    return start(service) if verb in ("start", "restart") else 0


if __name__ == "__main__":
    sys.exit(main())
