"""The yardstick: what a script with paramiko and a thread pool does.

    python -m benchmarks.paramiko_pool JOB

``JOB`` is JSON: ``ports``, ``user``, ``identity``, ``known_hosts``, ``file``,
``targets`` (a path for each node), ``command`` and ``threads``. Puts the file and runs
the command on each node, and nothing else: no comparing, no rename, no proof. Exits 0
if every node was done.
"""

import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paramiko

SECONDS = 120
LOOPBACK = "127.0.0.1"


def push(job: dict[str, Any], port: int, target: str, raw: bytes) -> bool:
    with paramiko.SSHClient() as client:
        client.load_host_keys(job["known_hosts"])
        client.connect(
            LOOPBACK,
            port,
            job["user"],
            key_filename=job["identity"],
            look_for_keys=False,
            allow_agent=False,
            banner_timeout=SECONDS,
            auth_timeout=SECONDS,
        )
        with client.open_sftp() as files:
            files.putfo(io.BytesIO(raw), target, len(raw))
        _, output, _ = client.exec_command(job["command"])
        output.read()
        return output.channel.recv_exit_status() == 0


def main() -> int:
    job = json.loads(sys.argv[1])
    raw = Path(job["file"]).read_bytes()
    with ThreadPoolExecutor(job["threads"]) as pool:
        pairs = zip(job["ports"], job["targets"], strict=True)
        done = pool.map(lambda pair: push(job, pair[0], pair[1], raw), pairs)
        return int(not all(done))


if __name__ == "__main__":
    sys.exit(main())
