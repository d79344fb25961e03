"""The yardstick of ``benchmarks.tvs``: a thread for each connection, on plain ``ssl``.

    python -m benchmarks.tvs_threads PORT PAIR

The form of the only open peer, with less to do: it answers one verify and closes, knows
one certificate by its SHA-256, and sets no limits but a time for each socket. Its
handshakes are in the threads, so that silence stops nobody.
"""

import hashlib
import socket
import ssl
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tests.rigs.tvs import certificate_in

SECONDS = 10
KNOWN = bytes.fromhex("001007000100080002000309000400015180")


def main() -> None:
    port, pair = int(sys.argv[1]), Path(sys.argv[2])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    known = {hashlib.sha256(certificate_in(pair)).digest()}
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)

    def answer(sock: socket.socket) -> None:
        sock.settimeout(SECONDS)
        with suppress(OSError), context.wrap_socket(sock, server_side=True) as tls:
            head = tls.recv(10)
            body = tls.recv(int.from_bytes(head[8:]))
            at, elements = 0, {}
            while at < len(body):
                size = int.from_bytes(body[at + 1 : at + 3])
                elements[body[at]] = body[at + 3 : at + 3 + size]
                at += 3 + size
            if hashlib.sha256(elements[2]).digest() in known:
                tls.sendall(b"W\1\2\0" + head[4:8] + KNOWN)

    while True:
        accepted, _ = listener.accept()
        threading.Thread(target=answer, args=(accepted,), daemon=True).start()


if __name__ == "__main__":
    main()
