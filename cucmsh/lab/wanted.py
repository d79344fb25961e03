"""What a lab is to be: names, ports, passwords and keys, some of them from a file.

The file is that of ``cucmsh lab --from FILE`` (docs/lab.md#from-a-file). Refused:
unknown keys, wrong types, names that no host can have, with the dotted key; passwords
or keys in a file that others can read.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cucmsh.config.table import Table
from cucmsh.errors import ConfigurationError, RefusedError, UsageError
from cucmsh.hosts import split_host
from cucmsh.lab.conditions import BACKUP, PAGE
from cucmsh.names import (
    check_domain,
    check_full_name,
    check_host_name,
    format_subject,
    read_subject,
)

PUBLISHER = "test10pub"
SUBSCRIBER = "test10sub"
DOMAIN = "joemar2.lab"
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
MOST_SUBSCRIBERS = 16  # each is a process with servers of its own
PASSWORDS = ("admin", "ccm", "security", "backup")
NODE_PORTS = ("ssh", "tftp", "tvs", "http")
OTHER_PORTS = {BACKUP: ("sftp",), PAGE: ("web",)}
SIP_PORT = 5060
LOOPBACK = "127.0.0.1"
UNITS = ("CallManager", "TVS", "CAPF")
HOST_KEY = "ssh_host_key"
SHORTEST = 8  # characters of a password; nobody guesses at one on loopback
_MOST_BYTES = 1 << 20


class Wanted(NamedTuple):
    """What a lab is to be.

    Attributes:
        names: of the nodes, the publisher's first.
        domain: of all of them.
        subject: of their certificates, in the form of the configuration.
        passwords: by name (``PASSWORDS``); those that are not there are made.
        ports: for a name, its ports by service.
        keys: for a node, PEM of key and certificate by unit.
        host_keys: for a node, or the backup server, its SSH host key.
        has_hold: whether regenerations wait for each other.
        sip: the server that the lab's phones call; None for none.
    """

    names: tuple[str, ...]
    domain: str = DOMAIN
    subject: str = SUBJECT
    passwords: Mapping[str, str] = {}
    ports: Mapping[str, Mapping[str, int]] = {}
    keys: Mapping[str, Mapping[str, bytes]] = {}
    host_keys: Mapping[str, bytes] = {}
    has_hold: bool = True
    sip: tuple[str, int] | None = None

    def port_of(self, name: str, service: str) -> int:
        """The port that it must have; 0 for any."""
        return self.ports.get(name, {}).get(service, 0)

    def keys_of(self, name: str) -> dict[str, bytes]:
        """The keys that were handed over for a node, by unit."""
        return dict(self.keys.get(name, {}))

    def __repr__(self) -> str:
        return f"Wanted({self.names!r})"  # neither passwords nor keys show


def usual(subscribers: int = 1) -> Wanted:
    """A lab of the usual names, and nothing else that is fixed."""
    return Wanted(_usual_names(subscribers))


def read_wanted(path: str, subscribers: int | None = None) -> Wanted:
    """What the file says.

    Args:
        path: of the file.
        subscribers: how many, where the command line says it; the file's number gives
            way. None for the file's.

    Raises:
        ConfigurationError: it cannot be read, or not understood; names the dotted key.
        RefusedError: others can read it, or a key file that it names, and it has
            passwords, or that is one.
    """
    raw, mode = _read(path)
    try:
        table = Table(tomllib.loads(raw.decode()), path)
    except ValueError as problem:
        raise ConfigurationError(f"{path}: {problem}") from problem
    most = range(1, MOST_SUBSCRIBERS + 1)
    number = table.number("subscribers", 1, most)
    found = _named(table, number if subscribers is None else subscribers)
    found = found._replace(has_hold=table.boolean("hold", default=True))
    if table.has("sip"):
        found = found._replace(sip=_sip(table))
    if table.has("passwords"):
        _require_private(path, mode, "it has passwords in it")
        about = table.table("passwords")
        found = found._replace(
            passwords={
                name: _password(about, name) for name in PASSWORDS if about.has(name)
            }
        )
    if table.has("ports"):
        found = found._replace(ports=_ports(table.table("ports"), found.names))
    if table.has("keys"):
        folder = Path(path).absolute().parent
        keys, host_keys = _keys(table.table("keys"), found.names, folder)
        found = found._replace(keys=keys, host_keys=host_keys)
    table.finish()
    return found


def sip_server(text: str) -> tuple[str, int]:
    """The server that phones call, ``HOST:PORT``; 5060 without a port.

    Raises:
        UsageError: it is no IPv4 address of this machine's loopback, nor localhost: no
            phone of a lab calls anybody else.
    """
    host, port = split_host(text, SIP_PORT)
    host = LOOPBACK if host.lower() == "localhost" else host
    try:
        is_here = ip_address(host).is_loopback and ":" not in host
    except ValueError:
        is_here = False
    if not is_here:
        raise UsageError(
            "phones of a lab call a SIP server on 127.0.0.1 only",
            "Let a SIP server there take their calls, such as Kamailio.",
        )
    return host, port


def _sip(table: Table) -> tuple[str, int]:
    try:
        return sip_server(table.text("sip"))
    except UsageError as problem:
        raise table.error("sip", problem.message, problem.advice) from problem


def _usual_names(subscribers: int) -> tuple[str, ...]:
    more = (f"{SUBSCRIBER}{number}" for number in range(2, subscribers + 1))
    return (PUBLISHER, SUBSCRIBER, *more)


def _named(table: Table, subscribers: int) -> Wanted:
    names = _usual_names(subscribers)
    if not table.has("names"):
        return Wanted(names)
    about = table.table("names")
    publisher = about.text("publisher", names[0])
    others = about.texts("subscribers", names[1:])
    if not 1 <= len(others) <= MOST_SUBSCRIBERS:
        raise about.error("subscribers", f"a lab has 1 to {MOST_SUBSCRIBERS} of them")
    about.named("publisher", check_host_name, publisher)
    for name in others:
        about.named("subscribers", check_host_name, name)
    all_names = (publisher, *others)
    taken = [name.lower() for name in (*all_names, *OTHER_PORTS)]
    if len(set(taken)) < len(taken):
        others_names = " or ".join(map(repr, OTHER_PORTS))
        raise about.error("subscribers", f"a name is there twice, or is {others_names}")
    domain = about.text("domain", DOMAIN)
    if domain:
        about.named("domain", check_domain, domain)
    for name in all_names:
        about.named("domain", check_full_name, f"{name}.{domain}" if domain else name)
    subject = about.named("subject", read_subject, about.text("subject", SUBJECT))
    return Wanted(all_names, domain, format_subject(subject))


def _password(about: Table, name: str) -> str:
    value = about.text(name)
    if len(value) < SHORTEST or not value.isprintable():
        raise about.error(name, f"{SHORTEST} characters or more, all of them printable")
    return value


def _ports(about: Table, names: tuple[str, ...]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    used: dict[tuple[bool, int], str] = {}
    for name in (*names, *OTHER_PORTS):
        if not about.has(name):
            continue
        entry = about.table(name)
        services = OTHER_PORTS.get(name, NODE_PORTS)
        found[name] = {
            service: entry.number(service, 0, range(1, 1 << 16))
            for service in services
            if entry.has(service)
        }
        for service, port in found[name].items():
            key = (service == "tftp", port)
            if key in used:
                raise entry.error(service, f"{port} is {used[key]}'s already")
            used[key] = f"{name}.{service}"
    return found


def _keys(
    about: Table, names: tuple[str, ...], folder: Path
) -> tuple[dict[str, dict[str, bytes]], dict[str, bytes]]:
    keys: dict[str, dict[str, bytes]] = {}
    host_keys: dict[str, bytes] = {}
    for name in (*names, BACKUP):
        if not about.has(name):
            continue
        entry = about.table(name)
        if entry.has(HOST_KEY):
            host_keys[name] = _key(entry, HOST_KEY, folder)
        units = UNITS if name != BACKUP else ()
        found = {unit: _key(entry, unit, folder) for unit in units if entry.has(unit)}
        if "CAPF" in found and name != names[0]:
            raise entry.error("CAPF", "only the publisher has one")
        if found:
            keys[name] = found
    return keys, host_keys


def _key(entry: Table, name: str, folder: Path) -> bytes:
    file = str(folder / entry.text(name))
    try:
        raw, mode = _read(file)
    except ConfigurationError as problem:
        raise entry.error(name, problem.message) from problem
    _require_private(file, mode, "it is a key")
    return raw


def _read(path: str) -> tuple[bytes, int]:
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            raw = file.read(_MOST_BYTES + 1)
    except OSError as problem:
        raise ConfigurationError(f"{path}: {problem.strerror}") from problem
    if len(raw) > _MOST_BYTES:
        raise ConfigurationError(f"{path} is larger than {_MOST_BYTES} bytes")
    return raw, status.st_mode


def _require_private(path: str, mode: int, why: str) -> None:
    if stat.S_IMODE(mode) & 0o077:
        raise RefusedError(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):04o}), and {why}",
            f"chmod 600 {path}",
        )
