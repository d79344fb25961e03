"""Which lab node a connection on 127.0.0.1 comes from.

All nodes share one address, so the kernel is asked: whose socket has the port of the
peer, and which configuration that process was started with. Asked only while a node is
cut off (``lab node partition``).
"""

from __future__ import annotations

import os
from contextlib import suppress

_LOCAL, _INODE = 1, 9  # columns of /proc/net/tcp and udp
_OPTION = b"--config"


def configuration_of(port: int, table: str, prompt: int, publisher: str) -> str:
    """The configuration file of the node whose process has this port.

    Args:
        port: of the peer on this machine.
        table: ``tcp`` or ``udp``.
        prompt: a process that has no ``--config`` and is the publisher's all the same.
        publisher: the publisher's configuration file.

    Returns:
        Its path; empty for a process that is no node's, or that is not ours.
    """
    inode = _inode_of(port, table)
    pid = _owner_of(inode) if inode else 0
    if not pid:
        return ""
    return publisher if pid == prompt else _configuration(pid)


def _inode_of(port: int, table: str) -> str:
    with suppress(OSError), open(f"/proc/net/{table}", encoding="ascii") as rows:
        for row in rows:
            columns = row.split()
            if columns[_LOCAL].endswith(f":{port:04X}"):
                return columns[_INODE]
    return ""


def _owner_of(inode: str) -> int:
    wanted = f"socket:[{inode}]"
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError):  # it ended, or is somebody else's
            for each in os.scandir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    if os.readlink(each.path) == wanted:
                        return int(pid)
    return 0


def _configuration(pid: int) -> str:
    with suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read().split(b"\0")
        if _OPTION in words[:-1]:
            return os.fsdecode(words[words.index(_OPTION) + 1])
    return ""
