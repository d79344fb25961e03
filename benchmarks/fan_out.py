"""A whole reset beside a paramiko pool and Ansible, on the same nodes.

    python -m benchmarks.fan_out [--nodes 1,8,32,128] [--rounds 3] [--ansible PROGRAM]
    python -m benchmarks.fan_out --beside PYTHON [--nodes 1,32] [--rounds 9]

The second form compares two builds: the one that is installed for PYTHON does the same
reset, on the same nodes, in turn with ours. It measures nothing else.


docs/performance.md row 7 to row 13. Ours is ``utils itl reset localkey`` from exec to
exit: host keys checked, every node looked at, the list signed, staged, read back,
compared, renamed, the service restarted, and the list read back through TFTP. The
paramiko pool (32 threads) and Ansible (32 forks, pipelining) put one file and run one
command. Every node is an sshd and a TFTP server of its own; "away" means behind relays
that hold TCP and TFTP for 50 ms a round trip. Programs take turns; figures are medians
and ratios of one run. Exits 1 if a gate is missed. Needs root for 128 TFTP servers.

Two rows of the page compare less than a whole reset. Row 7 is "push + restart", so its
gate stands against the run whose TFTP is near; the whole run is held to it all the
same. Row 13 counts from the push on; here the look at the node before it is counted
too (``round_trips`` counts login, push and restart alone).
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from cucmsh.config.settings import read_settings
from cucmsh.remote.ssh.client import open_node
from tests.faults.cluster import ANSWERS, ENVIRONMENT, RESET, Cluster, Replica
from tests.rigs.proxy import TO_SHELL, Fault, Proxy

ROUND_TRIP = 50  # milliseconds
FAR_ROUND_TRIP = 200  # for counting round trips
THREADS = 32
SILENT_ROUNDS = 5  # each takes as long as a silent node may: 15 seconds
PUSHED = "pushed.tlv"
COST = Path(__file__).with_name("cost.py")
PLAYBOOK = """\
- hosts: nodes
  gather_facts: false
  tasks:
    - copy: {src: "FILE", dest: "{{ target }}"}
    - command: "true"
"""
SETTINGS = """\
[defaults]
forks = 32
host_key_checking = true
interpreter_python = /usr/bin/python3
remote_tmp = FOLDER/there
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=5s -o UserKnownHostsFile=KNOWN
control_path_dir = FOLDER/cp
"""


class Cost(NamedTuple):
    """What one run cost: seconds of wall and of the client's processors, MiB."""

    wall: float
    cpu: float
    rss: float


def cost_of(words: Sequence[str], stdin: str, environment: dict[str, str]) -> Cost:
    """Run a program to its end; its children are counted too.

    Raises:
        SystemExit: it failed.
    """
    reads, writes = os.pipe()
    helper = [sys.executable, "-I", "-S", str(COST), *words]
    with tempfile.TemporaryFile() as out, open(reads, "rb") as figures:
        subprocess.run(
            ["/bin/sh", "-c", f'exec "$@" 3>/dev/fd/{writes}', "sh", *helper],
            input=stdin.encode(),
            stdout=out,
            stderr=out,
            env=environment,
            pass_fds=[writes],
            check=True,
        )
        os.close(writes)
        found = json.loads(figures.read())
        if found.pop("status") != 0:
            out.seek(0)
            raise SystemExit(f"{words[0]} failed: {out.read().decode()[-2000:]}")
    return Cost(**found)


class Rig:
    """The nodes, near and away, and the three programs."""

    def __init__(self, nodes: int, ansible: str, beside: str) -> None:
        self.cluster = Cluster(nodes)
        self._ansible = ansible
        self._beside = beside
        self.file = self.cluster.folder / "list"
        self.file.write_bytes(self.cluster.old)
        # One command for all three; a real restart would be the servers' time.
        self.cluster.manager.instead = ["true"]
        self.known = self.cluster.folder / "known_hosts"
        there = self.cluster.folder / "there"  # for what Ansible brings along
        there.mkdir()
        self.cluster.account.owns(there)

    def close(self) -> None:
        self.cluster.close()

    @contextmanager
    def at(
        self, count: int, milliseconds: float, *, tftp_too: bool = True
    ) -> Iterator[None]:
        """So many nodes are in the cluster, and so far away; TFTP may stay near."""
        members = self.cluster.nodes[:count]
        if not milliseconds:
            self._describe(members, [node.sshd.port for node in members])
            yield
            return
        words = [sys.executable, "-m", "benchmarks.relays", str(milliseconds)]
        words += [f"TCP:{node.sshd.port}" for node in members]
        makes = [node.service.make for node in members]
        words += [f"UDP:{make.host}:{make.port}" for make in makes]
        pipe = subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe) as relays:
            assert relays.stdout is not None
            assert relays.stdin is not None
            ports = json.loads(relays.stdout.readline())
            relayed = zip(members, ports[count:], strict=True) if tftp_too else ()
            for node, port in relayed:
                node.service.make = node.service.make._replace(
                    host="127.0.0.1", port=port
                )
            try:
                self._describe(members, ports[:count])
                yield
            finally:
                for node, make in zip(members, makes, strict=True):
                    node.service.make = make
                relays.stdin.close()

    def _describe(self, members: Sequence[Replica], ports: Sequence[int]) -> None:
        cluster = self.cluster
        pairs = list(zip(members, ports, strict=True))
        cluster.ports = {node.name: port for node, port in pairs}
        cluster.configure(members)
        lines = [f"[127.0.0.1]:{port} {node.sshd.host_key}" for node, port in pairs]
        self.known.write_text("\n".join(lines) + "\n")
        user, key = cluster.account.name, cluster.identity
        inventory = ["[nodes]"] + [
            f"{node.name} ansible_host=127.0.0.1 ansible_port={port} "
            f"ansible_user={user} ansible_ssh_private_key_file={key} "
            f"target={node.tftp / PUSHED}"
            for node, port in pairs
        ]
        folder = cluster.folder
        (folder / "hosts.ini").write_text("\n".join(inventory) + "\n")
        (folder / "play.yml").write_text(PLAYBOOK.replace("FILE", str(self.file)))
        settings = SETTINGS.replace("FOLDER", str(folder))
        settings = settings.replace("KNOWN", str(self.known))
        (folder / "ansible.cfg").write_text(settings)

    def ours(self) -> Cost:
        return self._reset(self.cluster.words(RESET))

    def beside(self) -> Cost:
        return self._reset([self._beside, *self.cluster.words(RESET)[1:]])

    def _reset(self, words: list[str]) -> Cost:
        cost = cost_of(words, ANSWERS, ENVIRONMENT)
        lists = {node.list_file.read_bytes() for node in self.cluster.members}
        assert len(lists) == 1
        return cost

    def pool(self) -> Cost:
        job = {
            "ports": list(self.cluster.ports.values()),
            "user": self.cluster.account.name,
            "identity": str(self.cluster.identity),
            "known_hosts": str(self.known),
            "file": str(self.file),
            "targets": [str(node.tftp / PUSHED) for node in self.cluster.members],
            "command": "true",
            "threads": THREADS,
        }
        words = [sys.executable, "-m", "benchmarks.paramiko_pool", json.dumps(job)]
        return self._checked(words, dict(os.environ))

    def ansible(self) -> Cost:
        folder = self.cluster.folder
        environment = {
            **ENVIRONMENT,
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
        }
        words = [self._ansible, str(folder / "play.yml"), "-i"]
        return self._checked([*words, str(folder / "hosts.ini")], environment)

    def _checked(self, words: list[str], environment: dict[str, str]) -> Cost:
        for node in self.cluster.members:
            (node.tftp / PUSHED).unlink(missing_ok=True)
        cost = cost_of(words, "", environment)
        for node in self.cluster.members:
            assert (node.tftp / PUSHED).stat().st_size == len(self.cluster.old)
        return cost

    def key_exchange(self) -> str:
        node = read_settings(str(self.cluster.config)).cluster.nodes[1]
        assert node.ssh is not None
        connection = open_node(node.ssh)
        try:
            return connection.key_exchange
        finally:
            connection.close()


Costs = dict[tuple[str, int, float], Cost]


def measure(rig: Rig, counts: list[int], rounds: int, *, peers: bool) -> Costs:
    """Medians, by program, nodes and milliseconds away."""
    programs: dict[str, Callable[[], Cost]] = {"ours": rig.ours, "pool": rig.pool}
    found: Costs = {}
    for away in (0.0, ROUND_TRIP):
        for count in counts:
            turns = rounds if count <= 32 else 1
            with rig.at(count, away):
                taken: dict[str, list[Cost]] = {}
                for _ in range(turns):
                    for name, run in programs.items():
                        taken.setdefault(name, []).append(run())
                if peers:
                    taken["ansible"] = [rig.ansible()]
            if away:  # what row 7 of the page compares: without the proof by TFTP
                with rig.at(count, away, tftp_too=False):
                    taken["ours, TFTP near"] = [rig.ours() for _ in range(turns)]
            for name, costs in taken.items():
                middle = Cost(*(median(column) for column in zip(*costs, strict=True)))
                found[name, count, away] = middle
                base = median(cost.wall for cost in taken["pool"])
                print(
                    f"{name:15} {count:4} nodes {away:3.0f} ms  "
                    f"{middle.wall:7.2f} s ({middle.wall / base:5.2f} x pool)  "
                    f"cpu {middle.cpu:6.2f} s  {middle.rss:4.0f} MiB",
                    flush=True,
                )
    return found


def compare_builds(rig: Rig, counts: list[int], rounds: int) -> None:
    """Medians of ours and of the other build, each after the other; prints ratios."""
    for away, tftp_too in ((0.0, True), (ROUND_TRIP, True), (ROUND_TRIP, False)):
        for count in counts:
            ours, other = [], []
            with rig.at(count, away, tftp_too=tftp_too):
                for _ in range(rounds):
                    ours.append(rig.ours())
                    other.append(rig.beside())
            mine, theirs = (
                Cost(*(median(column) for column in zip(*costs, strict=True)))
                for costs in (ours, other)
            )
            near = "" if tftp_too else ", TFTP near"
            print(
                f"{count:4} nodes {away:3.0f} ms{near:11}  {mine.wall:5.2f} s, "
                f"{theirs.wall:5.2f} s: {mine.wall / theirs.wall:.3f}   cpu "
                f"{mine.cpu / theirs.cpu:.3f}   memory {mine.rss / theirs.rss:.3f}",
                flush=True,
            )


def others_beside_a_silent_node(rig: Rig, count: int) -> tuple[float, float, float]:
    """Seconds from the plan to the last good list: without it, with it; and the whole.

    Unreachable nodes are listed before anything is signed (rule 1 of
    docs/security.md#steps-of-a-reset), so the wait for the silent one comes before.
    """
    silent, *good = rig.cluster.nodes[:count]
    alone, beside, whole = [], [], []
    with rig.at(count, 0):
        for _ in range(SILENT_ROUNDS):
            rig.cluster.configure(good)
            rig.ours()  # finishes the reset that the silent node left open
            alone.append(_time_of_the_others(rig, good)[0])
            proxy = Proxy(silent.sshd.port, Fault(silence=0, toward=TO_SHELL))
            try:
                rig.cluster.ports[silent.name] = proxy.port
                rig.cluster.configure([silent, *good])
                others, all_of_it = _time_of_the_others(rig, good)
            finally:
                proxy.close()
            beside.append(others)
            whole.append(all_of_it)
    return median(alone), median(beside), median(whole)


def _time_of_the_others(rig: Rig, good: list[Replica]) -> tuple[float, float]:
    before = good[0].list_file.read_bytes()
    started = time.perf_counter()
    running = rig.cluster.spawn()
    planned = done = 0.0
    while running.process.poll() is None or not done:
        now = time.perf_counter()
        if not planned and "was generated successfully" in running.said:
            planned = now
        if not done and all(n.list_file.read_bytes() != before for n in good):
            done = now
        time.sleep(0.002)
        assert now - started < 120
    running.end()
    return done - planned, time.perf_counter() - started


def round_trips(rig: Rig) -> float:
    """Of a reset of one node without TFTP: what distance adds, in round trips."""
    with rig.at(1, 0):
        near = min(rig.ours().wall for _ in range(3))
    with rig.at(1, FAR_ROUND_TRIP, tftp_too=False):
        far = min(rig.ours().wall for _ in range(3))
    return (far - near) / (FAR_ROUND_TRIP / 1000)


class Row(NamedTuple):
    """A row of docs/performance.md: its figure and the gate it must stay under."""

    number: str
    what: str
    figure: float
    gate: float


def rows_of(found: Costs, counts: list[int]) -> list[Row]:
    """The rows that these runs can fill."""
    rows = []
    most, away = max(counts), float(ROUND_TRIP)
    middle = max((count for count in counts if count <= 32), default=most)

    def cost(name: str, count: int) -> Cost | None:
        return found.get((name, count, away))

    ours, pool = cost("ours", middle), cost("pool", middle)
    if ours and pool:
        text = f"wall of {middle} nodes at 50 ms, in paramiko pools"
        rows.append(Row("7", text, ours.wall / pool.wall, 1.2))
    bare = cost("ours, TFTP near", middle)
    if bare and pool:
        text = "the same with TFTP near, which is what the page compares"
        rows.append(Row("7", text, bare.wall / pool.wall, 1.2))
    ours, ansible = cost("ours", most), cost("ansible", most)
    if ours and ansible:
        text = f"wall of {most} nodes at 50 ms, in Ansibles"
        rows.append(Row("8", text, ours.wall / ansible.wall, 1 / 15))
        text = f"client processor of {most} nodes, in Ansibles"
        rows.append(Row("8", text, ours.cpu / ansible.cpu, 1 / 15))
    one, ours = cost("ours", min(counts)), cost("ours", middle)
    if one and ours and middle > min(counts):
        text = f"wall of {middle} nodes in walls of {min(counts)}"
        rows.append(Row("9", text, ours.wall / one.wall, 2))
    ours, pool = cost("ours", most), cost("pool", most)
    if one and ours and pool and most > min(counts):
        more = (ours.cpu - one.cpu) / (most - min(counts))
        rows.append(Row("10", "client processor a node, ms", more * 1000, 12))
        text = f"memory at {most} nodes, in paramiko pools"
        rows.append(Row("11", text, ours.rss / pool.rss, 1.2))
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fan_out")
    parser.add_argument("--nodes", default="1,8,32,128")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ansible", default=shutil.which("ansible-playbook") or "")
    parser.add_argument("--beside", default="", metavar="PYTHON")
    options = parser.parse_args()
    counts = [int(word) for word in options.nodes.split(",")]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not (options.ansible or options.beside):
        print("Ansible is not available: pip install ansible-core into an environment")
        print("of its own, and name its ansible-playbook with --ansible.")
    ansible = str(Path(options.ansible)) if options.ansible else ""
    rig = Rig(max(counts), ansible, options.beside)
    try:
        rig.ours()  # warms the caches
        if options.beside:
            compare_builds(rig, counts, options.rounds)
            return 0
        print(f"key exchange: {rig.key_exchange()}", flush=True)
        found = measure(rig, counts, options.rounds, peers=bool(options.ansible))
        rows = rows_of(found, counts)
        beside = min(32, max(counts))
        if beside > 1:
            alone, others, whole = others_beside_a_silent_node(rig, beside)
            text = f"the others beside a silent node of {beside}, from the plan on"
            rows.append(Row("12", text, others / alone, 1.3))
            print(f"with a silent node of {beside} the whole takes {whole:.1f} s")
        rows.append(
            Row(
                "13",
                "round trips of a whole reset of one node over SSH",
                round_trips(rig),
                12,
            )
        )
    finally:
        rig.close()
    missed = False
    for row in rows:
        verdict = "ok" if row.figure <= row.gate else "MISSED"
        missed |= row.figure > row.gate
        print(
            f"row {row.number:2} {row.what:57} {row.figure:7.3f}  "
            f"(gate {row.gate:.3f})  {verdict}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
