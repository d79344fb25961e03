#!/usr/bin/env bash
# paramiko and the two names of curve25519's key exchange.
#
# Expected: paramiko's curve25519 key exchange reaches an sshd that takes only
#   curve25519-sha256, the name that RFC 8731 gave it, since it implements that method.
# Seen: it knows the method by libssh's older name only, and finds nothing in common.
#   OpenSSH lists both names by default, so it shows with a hardened sshd_config.
# Versions: paramiko 5.1.0 (PyPI), OpenSSH 9.2p1 (Debian 12, openssh-server).
# Source: paramiko/transport.py, Transport._kex_info; RFC 8731 section 2.
# Date: 2026-11-30
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check paramiko==5.1.0
ssh-keygen -q -t ed25519 -N '' -f "$work/host_key"
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd

cat > "$work/try.py" <<'END'
"""Key exchange with an sshd that takes one method: ours, and what came of it."""
import socket
import subprocess
import sys

import paramiko

work = sys.argv[1]


def exchange(method: str) -> str:
    ours, theirs = socket.socketpair()
    words = ["/usr/sbin/sshd", "-i", "-f", "/dev/null", "-h", f"{work}/host_key"]
    words += ["-o", f"KexAlgorithms={method}", "-o", "UsePAM=no"]
    with subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    ) as server:
        theirs.close()
        transport = paramiko.Transport(ours)
        try:
            transport.start_client(timeout=10)
            return "agreed"
        except paramiko.SSHException as problem:
            return str(problem)
        finally:
            transport.close()
            server.kill()


old = exchange("curve25519-sha256@libssh.org")
new = exchange("curve25519-sha256")
print(f"curve25519-sha256@libssh.org: {old}")
print(f"curve25519-sha256: {new}")
sys.exit(0 if old == "agreed" and "no acceptable kex" in new else 1)
END
"$work/venv/bin/python" "$work/try.py" "$work" 2>/dev/null
