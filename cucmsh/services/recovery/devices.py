"""Backup devices: directories of SFTP servers, by a name. At most ten.

Their passwords lie in one file with them, 0600 in ``security/secrets``: a backup that
nobody watches has to log in. A device is taken only when a probe file was written there
and removed again, as the original does it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from cucmsh.errors import RefusedError, UsageError
from cucmsh.hosts import host_port
from cucmsh.layout import BACKUP_DEVICES, SET_PROBE
from cucmsh.secret import Secret
from cucmsh.services.backends import AcceptHostKey, BackupServer, RemoteFolder
from cucmsh.services.caller import Privilege
from cucmsh.services.recovery.plans import read_schedules
from cucmsh.services.recovery.rows import read_rows, write_rows
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

MOST = 10
NAME = re.compile(r"[A-Za-z0-9 _-]{1,64}")
ALL = "*"
DEFAULT_NUMBER = 2  # of sets that are kept
MOST_SETS = 14


class Device(NamedTuple):
    """Where sets go.

    Attributes:
        name: letters, digits, blanks, ``-`` and ``_``.
        directory: on the server.
        server: and how to log in.
        number: how many sets of this node are kept there.
    """

    name: str
    directory: str
    server: BackupServer
    number: int

    @property
    def place(self) -> str:
        """The server and the directory, for a person."""
        port = self.server.port
        host = self.server.host if port == 22 else host_port(self.server.host, port)
        return f"{host} : {self.directory}"


def read_devices(site: Site) -> list[Device]:
    """All devices, in the order in which they were added.

    Raises:
        RefusedError: the file is damaged.
    """
    return read_rows(site, BACKUP_DEVICES, _device)


def _device(at: Mapping[str, Any]) -> Device:
    host, port, user = str(at["host"]), int(at["port"]), str(at["user"])
    server = BackupServer(host, port, user, Secret(str(at["password"])))
    return Device(str(at["name"]), str(at["directory"]), server, int(at["number"]))


def device_names(site: Site) -> list[str]:
    """The names, for completion."""
    return [device.name for device in read_devices(site)]


def find_device(site: Site, name: str) -> Device:
    """The device of that name.

    Raises:
        UsageError: there is none.
    """
    for device in read_devices(site):
        if device.name == name:
            return device
    raise UsageError(
        f"there is no backup device {name}",
        "See `utils disaster_recovery device list`.",
    )


def require_addable(site: Site, name: str, number: int) -> None:
    """Refuse a device that will not be taken, before its password is asked for.

    Raises:
        UsageError: a name or number that no device has; there are ten.
        RefusedError: the file of devices is damaged.
    """
    if not NAME.fullmatch(name) or name != name.strip():
        raise UsageError(
            f"{name} is no name of a backup device",
            "Use letters, digits, blanks, - and _.",
        )
    if not 1 <= number <= MOST_SETS:
        raise UsageError(f"1 to {MOST_SETS} backups are kept, not {number}")
    _require_room(read_devices(site), name)


@use_case("utils disaster_recovery device add", changes=True, level=Privilege.ALL)
def add_device(site: Site, device: Device, accept: AcceptHostKey) -> None:
    """Try the device, and keep it.

    Args:
        site: this node.
        device: what was typed.
        accept: asked about the key of a host that was never seen before.

    Raises:
        UsageError: a name or number that no device has; there are ten.
        CucmshError: it cannot be used; nothing was kept.
    """
    require_addable(site, device.name, device.number)
    with folder_of(site, device, accept) as folder:
        probe(site, folder)
    with site.node_lock("the writing of a backup device"):
        devices = read_devices(site)
        _require_room(devices, device.name)
        write_devices(site, [*devices, device])


@use_case("utils disaster_recovery device delete", changes=True, level=Privilege.ALL)
def delete_device(site: Site, name: str) -> list[str]:
    """Forget one device, or all (``*``); what lies there stays. Gives their names.

    Raises:
        UsageError: there is none of that name.
        RefusedError: a schedule uses it.
    """
    if name != ALL:
        find_device(site, name)
    with site.node_lock("the writing of a backup device"):
        devices = read_devices(site)
        going = [each.name for each in devices if name in (each.name, ALL)]
        users = [at.name for at in read_schedules(site) if at.device in going]
        if users:
            raise RefusedError(
                f"the schedule {users[0]} uses that device; nothing was deleted",
                f"Run `utils disaster_recovery schedule delete {users[0]}` first.",
            )
        write_devices(site, [each for each in devices if each.name not in going])
    return going


@contextmanager
def folder_of(
    site: Site, device: Device, accept: AcceptHostKey | None = None
) -> Iterator[RemoteFolder]:
    """The device's directory for the body; an unknown host is refused unasked.

    Raises:
        ConnectionFailedError: see ``Backends.open_backup``.
    """
    ask = accept or (lambda *_: False)
    link = site.backends.open_backup(device.server, site.known_hosts, ask)
    try:
        yield site.backends.remote_folder(link, device.directory)
    finally:
        link.close()


def probe(site: Site, folder: RemoteFolder) -> None:
    """Write an empty file there, see it, and remove it.

    Raises:
        CucmshError: one of these fails.
    """
    name = SET_PROBE.format(host=site.node.name)
    folder.remove(name)  # one of an earlier try that died
    with folder.writing(name):
        pass
    is_seen = name in folder.sizes()
    folder.remove(name)
    if not is_seen or name in folder.sizes():
        raise RefusedError(
            f"the server does not show what is written there, or keeps it ({name})",
            "Use an account that may list, read, write and remove files there.",
        )


def _require_room(devices: list[Device], name: str) -> None:
    if any(each.name == name for each in devices):
        raise UsageError(
            f"there is a backup device {name} already",
            f"Run `utils disaster_recovery device delete {name}` first.",
        )
    if len(devices) >= MOST:
        raise UsageError(f"there are {MOST} backup devices; delete one first")


def write_devices(site: Site, devices: list[Device]) -> None:
    """Keep them; the caller holds the node's lock."""
    rows = [
        {
            "name": each.name,
            "directory": each.directory,
            "host": each.server.host,
            "port": each.server.port,
            "user": each.server.user,
            "password": each.server.password.reveal(),
            "number": each.number,
        }
        for each in devices
    ]
    write_rows(site, BACKUP_DEVICES, rows)
