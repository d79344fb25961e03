#!/usr/bin/env bash
# What a client that has not said a byte costs an asyncio server with TLS.
#
# Expected: a few KiB, as without TLS, or what OpenSSL takes for a connection: some tens of
#   KiB (it was 44 with Python 3.10).
# Seen: 300 KiB of resident memory for each connection as soon as it is accepted, before the
#   first byte of a hello; without TLS it is 3 or 4. A thousand silent clients are 300 MB, and
#   the handshake's time limit is a minute by default. So a limit of connections has to
#   count before TLS begins, which ssl= of start_server does not allow.
# Versions: Python 3.11.2 (Debian 12), 3.11.7, 3.12.1, 3.13.0; OpenSSL 3.0.19.
# Source: measured by this script; CPython Lib/asyncio/sslproto.py, SSLProtocol.max_size: a
#   buffer of 256 KiB each, made with the protocol.
# Date: 2026-12-01
# Needs Linux (/proc).
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
openssl req -x509 -newkey rsa:2048 -noenc -days 9 -subj /CN=x -keyout key -out cert \
    2>/dev/null

python3 - <<'PY'
import asyncio
import socket
import ssl
import sys

FEW, MANY = 5, 200
WAIT_SECONDS = 20


def resident_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def cost(context):
    """KiB of each connection that is open and silent (clients' sockets are the kernel's)."""
    accepted = []
    is_enough = asyncio.Event()

    class Counted(asyncio.Protocol):
        """Made when a connection is accepted; called after the handshake only."""

        def __init__(self):
            accepted.append(self)
            if len(accepted) == wanted:
                is_enough.set()

    listening = await asyncio.get_running_loop().create_server(
        Counted, "127.0.0.1", 0, backlog=FEW + MANY, ssl=context
    )
    clients = []
    resident = []
    # What is made once only is made for the first few.
    for wanted in (FEW, FEW + MANY):
        is_enough.clear()
        while len(clients) < wanted:
            clients.append(socket.create_connection(listening.sockets[0].getsockname()))
        await asyncio.wait_for(is_enough.wait(), WAIT_SECONDS)
        resident.append(resident_kib())
    for client in clients:
        client.close()
    listening.close()
    return (resident[1] - resident[0]) / MANY


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert", "key")
plain, tls = asyncio.run(cost(None)), asyncio.run(cost(context))
print("Python", sys.version.split()[0], ssl.OPENSSL_VERSION)
print(f"a silent connection: {plain:.0f} KiB without TLS, {tls:.0f} KiB with it")
sys.exit(not (plain < 50 and tls > 256))
PY
