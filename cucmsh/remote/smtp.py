"""Sends mail over SMTP, with TLS that is verified unless the caller says otherwise."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import NamedTuple

from cucmsh.errors import AuthenticationError, ConnectionFailedError
from cucmsh.hosts import host_port
from cucmsh.quoting import shown
from cucmsh.remote.tls import client_context, why_not
from cucmsh.secret import Secret

SECONDS = 15.0  # for each answer


class MailServer(NamedTuple):
    """An SMTP server, and how to log in.

    Attributes:
        host: name or address.
        port: of it.
        security: ``starttls``, ``tls`` or ``none``.
        verify: whether its certificate must be trusted, and name it.
        ca_file: by whom it must be; empty for the system's.
        user: who logs in; empty for nobody.
        password: of that user.
        name: what we call ourselves.
    """

    host: str
    port: int
    security: str
    verify: bool
    ca_file: str
    user: str
    password: Secret
    name: str


def send_mail(server: MailServer, mail: EmailMessage) -> dict[str, str]:
    """Send it to all its addressees.

    Returns:
        Why it goes not to whom; empty if it goes to all.

    Raises:
        ConnectionFailedError: the server is not there, is not trusted, has no TLS, or
            takes the mail from us to nobody.
        AuthenticationError: it does not take the password.
        ConfigurationError: the file of trusted certificates cannot be read.
    """
    with _logged_in(server) as connection:
        refused = connection.send_message(mail)
    return {to: _said(answer) for to, answer in refused.items()}


def require_mail_server(server: MailServer) -> None:
    """Go on only if the server would let us log in; sends no mail. Raises as above."""
    with _logged_in(server):
        return


@contextmanager
def _logged_in(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A connection for the body, whose errors become ours."""
    where = f"the mail server {host_port(server.host, server.port)}"
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, server.password.reveal())
            yield connection
    except smtplib.SMTPAuthenticationError as problem:
        raise AuthenticationError(
            f"{where} does not take the password of {server.user}",
            "See user and password_file in [alarms.mail].",
        ) from problem
    except smtplib.SMTPRecipientsRefused as problem:
        said = "; ".join(f"{to}: {_said(a)}" for to, a in problem.recipients.items())
        raise ConnectionFailedError(f"{where} refuses all addressees: {said}") from (
            problem
        )
    except smtplib.SMTPResponseException as problem:
        said = _said((problem.smtp_code, problem.smtp_error))
        raise ConnectionFailedError(f"{where}: {said}") from problem
    except smtplib.SMTPException as problem:
        raise ConnectionFailedError(f"{where}: {shown(str(problem))}") from problem
    except OSError as problem:
        raise ConnectionFailedError(f"{where}: {why_not(problem)}") from problem


def _connected(server: MailServer) -> smtplib.SMTP:
    """A connection, with TLS where it is asked for."""
    where, name = (server.host, server.port), server.name
    if server.security == "none":
        return smtplib.SMTP(*where, local_hostname=name, timeout=SECONDS)
    context = client_context(verify=server.verify, ca_file=server.ca_file)
    if server.security == "tls":
        return smtplib.SMTP_SSL(
            *where, local_hostname=name, timeout=SECONDS, context=context
        )
    connection = smtplib.SMTP(*where, local_hostname=name, timeout=SECONDS)
    try:
        # Without a context it would take any certificate.
        connection.starttls(context=context)
    except BaseException:  # Ctrl-C, too: nobody else has it yet
        connection.close()
        raise
    return connection


def _said(answer: tuple[int, bytes | str]) -> str:
    code, text = answer
    raw = text if isinstance(text, bytes) else str(text).encode()
    return f"{code} {shown(raw.decode(errors='replace'))}"
