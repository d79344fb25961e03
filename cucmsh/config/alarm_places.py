"""``[alarms.syslog]``, ``.mail``, ``.metrics`` and ``.hook``: where else alarms go."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, get_args

from cucmsh.config.table import Table, read_host
from cucmsh.events import Severity

Way = Literal["local", "udp", "tcp", "tls"]
Form = Literal["standard", "cisco"]
Security = Literal["starttls", "tls", "none"]
SOCKET = "/dev/log"
PORTS = {"local": 514, "udp": 514, "tcp": 601, "tls": 6514}
MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}
BATCH_SECONDS = 10
HOOK_SECONDS = 30
ADDRESS = re.compile(r"[!-~]+@[!-~]+")
NO_ADDRESS = re.compile(r"[\s<>,;:\"\\()\[\]]")


class SyslogSettings(NamedTuple):
    """The system's syslog.

    Attributes:
        to: ``local``, or over the network.
        socket: of the local one.
        host: of the other one.
        port: of that.
        form: ``standard`` (RFC 5424 over the network, the old form to the socket), or
            ``cisco``, the line that the original sends.
        verify: whether the server of ``tls`` must have a certificate that is trusted.
        ca_file: whose certificates are trusted; empty for the system's.
        level: the least severe that goes there.
    """

    to: Way = "local"
    socket: str = SOCKET
    host: str = ""
    port: int = 514
    form: Form = "standard"
    verify: bool = True
    ca_file: str = ""
    level: Severity = Severity.INFORMATIONAL


class MailSettings(NamedTuple):
    """Mail over SMTP.

    Attributes:
        host: of the server.
        port: of it.
        sender: the address that it comes from.
        to: the addresses that it goes to.
        security: ``starttls``, ``tls`` or ``none``.
        verify: whether the server must have a certificate that is trusted.
        ca_file: whose certificates are trusted; empty for the system's.
        user: who logs in; empty for nobody.
        password_file: a file of mode 0600 with the password.
        batch_seconds: for how long alarms are gathered into one mail.
        level: the least severe that is mailed.
    """

    host: str
    port: int
    sender: str
    to: tuple[str, ...]
    security: Security = "starttls"
    verify: bool = True
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    batch_seconds: int = BATCH_SECONDS
    level: Severity = Severity.WARNING


class MetricsSettings(NamedTuple):
    """A file for node_exporter's textfile collector.

    Attributes:
        file: its path, which ends in ``.prom``.
    """

    file: str


class HookSettings(NamedTuple):
    """A program that is run for each alarm.

    Attributes:
        command: its argv; the alarm comes on standard input, as JSON.
        seconds: after which it is killed.
        level: the least severe for which it is run.
    """

    command: tuple[str, ...]
    seconds: int = HOOK_SECONDS
    level: Severity = Severity.INFORMATIONAL


def read_syslog(table: Table) -> SyslogSettings:
    """The table ``[alarms.syslog]``.

    Raises:
        ConfigurationError: a value that is none; the message names its key.
    """
    usual = SyslogSettings()
    ways: tuple[Way, ...] = get_args(Way)
    forms: tuple[Form, ...] = get_args(Form)
    to = table.choice("to", ways, usual.to)
    form = table.choice("form", forms, usual.form)
    return SyslogSettings(
        to=next(way for way in ways if way == to),
        socket=_path(table, "socket", usual.socket),
        host="" if to == "local" else read_host(table, None),
        port=table.port("port", PORTS[to]),
        form=next(each for each in forms if each == form),
        verify=table.boolean("verify", default=True),
        ca_file=_path(table, "ca_file", ""),
        level=_level(table, usual.level),
    )


def read_mail(table: Table) -> MailSettings:
    """The table ``[alarms.mail]``.

    Raises:
        ConfigurationError: among others, a password that would go in the clear.
    """
    kinds: tuple[Security, ...] = get_args(Security)
    security = table.choice("security", kinds, "starttls")
    user = table.text("user", "")
    password_file = _path(table, "password_file", "")
    if bool(user) != bool(password_file):
        raise table.error("user", "user and password_file need each other")
    if user and security == "none":
        raise table.error(
            "security",
            "the password would be sent unprotected",
            'Write security = "starttls" or "tls".',
        )
    to = table.texts("to")
    if not to:
        raise table.error("to", "an address is needed")
    for address in to:
        _check_address(table, "to", address)
    sender = table.text("from")
    _check_address(table, "from", sender)
    return MailSettings(
        host=read_host(table, None),
        port=table.port("port", MAIL_PORTS[security]),
        sender=sender,
        to=to,
        security=next(each for each in kinds if each == security),
        verify=table.boolean("verify", default=True),
        ca_file=_path(table, "ca_file", ""),
        user=user,
        password_file=password_file,
        batch_seconds=table.number("batch_seconds", BATCH_SECONDS, range(3601)),
        level=_level(table, Severity.WARNING),
    )


def read_metrics(table: Table) -> MetricsSettings:
    """The table ``[alarms.metrics]``.

    Raises:
        ConfigurationError: the file is no absolute path that ends in ``.prom``.
    """
    file = _path(table, "file", None)
    if not file.endswith(".prom"):
        raise table.error("file", "its name must end in .prom, or nobody reads it")
    return MetricsSettings(file)


def read_hook(table: Table) -> HookSettings:
    """The table ``[alarms.hook]``.

    Raises:
        ConfigurationError: its program is no absolute path.
    """
    command = table.texts("command")
    if not command or not command[0].startswith("/"):
        raise table.error("command", "an absolute path of a program is needed first")
    return HookSettings(
        command=command,
        seconds=table.number("seconds", HOOK_SECONDS, range(1, 3601)),
        level=_level(table, Severity.INFORMATIONAL),
    )


def _path(table: Table, key: str, default: str | None) -> str:
    path = table.text(key, default)
    if path and not path.startswith("/"):
        raise table.error(key, "an absolute path is needed")
    return path


def _level(table: Table, usual: Severity) -> Severity:
    names = [severity.name.lower() for severity in Severity]
    return Severity(names.index(table.choice("level", names, usual.name.lower())))


def _check_address(table: Table, key: str, address: str) -> None:
    if not ADDRESS.fullmatch(address) or NO_ADDRESS.search(address):
        raise table.error(key, f"{address!r} is no address; write name@example.org")
