#!/usr/bin/env bash
# atftpd --no-blksize: an answer to an option that it was told to leave alone.
#
# Expected: it ignores the option, that is answers with DATA 1. (RFC 2347: an OACK names
#   the options that are taken, and none is sent where none is.)
# Seen: an OACK without any option, two bytes, after which it waits for an ACK of block 0.
#   tftpy calls that "Invalid packet size" and gives up; asking anew without options works.
#   (In words only: an IPv6 --bind-address is not refused either, although this version
#   has IPv4 sockets only when it is not run by inetd. Look with `ss -lun`.)
# Versions: atftpd 0.8.0 (Debian 12).
# Source: seen on the wire; RFC 2347.
# Date: 2026-11-30
# Needs a package archive of Debian's.
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
apt-get download -q atftpd >/dev/null 2>&1
dpkg-deb -f ./*.deb Package Version | paste -sd' '
dpkg-deb -x ./*.deb .
mkdir served
port=$(python3 - <<'PY'
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])
PY
)
head -c 600 /dev/zero >served/file
usr/sbin/atftpd --daemon --no-fork --user "$(id -un).$(id -gn)" --logfile - \
    --port "$port" --bind-address 127.0.0.1 --no-blksize "$work/served" >/dev/null 2>&1 &
pids+=($!)

oack=$(python3 - "$port" <<'PY'
import socket
import sys

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.settimeout(0.5)
    for _ in range(20):
        asking.sendto(b"\0\1file\0octet\0blksize\x001428\0", ("127.0.0.1", int(sys.argv[1])))
        try:
            answer, peer = asking.recvfrom(2000)
        except TimeoutError:
            continue
        print(answer.hex())
        break
PY
)
echo "answer to a request with blksize: $oack (0006 is an OACK)"
[ "$oack" = 0006 ]
