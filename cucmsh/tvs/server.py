"""TVS for phones: a server over TLS, answers from a lookup (docs/formats.md#tvs)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from cucmsh.tvs.answering import Lookup

DEFAULT_PORT = 2445

TlsMinimum = Literal["1.0", "1.2"]


class Identity(NamedTuple):
    """What the server shows itself with.

    Attributes:
        pair: a PEM file with the private key and its certificate. Looked at before
            each handshake: another pair that is put there is served from then on.
        tls_minimum: "1.2"; or "1.0" for 79xx and 894x phones, which is the protocol
            and OpenSSL's security level 0, of this server alone.
    """

    pair: Path
    tls_minimum: TlsMinimum = "1.2"


class Limits(NamedTuple):
    """How many connections there may be, and how long each of them may take.

    Attributes:
        connections: in all, in each worker.
        connections_per_address: of them from one address; a NAT is one, too.
        handshake_seconds: from the connection to the end of the handshake.
        message_seconds: from the first byte of a question to its last.
        idle_seconds: without a question, before the first one and after an answer.
    """

    connections: int = 4_000
    connections_per_address: int = 1_000
    handshake_seconds: float = 10
    message_seconds: float = 5
    idle_seconds: float = 15


class TvsServer:
    """A TVS in a thread of its own, that can be stopped and started again.

    Args:
        host: the address to listen on.
        port: 0 takes a free one at the first start, and the same one ever after.
        lookup: what is vouched for; called in the server's thread, one question at a
            time.
        identity: key, certificate, least version of TLS.
        limits: of connections.
        log: takes one line for each thing that an administrator may have to know.
    """

    def __init__(  # noqa: PLR0913 - what a server is made of
        self,
        host: str,
        port: int,
        lookup: Lookup,
        *,
        identity: Identity,
        limits: Limits,
        log: Callable[[str], None],
    ) -> None:
        raise NotImplementedError

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the port is 0 before the first start if it was 0."""
        raise NotImplementedError

    def start(self) -> None:
        """Listen and answer; nothing happens if it does already.

        Raises:
            ServiceError: the address cannot be listened on.
            CertificateError: the pair cannot be read, or is none that can be served.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """Close everything. May be called twice."""
        raise NotImplementedError

    def serve(self, workers: int = 1) -> None:
        """Serve in this process until SIGTERM or SIGINT, by so many processes.

        Each of several workers is a child with a listening socket of its own; one that
        dies is begun again. Refused while other threads run: they would be lost in
        the children. Raises as ``start`` does, and:

        Raises:
            ServiceError: a worker died again and again as soon as it was begun.
        """
        raise NotImplementedError
