"""Who called, for the audit log: user, login, address, terminal.

The user id and the login id are the kernel's word, the address is sshd's, and SUDO_USER
is only what the environment says. Administrators share a user id (`cucmsh init
--sshd`): LOGNAME tells which of its names logged in, and is ignored if it is none.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping
from contextlib import suppress

_LONGEST = 100  # characters of what an environment variable says
_NOBODY = "4294967295"  # loginuid of what no login started


def account_name(environment: Mapping[str, str]) -> str:
    """The account of this process: of its user id's names the one that logged in.

    Empty if no name is known, as with a directory that is not reachable now.
    """
    with suppress(KeyError, ValueError):
        named = pwd.getpwnam(environment.get("LOGNAME", ""))
        if named.pw_uid == os.getuid():
            return named.pw_name
    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name
    return ""


def origin(environment: Mapping[str, str], entry: str, fd: int = 0) -> dict[str, str]:
    """Describe the caller.

    Args:
        environment: of the process.
        entry: how the caller came in, `prompt` for instance.
        fd: the standard input.
    """
    found = {"entry": entry, "pid": str(os.getpid()), "uid": str(os.getuid())}
    if user := account_name(environment):
        found["user"] = user
    with suppress(OSError), open("/proc/self/loginuid", encoding="utf-8") as file:
        login = file.read(_LONGEST).strip()
        if login != _NOBODY:
            found["login_uid"] = login
    for key, name in (("sudo", "SUDO_USER"), ("ssh", "SSH_CONNECTION")):
        if value := environment.get(name, ""):
            found[key] = value[:_LONGEST]
    with suppress(OSError):
        found["tty"] = os.ttyname(fd)
    return found
