"""An SMTP server (aiosmtpd) that keeps what it is sent, as it was sent."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.rigs.loopback import LOOPBACK, free_port

USER, PASSWORD = "alarms", "correct horse"
NOBODY = "nobody@example.org"  # an addressee that it refuses


class Kept(NamedTuple):
    """One mail as it came.

    Attributes:
        sender: of the envelope.
        to: the addressees of the envelope.
        raw: its bytes.
        is_safe: it came over TLS.
        user: who had logged in; empty for nobody.
        name: what the sender called itself.
    """

    sender: str
    to: tuple[str, ...]
    raw: bytes
    is_safe: bool
    user: str
    name: str


class MailBox:
    """What a server was sent.

    Attributes:
        port: of the server, on 127.0.0.1.
        mails: so far.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Kept] = []

    async def handle_RCPT(  # noqa: N802 - a name of aiosmtpd's
        self, _server: object, _session: object, envelope: Any, to: str, _: object
    ) -> str:
        if to == NOBODY:
            return "550 5.1.1 there is nobody of that name"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the same
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        self.mails.append(
            Kept(
                envelope.mail_from,
                tuple(envelope.rcpt_tos),
                envelope.original_content,
                server.transport.get_extra_info("ssl_object") is not None,
                session.auth_data.login.decode() if session.auth_data else "",
                session.host_name,
            )
        )
        return "250 OK"


def _judge(
    _server: SMTP, _session: object, _envelope: object, mechanism: str, given: Any
) -> AuthResult:
    good = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(
        success=good and mechanism in ("PLAIN", "LOGIN"),
        handled=False,
        auth_data=given,
    )


@contextmanager
def smtp_server(
    security: Literal["starttls", "tls", "none"],
    pair: tuple[Path, Path],
    *,
    asks: bool = False,
    port: int = 0,
) -> Iterator[MailBox]:
    """A server for the body, at that port or any; ``asks``: it wants a login first."""
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)
    context = None
    if security != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair[1], pair[0])
    box = MailBox(port or free_port())
    controller = Controller(
        box,
        LOOPBACK,
        box.port,
        ssl_context=context if security == "tls" else None,
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
        authenticator=_judge if asks else None,
        auth_required=asks,
        auth_require_tls=security == "starttls",
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
