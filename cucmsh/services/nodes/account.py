"""The account a process runs as: root switches to the owner of the node's home.

What root wrote there, the node could not read or replace any more; and what the
configuration says is that account's word, which must not move root. Imported only where
the process is root's: no other login pays for it.
"""

from __future__ import annotations

import os
import pwd

from cucmsh.config.settings import Settings
from cucmsh.errors import RefusedError

ROOT = 0
MAKE_IT = "Make the node first: `cucmsh init`."


def become_owner(settings: Settings) -> None:
    """Switch to the owner of the home, for good; root stays root in a home of its own.

    The environment that names the account is the owner's from then on. ``SUDO_USER``
    stays: it says who came.

    Raises:
        RefusedError: there is no home, its owner has no account, or the configuration
            is another account's.
    """
    owner = owner_of(settings.home)
    if os.geteuid() != ROOT:
        return
    if owner == ROOT:
        _require_own_configuration(settings, owner, "root")
        return
    entry = _entry(owner, settings.home)
    _require_own_configuration(settings, owner, entry.pw_name)
    try:
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(owner)
    except OSError as problem:
        raise RefusedError(
            f"root cannot go on as {entry.pw_name}, whose {settings.home} is: "
            f"{problem.strerror}",
            f"Run this as that account: sudo -u {entry.pw_name} cucmsh ...",
        ) from problem
    os.environ.update(HOME=entry.pw_dir, USER=entry.pw_name, LOGNAME=entry.pw_name)


def owner_of(home: str) -> int:
    """The user id of the owner of a node's home.

    Raises:
        RefusedError: there is no such folder.
    """
    try:
        return os.stat(home).st_uid
    except OSError as problem:
        raise RefusedError(
            f"the owner of {home} cannot be found: {problem.strerror}", MAKE_IT
        ) from problem


def _entry(owner: int, home: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(owner)
    except KeyError as problem:
        raise RefusedError(
            f"{home} belongs to user id {owner}, which has no account",
            f"Give it to the node's account: chown -R cucmsh: {home}",
        ) from problem


def _require_own_configuration(settings: Settings, owner: int, name: str) -> None:
    """Refuse a configuration that neither root nor the home's owner controls.

    The file, a link in its place and the folder that it stands in must be root's or the
    owner's: who owns one of them says what stands there, and so what is run.
    """
    path = os.path.abspath(settings.path)
    try:
        places = (os.stat(path), os.lstat(path), os.stat(os.path.dirname(path)))
    except OSError as problem:
        raise RefusedError(f"{path}: {problem.strerror}") from problem
    if all(place.st_uid in (ROOT, owner) for place in places):
        return
    raise RefusedError(
        f"{settings.home} is {name}'s, and {path} is another account's: root does not "
        "act on what that one says",
        f"Give the home to the node's account: chown -R cucmsh: {settings.home}"
        if owner == ROOT
        else f"Give it, and its folder, to {name} or to root: chown {name}: {path}",
    )
