"""How many round trips one node costs: login, staged list, rename, restart.

    python benchmarks/round_trips.py [ROUNDS]

Starts OpenSSH's server on 127.0.0.1 and a relay that holds every byte 100 ms in each
direction, and does the same with and without the relay. The difference divided by the
200 ms is the number of round trips; setting up the TCP connection is the first of them.
Goal 10, gate 12; put and exec alone, without reading back, take 13 to 14 with paramiko.
"""

import getpass
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from cucmsh.config.model import SshAddress
from cucmsh.remote.sftp.store import SftpStore
from cucmsh.remote.ssh.client import open_node
from tests.rigs.sshd import make_root_folder

HOST = "127.0.0.1"
ONE_WAY_SECONDS = 0.1
RAW = os.urandom(5302)  # the size of a real list
GOAL, GATE = 10, 12


def hold(one: socket.socket, other: socket.socket) -> None:
    """Pass everything on, ``ONE_WAY_SECONDS`` late and in order."""
    held: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

    def read() -> None:
        piece = b"x"
        while piece:
            piece = b""
            with suppress(OSError):
                piece = one.recv(1 << 16)
            held.put((time.monotonic() + ONE_WAY_SECONDS, piece))

    threading.Thread(target=read, daemon=True).start()
    with suppress(OSError):
        while True:
            when, piece = held.get()
            time.sleep(max(when - time.monotonic(), 0))
            if not piece:
                break
            other.sendall(piece)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


def serve(listener: socket.socket, config: Path, *, late: bool) -> None:
    while True:
        client, _ = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if late:
            time.sleep(2 * ONE_WAY_SECONDS)  # the connection's own round trip
        near, far = socket.socketpair() if late else (client, client)
        words = ["/usr/sbin/sshd", "-i", "-f", str(config)]
        end = far.fileno()
        subprocess.Popen(words, stdin=end, stdout=end, stderr=subprocess.DEVNULL)
        if late:
            far.close()
            for ends in ((client, near), (near, client)):
                threading.Thread(target=hold, args=ends, daemon=True).start()
        else:
            client.close()


def one_node(address: SshAddress, folder: str) -> list[tuple[str, float]]:
    """Seconds since the start, after each step."""
    marks: list[tuple[str, float]] = []
    start = time.monotonic()

    def done(what: str) -> None:
        marks.append((what, time.monotonic() - start))

    connection = open_node(address)
    done(f"login ({connection.key_exchange})")
    store = SftpStore(connection, folder)
    staged = store.stage("ITLFile.tlv", RAW, 0o644)
    done("staged, synced, read back")
    store.commit(staged, "ITLFile.tlv")
    done("renamed")
    connection.run(["true"])
    done("restarted")
    connection.close()
    return marks


def main(rounds: int) -> int:
    sys.setswitchinterval(0.0005)  # the relay's threads must not wait for the client's
    with TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("host", "id"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name]
            subprocess.run(words, check=True, cwd=folder)
        config = folder / "config"
        config.write_text(
            f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/id.pub\nUsePAM no\n"
            "StrictModes no\nPidFile none\nPermitRootLogin yes\nLogLevel QUIET\n"
            # bash reads no start-up file then: they are not what is measured
            "Subsystem sftp internal-sftp\nSetEnv SHLVL=2\n"
        )
        make_root_folder()
        line = (folder / "host.pub").read_text()
        taken: dict[bool, list[list[tuple[str, float]]]] = {False: [], True: []}
        addresses = {}
        for late in taken:
            listener = socket.create_server((HOST, 0))
            threading.Thread(
                target=serve,
                args=(listener, config),
                kwargs={"late": late},
                daemon=True,
            ).start()
            port, user = listener.getsockname()[1], getpass.getuser()
            addresses[late] = SshAddress(HOST, port, user, f"{place}/id", line)
        for _ in range(rounds):
            for late, runs in taken.items():
                runs.append(one_node(addresses[late], place))
        trips = 0.0
        for step, (what, _) in enumerate(taken[True][0]):
            late_time, time_taken = (
                median(run[step][1] for run in taken[late]) for late in (True, False)
            )
            trips = (late_time - time_taken) / (2 * ONE_WAY_SECONDS)
            print(f"{trips:5.1f} round trips, {time_taken:.2f} s besides: {what}")
    print(f"goal {GOAL}, gate {GATE}: {'kept' if trips <= GATE else 'MISSED'}")
    return 0 if trips <= GATE else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
