"""Phones of a lab that boot over sockets, against curl; and the memory that they need.

    python benchmarks/phones_boot.py [PHONES] [ROUNDS]

Row 24: a lab with PHONES phones. A boot is: lists erased, then CTL by HTTP and TFTP
(not there), ITL by HTTP, its signature checked, the signed configuration, its signature
checked, all of it kept in flash. curl fetches the same files in the same order, a
process for each phone, as many at once as there are cores. The servers are the lab's
in both, and answer both in turns. One curl for all phones is told, too: it neither
starts a thousand times nor connects anew for each file.
"""

import os
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from cucmsh.lab.phones.control import ask
from cucmsh.testing import Lab, Phone, lab

GATE = 2.0
MOST_MEMORY = 4 << 20  # bytes a phone
CURL = ["curl", "-s", "-o", "/dev/null", "--noproxy", "*", "--tftp-no-options"]


def urls(cluster: Lab, number: int, phone: Phone) -> list[str]:
    """What the phone asks for, in its order."""
    nodes = (cluster.publisher, *cluster.subscribers)
    node = nodes[number % len(nodes)]
    http = f"http://{node.http.host}:{node.http.port}/"
    tftp = f"tftp://{node.tftp.host}:{node.tftp.port}/"
    ctl, itl = (f"{kind}{phone.name}.tlv" for kind in ("CTL", "ITL"))
    return [http + ctl, tftp + ctl, http + itl, f"{http}{phone.name}.cnf.xml.sgn"]


def fetch(asked: list[str]) -> None:
    """One curl; a file that is not there is no failure here."""
    outputs = [word for url in asked for word in (url, "-o", "/dev/null")]
    subprocess.run([*CURL, *outputs[:-2]], check=False)


def by_curl(asked: list[list[str]]) -> float:
    begin = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(fetch, asked))
    return time.perf_counter() - begin


def by_phones(control: Path) -> float:
    begin = time.perf_counter()
    shown = ask(control, {"verb": "erase"})["phones"]
    spent = time.perf_counter() - begin
    lost = [each["name"] for each in shown if "installed" not in each["status"][-1]]
    if lost or not all(each["settings"] for each in shown):
        raise SystemExit(f"{len(lost)} phones did not boot: {lost[:3]}")
    return spent


def memory_of(control: Path) -> tuple[int, int]:
    """What the phones' process has of its own, now and at most, in bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.connect(str(control))
        raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        pid = struct.unpack("3i", raw)[0]
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    values = dict(line.split(":", 1) for line in status.splitlines())
    now, most = (int(values[name].split()[0]) << 10 for name in ("VmRSS", "VmHWM"))
    return now, most


def main() -> None:
    count, rounds = (int(word) for word in (*sys.argv[1:], "1000", "3")[:2])
    with lab(phones=count) as cluster:
        control = cluster.directory / "phones.socket"
        ask(control, {"verb": "wait"})
        asked = [urls(cluster, *each) for each in enumerate(cluster.phones)]
        ratios = []
        for number in range(rounds):
            curl, phones = by_curl(asked), by_phones(control)
            ratios.append(phones / curl)
            print(f"round {number + 1}: phones {phones:.2f} s, curl {curl:.2f} s")
        begin = time.perf_counter()
        for at in range(0, len(asked), 100):  # a command line has an end
            fetch([url for each in asked[at : at + 100] for url in each])
        print(f"one curl for a hundred phones: {time.perf_counter() - begin:.2f} s")
        now, most = memory_of(control)
    ratio = median(ratios)
    print(f"boot / curl: {ratio:.2f} (at most {GATE})")
    each, peak = (size / count / 1024 for size in (now, most))
    print(f"memory: {each:.0f} KiB a phone, {peak:.0f} at most")
    if ratio > GATE or most > count * MOST_MEMORY:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
