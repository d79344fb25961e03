#!/usr/bin/env bash
# tftpd-hpa -v: a file that it sent, and one that it does not have.
#
# Expected: "increase the logging verbosity" (in.tftpd(8)) tells one from the other: a line
#   for a file that was sent, and another, or one more, for a file that is not there.
# Seen: the same line for both, written when the request comes. Only -vv adds one for the
#   miss, "sending NAK (1, File not found)", without the file's name (the process id joins
#   the two); no verbosity writes a line when a transfer has ended. A list of who fetched
#   what that is made of "RRQ from" is a list of who asked for what.
# Versions: tftpd-hpa 5.2+20150808-1.4 (Debian 12).
# Source: seen by this script.
# Date: 2026-12-01
# Needs root, and tftpd-hpa. It logs to /dev/log only, so it runs in a mount namespace of its
# own, with another /dev: neither the machine's log nor its /dev is touched.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cd "$work"
dpkg-query -W tftpd-hpa
mkdir dev served
touch dev/null
echo hello >served/here
chmod 755 dev served

cat >ask.py <<'PY'
"""What in.tftpd logs for a file that it has and for one that it has not."""
import re
import socket
import subprocess
import sys
import time

logged = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
logged.bind("/dev/log")


def lines(verbosity):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["/usr/sbin/in.tftpd", "-L", verbosity, "-a", f"127.0.0.1:{port}", "-s", "served"]
    server = subprocess.Popen(words)
    try:
        return [told_of(name, port) for name in ("here", "none")]
    finally:
        server.terminate()
        server.wait()


def told_of(name, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.5)
        for _ in range(20):
            try:
                asking.sendto(b"\0\1" + name.encode() + b"\0octet\0", ("127.0.0.1", port))
                answer, peer = asking.recvfrom(600)
                break
            except (TimeoutError, ConnectionRefusedError):
                time.sleep(0.1)
        else:
            sys.exit("in.tftpd does not answer")
        # The last block of what it has, or error 1.
        assert answer[:4] == (b"\0\3\0\1" if name == "here" else b"\0\5\0\1")
        if name == "here":
            asking.sendto(b"\0\4\0\1", peer)
    found = []
    logged.settimeout(1)
    try:
        while True:
            line = logged.recv(2000).decode().strip()
            found.append(re.sub(r"^.*in\.tftpd\[\d+\]: ", "", line).replace(name, "NAME"))
    except TimeoutError:
        # A request that had to be repeated has its line twice.
        return list(dict.fromkeys(found))


once, twice = lines("-v"), lines("-vv")
for verbosity, (of_here, of_none) in (("-v", once), ("-vv", twice)):
    print(f"{verbosity}, sent:    {of_here}")
    print(f"{verbosity}, missing: {of_none}")
asked = "RRQ from 127.0.0.1 filename NAME"
nak = "sending NAK (1, File not found) to 127.0.0.1"
sys.exit((once, twice) != ([[asked], [asked]], [[asked], [asked, nak]]))
PY
unshare --mount sh -c 'mount --bind dev /dev && exec python3 ask.py'
