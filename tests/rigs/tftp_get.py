"""TFTP clients to look at nodes from outside: one of the tests (RFC 1350), and curl."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path

from cucmsh.hosts import host_port

BLOCK = 512
RRQ, DATA, ACK, ERROR = 1, 3, 4, 5
TIMEOUT_SECONDS = 0.5  # before a packet is repeated


class TftpError(Exception):
    """The server answered that it will not, or did not answer in time."""


def get(host: str, port: int, name: str, seconds: float = 5) -> bytes:
    """The whole file.

    Raises:
        TftpError: see the class.
    """
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as our:
        our.settimeout(TIMEOUT_SECONDS)
        packet = RRQ.to_bytes(2) + f"{name}\0octet\0".encode()
        peer, got, expected = (host, port), b"", 1
        while True:
            if time.monotonic() > deadline:
                raise TftpError(f"no answer from {host} port {port}")
            our.sendto(packet, peer)
            try:
                answer, sender = our.recvfrom(BLOCK + 4)
            except (TimeoutError, ConnectionRefusedError):
                continue
            kind, number = int.from_bytes(answer[:2]), int.from_bytes(answer[2:4])
            if kind == ERROR:
                raise TftpError(answer[4:].rstrip(b"\0").decode(errors="replace"))
            if kind == DATA and number == expected:
                got += answer[4:]
                peer, expected = sender, expected + 1 & 0xFFFF
                packet = ACK.to_bytes(2) + number.to_bytes(2)
                if len(answer) < BLOCK + 4:
                    our.sendto(packet, peer)
                    return got


def get_when_it_answers(host: str, port: int, name: str, seconds: float = 30) -> bytes:
    """The file as soon as the service is there: a restart may be under way (I10)."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return get(host, port, name)
        except TftpError:
            if time.monotonic() > deadline:
                raise


def by_curl(host: str, port: int, name: str, into: Path) -> bytes:
    """The whole file, which is kept at ``into``, through curl.

    Raises:
        CalledProcessError: curl did not get it.
    """
    url = f"tftp://{host_port(host, port)}/{name}"
    words = ["curl", "-g", "-s", "-f", "-m", "20", "-o", str(into), url]
    subprocess.run(words, check=True)
    return into.read_bytes()
