#!/usr/bin/env bash
# dnsmasq's TFTP log: "sent" is also written for a client that acknowledged nothing.
#
# Expected: "sent FILE to ADDRESS" after the last acknowledgement, and "failed sending" for
#   a client that fell silent.
# Seen: a client that takes the last block and never acknowledges it is "sent" too, half a
#   minute later, when dnsmasq gives up. A file below 512 bytes has no other block, so one
#   request, whoever sent it, makes a "sent". A client that falls silent one block earlier
#   is "failed sending". So "sent" does not prove that anybody has the file, and its time
#   can be half a minute late.
# Versions: dnsmasq-base 2.90-4~deb12u2 (Debian 12).
# Source: seen by this script; dnsmasq src/tftp.c means it so, since some clients leave the
#   last acknowledgement out.
# Date: 2026-12-01
# Needs root (dnsmasq knows port 69 only) and dnsmasq-base; takes half a minute.
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
cd "$work"
dpkg-query -W dnsmasq-base
mkdir served
for name in acknowledged one-block; do head -c 100 /dev/zero >"served/$name"; done
head -c 600 /dev/zero >served/two-blocks
address=127.69.$((RANDOM % 250 + 1)).$((RANDOM % 250 + 1))
LC_ALL=C /usr/sbin/dnsmasq --keep-in-foreground --log-facility=- --port=0 --conf-file= --pid-file= \
    --enable-tftp --tftp-root="$work/served" --user=nobody \
    --listen-address="$address" --bind-interfaces 2>log &
pids+=($!)

python3 - "$address" <<'PY'
import re
import socket
import sys
import time

NAMES = ("acknowledged", "one-block", "two-blocks")


def first_block(name):
    """Asks until dnsmasq is up; its answer, and where that came from."""
    for _ in range(20):
        asking.sendto(b"\0\1" + name.encode() + b"\0octet\0", (sys.argv[1], 69))
        try:
            return asking.recvfrom(600)
        except (TimeoutError, ConnectionRefusedError):
            time.sleep(0.1)
    sys.exit("dnsmasq does not answer")


began = {}
sockets = []
for name in NAMES:
    # Kept open, so that what dnsmasq repeats meets a client that is silent, not gone.
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(0.5)
    sockets.append(asking)
    block, server = first_block(name)
    assert block[:4] == b"\0\3\0\1"
    began[name] = time.monotonic()
    if name == "acknowledged":
        asking.sendto(b"\0\4\0\1", server)

seen = {}
until = time.monotonic() + 60
while len(seen) < len(NAMES) and time.monotonic() < until:
    with open("log") as log:
        for word, name in re.findall(r": (sent|failed sending) \S*/(\S+) to ", log.read()):
            if name not in seen:
                seen[name] = word, time.monotonic() - began[name]
    time.sleep(0.1)
for name, (word, seconds) in seen.items():
    print(f"{name}: {word!r} after {seconds:.0f} seconds")
is_as_described = (
    {name: word for name, (word, _) in seen.items()}
    == {"acknowledged": "sent", "one-block": "sent", "two-blocks": "failed sending"}
    and seen["acknowledged"][1] < 10 < seen["one-block"][1]
)
sys.exit(not is_as_described)
PY
