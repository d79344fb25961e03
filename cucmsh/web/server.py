"""Runs the page until it is stopped: uvicorn with limits, TLS by the tomcat pair.

Nothing of a request is believed that the client can choose: no ``X-Forwarded-For``
unless a trusted proxy is named, one of the node's own names as Host.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from uvicorn import Config

from cucmsh.errors import CertificateError, ServiceError
from cucmsh.layout import pair_file
from cucmsh.pki.model import Unit
from cucmsh.services.caller import Caller
from cucmsh.services.site import Site
from cucmsh.web import (
    alarms,
    audit,
    certificate_actions,
    certificates,
    metrics,
    nodes,
    phones,
    previews,
    resets,
    trust_map,
)
from cucmsh.web.application import PageApp
from cucmsh.web.connections import (
    BACKLOG,
    CONNECTIONS,
    HEAD_SECONDS,
    BoundedServer,
)
from cucmsh.web.node import PageNode
from cucmsh.web.pages import Part
from cucmsh.web.sessions import Sessions

PARTS: tuple[Part, ...] = (
    *certificates.PARTS,
    *certificate_actions.PARTS,
    *trust_map.PARTS,
    *nodes.PARTS,
    *phones.PARTS,
    *previews.PARTS,
    *alarms.PARTS,
    *resets.PARTS,
    *audit.PARTS,
    *metrics.PARTS,
)  # in the order of the menu
HEAD_BYTES = 16 * 1024
STOP_SECONDS = 3
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class Held(NamedTuple):
    """Where a lab has its page: the socket, and what says that the lab has ended."""

    listener: socket.socket
    ended: threading.Event


def serve(
    open_site: Callable[[], Site],
    admit: Callable[[Site, Caller], Site],
    held: Held | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the one that holds the socket ends it.

    Args:
        open_site: opens the node.
        admit: the node for a caller.
        held: a socket to take in place of the configuration's address.

    Raises:
        ServiceError: the address cannot be had.
        CertificateError, MissingFileError: TLS has no certificate.
    """
    node = PageNode(open_site, admit)
    settings = node.site.settings.web
    contexts = _tls(node.site) if settings.tls and held is None else None
    sessions = Sessions(
        settings.idle_minutes * 60, settings.hours * 3600, time.monotonic
    )
    app = PageApp(
        node,
        sessions,
        PARTS,
        is_secure=settings.tls or bool(settings.trusted_proxy),
    )
    listener = held.listener if held else _bound(settings.listen, settings.port)
    options = Config(
        app.behind_gate(names_of(node.site)),
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        # It would print a line for each request that is none, and tracebacks.
        log_level="critical",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxy),
        forwarded_allow_ips=settings.trusted_proxy or None,
        limit_concurrency=2 * CONNECTIONS,  # room is made before that
        timeout_keep_alive=round(HEAD_SECONDS),
        timeout_graceful_shutdown=STOP_SECONDS,
        h11_max_incomplete_event_size=HEAD_BYTES,
        ssl_context_factory=(lambda *_: contexts.first()) if contexts else None,
    )
    server = BoundedServer(options)
    if held:

        def await_end() -> None:
            held.ended.wait()
            server.should_exit = True

        threading.Thread(target=await_end, daemon=True).start()
    server.run(sockets=[listener])


def _tls(site: Site) -> _Contexts:
    try:
        return _Contexts(site)
    except OSError as problem:  # SSLError is one
        raise CertificateError(
            f"the page has no certificate that TLS can show: {problem}",
            "`set cert regen tomcat` makes one.",
        ) from problem


def names_of(site: Site) -> list[str]:
    """By what browsers may call this node, in small letters."""
    node, cluster = site.node, site.settings.cluster
    own = [node.name, cluster.full_name(node), *node.aliases]
    own += [node.ssh.host] if node.ssh is not None else []
    listen = site.settings.web.listen
    return [
        name.lower()
        for name in (*own, listen, *site.settings.web.names, *LOOPBACK_NAMES)
    ]


def _bound(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as problem:
        raise ServiceError(
            f"port {port} of {host} cannot be had: {problem.strerror}",
            "Set another port in [web], or end what has it.",
        ) from problem


class _Contexts:
    """TLS 1.2 and above; another tomcat pair is served from the next handshake on.

    A pair that cannot be loaded is not: the one before stays.
    """

    def __init__(self, site: Site) -> None:
        self._pair = os.path.join(site.settings.home, pair_file(Unit.TOMCAT))
        self._seen = self._stamp()
        self._present = self._made()

    def first(self) -> ssl.SSLContext:
        """The context that the server begins with."""
        context = self._made()
        context.sni_callback = self._renewed
        return context

    def _renewed(self, connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            with suppress(OSError):  # SSLError is one
                self._present = self._made()
        connection.context = self._present

    def _made(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._pair)
        return context

    def _stamp(self) -> tuple[int, int, int]:
        at = os.stat(self._pair)
        return at.st_ino, at.st_size, at.st_mtime_ns
