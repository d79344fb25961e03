#!/usr/bin/env bash
# A TLS handshake that a Python server refuses: asyncio's says nothing.
#
# Expected: asyncio refuses as a blocking server of the same ssl module does, with the alert
#   that OpenSSL has made for it, so that the client can name the reason.
# Seen: a blocking server sends "protocol version" (alert 70), which is what a client shows;
#   asyncio's server closes without one byte, logs nothing (below debug) and does not call
#   its handler. openssl s_client then says "unexpected eof while reading": what was wrong
#   is told on neither side, and an old device looks like one that hung up.
# Versions: Python 3.11.2 (Debian 12), 3.9.18, 3.10.13, 3.11.7, 3.12.1, 3.13.0; OpenSSL
#   3.0.19. Mended in CPython's source in July 2026, so a newer one may end with 1.
# Source: seen on the wire; CPython's gh-98078.
# Date: 2026-12-01
# Exit status: 0 as described, 1 something else was seen.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
openssl req -x509 -newkey rsa:2048 -noenc -days 9 -subj /CN=x -keyout key -out cert \
    2>/dev/null

python3 - <<'PY'
import asyncio
import logging
import socket
import ssl
import sys
import threading

logging.basicConfig(format="asyncio's log: %(message)s", stream=sys.stdout)
# An everyday server of today, and a client that ends with TLS 1.2.
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain("cert", "key")
server.minimum_version = ssl.TLSVersion.TLSv1_3
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.maximum_version = ssl.TLSVersion.TLSv1_2


def answer_of(port):
    """All that the server sends to the client's hello."""
    hello = ssl.MemoryBIO()
    try:
        client.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="x").do_handshake()
    except ssl.SSLWantReadError:
        pass
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as asking:
        asking.sendall(hello.read())
        while more := asking.recv(100):
            answer += more
    return answer


def from_blocking():
    def serve():
        connection, _ = listening.accept()
        with connection:
            try:
                server.wrap_socket(connection, server_side=True)
            except ssl.SSLError as problem:
                print("blocking server:", problem.reason)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        answer = answer_of(listening.getsockname()[1])
        serving.join()
    return answer


async def from_asyncio():
    def handler(reader, writer):
        print("asyncio's handler was called")
        writer.close()

    listening = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=server)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        return await asyncio.to_thread(answer_of, port)


print("Python", sys.version.split()[0], ssl.OPENSSL_VERSION)
blocking, of_asyncio = from_blocking(), asyncio.run(from_asyncio())
print("blocking sends", blocking.hex(" ") or "nothing")
print("asyncio sends ", of_asyncio.hex(" ") or "nothing")
# An alert record (21) of two bytes: fatal (2), protocol version (70).
is_as_described = blocking[:1] + blocking[-2:] == bytes((21, 2, 70)) and of_asyncio == b""
sys.exit(not is_as_described)
PY
