"""One TOML table, read key by key; every error names the file and dotted key.

The keys that were read are remembered, so that ``finish`` can refuse the others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from cucmsh.config.model import (
    ROLE_OF_SERVICE,
    SERVICE_NAMES,
    TFTP,
    HttpAddress,
    Node,
    NodeRole,
    NodeService,
    ServiceCommands,
    SshAddress,
    TftpAddress,
    TvsAddress,
)
from cucmsh.errors import ConfigurationError, NamingError, UsageError
from cucmsh.hosts import HTTP_PORT, TVS_PORT, bare_host
from cucmsh.names import check_domain, check_host_name

OWN_HOST = "127.0.0.1"  # of a node that no other node reaches
_Value = TypeVar("_Value")


class Table:
    """A table of the configuration with the dotted name it stands under."""

    def __init__(self, values: dict[str, Any], path: str, prefix: str = "") -> None:
        self._values = values
        self._path = path
        self._prefix = prefix
        self._asked: set[str] = set()
        self._children: list[Table] = []

    def error(self, key: str, problem: str, advice: str = "") -> ConfigurationError:
        """An error that names the file and the dotted key."""
        return ConfigurationError(
            f"{self._path}: {self._prefix}{key}: {problem}", advice
        )

    def named(self, key: str, check: Callable[[str], _Value], value: str) -> _Value:
        """What ``check`` gives for a name; its NamingError becomes one of the key."""
        try:
            return check(value)
        except NamingError as problem:
            raise self.error(key, problem.message, problem.advice) from problem

    def finish(self) -> None:
        """Refuse keys that were not read, here and in the tables that were.

        Raises:
            ConfigurationError: an unknown key; the message names the known ones.
        """
        for key in self._values:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                raise self.error(key, f"unknown key; known here: {known}")
        for child in self._children:
            child.finish()

    def has(self, key: str) -> bool:
        """Whether the key is there, with whatever value; whoever asks reads it then."""
        self._asked.add(key)  # so that `finish` names it among the known ones
        return key in self._values

    def holds_tables(self, key: str) -> bool:
        """Whether its value is a list with a table in it."""
        value = self._values.get(key)
        return isinstance(value, list) and any(isinstance(v, dict) for v in value)

    def raw(self, key: str) -> Any:
        """The value as TOML has it, unchecked; None without the key."""
        self._asked.add(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that can be printed; empty only if the default is.

        Raises:
            ConfigurationError: it is none; or the key is missing, and has no default.
                So do the others below.
        """
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (not value and default != ""):
            raise self.error(key, "a text is needed")
        if not value.isprintable():
            raise self.error(key, "the text holds characters that cannot be printed")
        return value

    def choice(self, key: str, choices: Sequence[str], default: str | None) -> str:
        """One of these texts."""
        value = self.text(key, default)
        if value not in choices:
            raise self.error(key, f"{value!r} is none of {', '.join(choices)}")
        return value

    def checked(self, key: str, read: Callable[[str], _Value], default: str) -> _Value:
        """What ``read`` gives for a text; its ValueError becomes one of the key."""
        value = self.text(key, default)
        try:
            return read(value)
        except ValueError as problem:
            raise self.error(key, str(problem)) from problem

    def boolean(self, key: str, *, default: bool) -> bool:
        """``true`` or ``false``."""
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(key, "true or false is needed")
        return value

    def port(self, key: str, default: int) -> int:
        """A port, 1 to 65535."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, "a port number is needed")
        if not 0 < value < 1 << 16:
            raise self.error(key, f"{value} is no port (1 to 65535)")
        return value

    def number(self, key: str, default: int, allowed: range) -> int:
        """A whole number of that range."""
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(key, "a number is needed")
        if value not in allowed:
            raise self.error(key, f"{value} is not {allowed[0]} to {allowed[-1]}")
        return value

    def texts(self, key: str, default: Iterable[str] | None = None) -> tuple[str, ...]:
        """A list of texts that can be printed."""
        value = self.raw(key)
        if value is None and default is not None:
            return tuple(default)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.error(key, "a list of texts is needed")
        if not all(text.isprintable() for text in value):
            raise self.error(key, "a text holds characters that cannot be printed")
        return tuple(value)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A table of texts whose keys are the user's own, in its order."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, dict) or not all(
            isinstance(text, str) for text in value.values()
        ):
            raise self.error(key, "a table of texts is needed")
        if not all(text.isprintable() for pair in value.items() for text in pair):
            raise self.error(key, "a text holds characters that cannot be printed")
        return tuple(value.items())

    def table(self, key: str) -> Table:
        """A table; ``finish`` checks it too."""
        value = self.raw(key)
        if not isinstance(value, dict):
            raise self.error(key, "a table is needed")
        return self._child(value, f"{self._prefix}{key}.")

    def tables(self, key: str) -> list[Table]:
        """A list of tables; ``finish`` checks them too."""
        value = self.raw(key)
        if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
            raise self.error(
                key, f"a list of tables ([[{self._prefix}{key}]]) is needed"
            )
        return [
            self._child(entry, f"{self._prefix}{key}[{number}].")
            for number, entry in enumerate(value)
        ]

    def _child(self, values: dict[str, Any], prefix: str) -> Table:
        child = Table(values, self._path, prefix)
        self._children.append(child)
        return child


def read_node(table: Table) -> Node:
    """One ``[[cluster.nodes]]`` entry."""
    name = table.text("name")
    table.named("name", check_host_name, name)
    role = NodeRole(table.choice("role", list(NodeRole), None))
    services, commands = _read_services(table)
    ssh = _read_ssh(table.table("ssh")) if table.has("ssh") else None
    directory = table.text("tftp_directory", "") if "tftp" in services else ""
    if "tftp" in services and not os.path.isabs(directory):
        raise table.error("tftp_directory", "an absolute path is needed")
    table.raw("staging")  # earlier versions wrote it; it is ignored
    program = table.texts("program", ("cucmsh",))
    if not program:
        raise table.error("program", "the words that run cucmsh there are needed")
    bring = table.texts("bring", ())
    if bring and role is not NodeRole.REPLICA:
        raise table.error("bring", "files are brought to replicas only")
    if not all(bring):
        raise table.error("bring", "a pattern is empty")
    aliases = table.texts("aliases", ())
    for alias in aliases:
        table.named("aliases", check_host_name, alias)
    domain = table.text("domain", "") if table.has("domain") else None
    table.named("domain", check_domain, domain or "")
    tftp = TftpAddress(*_read_address(table, "tftp", ssh.host if ssh else OWN_HOST, 69))
    return Node(
        name=name,
        role=role,
        services=services,
        tftp_directory=directory,
        tftp=tftp,
        tvs=TvsAddress(*_read_address(table, "tvs", tftp.host, TVS_PORT)),
        http=HttpAddress(*_read_address(table, "http", tftp.host, HTTP_PORT)),
        ssh=ssh,
        service_commands=commands.pop(TFTP, None),
        program=program,
        other_services=tuple(NodeService(*each) for each in commands.items()),
        bring=bring,
        aliases=aliases,
        domain=domain,
    )


def _read_services(
    table: Table,
) -> tuple[tuple[str, ...], dict[str, ServiceCommands]]:
    """What a node is in its cluster, and the commands of its services by name.

    Two forms: a list of ``tftp``, ``tvs`` and ``capf``, with ``service_commands`` for
    Cisco Tftp; or a table for each service, ``[[cluster.nodes.services]]``.
    """
    if not table.holds_tables("services"):
        services, known = table.texts("services"), ROLE_OF_SERVICE.values()
        for service in services:
            if service not in known:
                raise table.error(
                    "services", f"{service!r} is none of {', '.join(known)}"
                )
        commands = _read_commands(table, "service_commands")
        return services, {TFTP: commands} if commands else {}
    if table.has("service_commands"):
        raise table.error(
            "service_commands",
            f"the commands of each service stand in its table; write those of {TFTP} "
            "there",
        )
    found: dict[str, ServiceCommands] = {}
    names: list[str] = []
    for entry in table.tables("services"):
        name = entry.choice("name", SERVICE_NAMES, None)
        if name in names:
            raise entry.error("name", f"{name} is there twice")
        names.append(name)
        commands = _read_service(entry)
        if commands:
            found[name] = commands
        elif name not in ROLE_OF_SERVICE:
            raise entry.error("unit", f"a unit or commands are needed for {name}")
    return tuple(ROLE_OF_SERVICE[at] for at in names if at in ROLE_OF_SERVICE), found


def _read_service(entry: Table) -> ServiceCommands | None:
    """The commands of one service: of a systemd unit, or as they stand there."""
    if not entry.has("unit"):
        return _read_commands(entry, "commands")
    if entry.has("commands"):
        raise entry.error("commands", "there is a unit already; leave out one of them")
    unit = entry.text("unit")
    if unit.startswith("-"):
        raise entry.error("unit", f"{unit!r} is no unit of systemd")
    return _of_unit(unit)


def _of_unit(unit: str) -> ServiceCommands:
    return ServiceCommands(
        start=("systemctl", "start", unit),
        stop=("systemctl", "stop", unit),
        restart=("systemctl", "restart", unit),
        status=("systemctl", "is-active", "--quiet", unit),
    )


def _read_ssh(table: Table) -> SshAddress:
    key = table.text("host_key")
    if len(key.split()) < 2:
        raise table.error("host_key", "write it as `ssh-ed25519 AAAA...`")
    return SshAddress(
        host=read_host(table, None),
        port=table.port("port", 22),
        user=table.text("user", "cucmsh"),
        identity=table.text("identity"),
        host_key=" ".join(key.split()[:2]),
    )


def _read_address(table: Table, key: str, host: str, port: int) -> tuple[str, int]:
    """``{ host, port }``, either of which may be left out."""
    if not table.has(key):
        return host, port
    address = table.table(key)
    return read_host(address, host), address.port("port", port)


def read_host(table: Table, default: str | None, key: str = "host") -> str:
    """A name or an address; see ``cucmsh.hosts``.

    Raises:
        ConfigurationError: it is none.
    """
    text = table.text(key, default)
    try:
        return bare_host(text)
    except UsageError as problem:
        advice = f"; {problem.advice}" if problem.advice else ""
        raise table.error(key, f"{problem.message}{advice}") from problem


def _read_commands(table: Table, key: str) -> ServiceCommands | None:
    """``systemd:UNIT`` or a table of argv lists; None without the key."""
    value = table.raw(key)
    if value is None:
        return None
    if isinstance(value, str):
        manager, _, unit = value.partition(":")
        if manager != "systemd" or not unit or unit.startswith("-"):
            raise table.error(key, "write `systemd:UNIT` or a table of argv lists")
        return _of_unit(unit)
    argv = table.table(key)
    return ServiceCommands(
        start=argv.texts("start", ()),
        stop=argv.texts("stop", ()),
        restart=argv.texts("restart"),
        status=argv.texts("status"),
    )
