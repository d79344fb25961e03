"""``[tvs]``: what this node's Trust Verification Service asks of its peers.

Source of the defaults: docs/decisions/030.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from cucmsh.config.table import Table, read_host

TlsMinimum = Literal["1.0", "1.1", "1.2", "1.3"]
MOST_SECONDS = 3600
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - phones come from everywhere


class TvsSettings(NamedTuple):
    """The limits of this node's TVS.

    Attributes:
        listen: address on which it takes connections; the port is the one of the
            node's entry.
        tls_minimum: ``1.2``; ``1.0`` for 79xx and 894x. That and ``1.1`` are a lower
            security level, too, for this port only. No phone is known that speaks
            ``1.3``.
        workers: processes that answer.
        connections: at most so many at once, in all.
        connections_per_address: at most so many at once from one address, for each
            worker; phones behind NAT share one.
        handshake_seconds: how long a peer may take for its TLS handshake.
        message_seconds: how long from the first byte of a request to its last.
        idle_seconds: how long a connection stays open without a request.
    """

    listen: str = ALL_ADDRESSES
    tls_minimum: TlsMinimum = "1.2"
    workers: int = 1
    connections: int = 4000
    connections_per_address: int = 1000
    handshake_seconds: int = 10
    message_seconds: int = 5
    idle_seconds: int = 15


def read_tvs(table: Table) -> TvsSettings:
    """The table ``[tvs]`` of a configuration; defaults for what it leaves out.

    Raises:
        ConfigurationError: a value that is none; the message names its key.
    """
    usual = TvsSettings()
    seconds = range(1, MOST_SECONDS + 1)
    many = range(1, 100_001)
    return TvsSettings(
        listen=read_host(table, usual.listen, "listen"),
        tls_minimum=_tls_minimum(table, usual.tls_minimum),
        workers=table.number("workers", usual.workers, range(1, 65)),
        connections=table.number("connections", usual.connections, many),
        connections_per_address=table.number(
            "connections_per_address", usual.connections_per_address, many
        ),
        handshake_seconds=table.number(
            "handshake_seconds", usual.handshake_seconds, seconds
        ),
        message_seconds=table.number("message_seconds", usual.message_seconds, seconds),
        idle_seconds=table.number("idle_seconds", usual.idle_seconds, seconds),
    )


def _tls_minimum(table: Table, usual: TlsMinimum) -> TlsMinimum:
    versions: tuple[TlsMinimum, ...] = get_args(TlsMinimum)
    said = table.choice("tls_minimum", versions, usual)
    return next(version for version in versions if version == said)
