"""``[inventory]``: where what is known of phones is kept, and for how long."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from cucmsh.config.table import Table

if TYPE_CHECKING:
    from urllib.parse import SplitResult
from cucmsh.errors import NamingError

RETENTION_DAYS = 400  # as long as lists of the past are kept
STALE_DAYS = 30
MOST_DAYS = 36_500
SCHEMES = ("postgresql", "sqlite")
ELSEWHERE = (
    "Write it into a file of mode 0600 and name that as password_file; or let "
    "PostgreSQL know you by ~/.pgpass or by the system account (peer)."
)


class HepAddress(NamedTuple):
    """Where HEP packets are taken: an address of this machine, and a UDP port."""

    host: str = "127.0.0.1"
    port: int = 9060


class InventorySettings(NamedTuple):
    """What the configuration says of the inventory.

    Attributes:
        url: of the database, without a password; empty for SQLite in the home.
        url_file: a file of mode 0600 with the URL, which may hold a password.
        password_file: a file of mode 0600 with the password of the database.
        retention_days: what was said longer ago is forgotten.
        stale_days: a phone that nothing was said of for as long is stale.
        hep: where `cucmsh phones listen` listens.
        hep_senders: addresses of SIP servers that it takes packets from; empty for all.
    """

    url: str = ""
    url_file: str = ""
    password_file: str = ""
    retention_days: int = RETENTION_DAYS
    stale_days: int = STALE_DAYS
    hep: HepAddress = HepAddress()
    hep_senders: tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether the configuration names a database."""
        return bool(self.url or self.url_file)

    @property
    def folder(self) -> str:
        """Where the file of SQLite lies that ``url`` names; empty for anything else."""
        parts = _split(self.url) if self.url else None
        if parts is None or parts.scheme != "sqlite":
            return ""
        return os.path.dirname(parts.path[1:])


def read_inventory(table: Table) -> InventorySettings:
    """The table ``inventory``.

    Raises:
        ConfigurationError: among others, a password in the URL: people and services
            read the configuration.
    """
    url = table.text("url", "")
    if url:
        if table.has("url_file"):
            raise table.error("url_file", "there is a url already; leave out one")
        problem, advice = why_no_url(url)
        if problem:
            raise table.error("url", problem, advice)
        if has_password(url):
            raise table.error("url", "a password stands in it", ELSEWHERE)
    found = InventorySettings(
        url,
        _path(table, "url_file"),
        _path(table, "password_file"),
        table.number("retention_days", RETENTION_DAYS, range(1, MOST_DAYS + 1)),
        table.number("stale_days", STALE_DAYS, range(1, MOST_DAYS + 1)),
        _hep(table),
        tuple(table.named("hep_senders", _address, at) for at in _senders(table)),
    )
    if found.password_file and not found.is_named:
        raise table.error("password_file", "SQLite in the home has no password")
    return found


def why_no_url(url: str) -> tuple[str, str]:
    """What is wrong with the URL of a database, and what to do; empty if nothing."""
    example = "Write postgresql://USER@HOST/DATABASE, or sqlite:////PATH for a file."
    parts = _split(url)
    if parts is None or parts.scheme not in SCHEMES:
        return f"it begins with none of {', '.join(SCHEMES)}", example
    if parts.scheme == "sqlite" and (parts.netloc or not parts.path.startswith("//")):
        return "the file of SQLite needs an absolute path", example
    if parts.scheme == "postgresql" and url.count("@") > 1:
        # SQLAlchemy takes the first for the end of the password, and what follows for
        # a host, which messages show.
        return "more than one @ stands in it", "Write %40 for one in a password."
    return "", ""


def has_password(url: str) -> bool:
    """Whether a password stands in it, before the host or as a parameter."""
    parts = _split(url)
    if parts is None:
        return False
    from urllib.parse import parse_qs  # noqa: PLC0415 - as below

    named = {key.lower() for key in parse_qs(parts.query, keep_blank_values=True)}
    return parts.password is not None or bool(named & {"password", "sslpassword"})


def _split(url: str) -> SplitResult | None:
    from urllib.parse import urlsplit  # noqa: PLC0415 - no login without a URL pays

    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is none
    except ValueError:
        return None
    return parts


def _path(table: Table, key: str) -> str:
    path = table.text(key, "")
    if path and not os.path.isabs(path):
        raise table.error(key, "an absolute path is needed")
    return path


def _hep(table: Table) -> HepAddress:
    if not table.has("hep"):
        return HepAddress()
    about, usual = table.table("hep"), HepAddress()
    host = about.named("host", _address, about.text("host", usual.host))
    return HepAddress(host, about.port("port", usual.port))


def _senders(table: Table) -> tuple[str, ...]:
    return table.texts("hep_senders", ())


def _address(text: str) -> str:
    """An IP address in its one form.

    Raises:
        NamingError: it is none.
    """
    from ipaddress import ip_address  # noqa: PLC0415 - most configurations have none

    try:
        return str(ip_address(text))
    except ValueError as problem:
        raise NamingError(f"{text!r} is no IP address") from problem
