"""``[web]``: where the page listens, and what it may do.

Source of the defaults: docs/decisions/045.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.table import Table, read_host
from cucmsh.names import check_domain

LONGEST_HOURS = 7 * 24
LONGEST_IDLE_MINUTES = 24 * 60


class WebSettings(NamedTuple):
    """The page of a node.

    Attributes:
        listen: the address on which it takes connections.
        port: TCP.
        changes: whether it changes anything; without, it only shows.
        tls: whether it speaks TLS, with the node's tomcat certificate. Without, it
            listens on loopback only: behind a proxy, or in a lab.
        names: further names by which browsers call it; the node's own are taken.
        metrics: whether ``/metrics`` answers, without a log-in.
        trusted_proxy: the address whose ``X-Forwarded-For`` is believed; empty: none.
        idle_minutes: after which a session without a request ends.
        hours: after which each session ends.
    """

    listen: str = "127.0.0.1"
    port: int = 8443
    changes: bool = False
    tls: bool = True
    names: tuple[str, ...] = ()
    metrics: bool = False
    trusted_proxy: str = ""
    idle_minutes: int = 30
    hours: int = 12


def read_web(table: Table) -> WebSettings:
    """The table ``[web]`` of a configuration; defaults for what it leaves out.

    Raises:
        ConfigurationError: a value that is none; the message names its key.
    """
    usual = WebSettings()
    names = table.texts("names", ())
    for name in names:
        table.named("names", check_domain, name)
    found = WebSettings(
        listen=read_host(table, usual.listen, "listen"),
        port=table.port("port", usual.port),
        changes=table.boolean("changes", default=usual.changes),
        tls=table.boolean("tls", default=usual.tls),
        names=names,
        metrics=table.boolean("metrics", default=usual.metrics),
        trusted_proxy=read_host(table, "", "trusted_proxy")
        if table.has("trusted_proxy")
        else "",
        idle_minutes=table.number(
            "idle_minutes", usual.idle_minutes, range(1, LONGEST_IDLE_MINUTES + 1)
        ),
        hours=table.number("hours", usual.hours, range(1, LONGEST_HOURS + 1)),
    )
    if not found.tls and found.listen not in ("127.0.0.1", "::1"):
        raise table.error(
            "tls",
            "passwords would cross the network in the clear",
            'Leave tls on, or set listen = "127.0.0.1" and put a proxy before it.',
        )
    return found
