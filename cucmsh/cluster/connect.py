"""A TCP connection within a time that the look-up of the name cannot stretch.

``getaddrinfo`` knows no limit and a resolver may take a minute (F11 of
threats-and-faults.md); so a thread dials and we wait for it no longer than told. An
address needs no resolver, and no thread.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic

from cucmsh.errors import ConnectionFailedError, NoAnswerError

GRACE_SECONDS = 0.5  # for the thread to say that its time has passed


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of ``host`` that answers.

    Several addresses share the time: each gets its part of what is left.

    Raises:
        NoAnswerError: neither the resolver nor the host answered in time.
        ConnectionFailedError: there is no such host, or it refuses.
    """
    dialled: SimpleQueue[socket.socket | OSError | UnicodeError] = SimpleQueue()

    def dial() -> None:
        try:
            dialled.put(_first(host, port, monotonic() + seconds))
        except (OSError, UnicodeError) as problem:  # UnicodeError: no IDNA name
            dialled.put(problem)

    if _is_address(host):
        dial()
    else:
        Thread(target=dial, daemon=True).start()
    late = NoAnswerError(
        f"{host} port {port} did not answer within {seconds:.0f} seconds",
        "Check that the host is up and that no firewall is in the way.",
    )
    try:
        connected = dialled.get(timeout=seconds + GRACE_SECONDS)
    except Empty:
        raise late from None
    if isinstance(connected, TimeoutError):
        raise late from connected
    if isinstance(connected, OSError | UnicodeError):
        reason = getattr(connected, "strerror", None) or str(connected) or "no answer"
        raise ConnectionFailedError(
            f"cannot connect to {host} port {port}: {reason}",
            "Check the name, the port and that the server runs.",
        ) from connected
    return connected


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, ValueError):
            socket.inet_pton(family, host)
            return True
    return False


def _first(host: str, port: int, deadline: float) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem = OSError("no address")
    for number, (family, kind, protocol, _, address) in enumerate(found):
        left = deadline - monotonic()
        if left <= 0:
            raise TimeoutError from problem
        dialling = socket.socket(family, kind, protocol)
        try:
            dialling.settimeout(left / (len(found) - number))
            dialling.connect(address)
        except OSError as refusal:
            dialling.close()
            problem = refusal
        else:
            # Without it each small request waits 40 ms for a delayed ACK.
            dialling.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return dialling
    raise problem
