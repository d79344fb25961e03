"""Whether the account that types commands could change what runs them (decision 22).

Whoever may write a module, the interpreter or a folder above one of them writes our
code; whoever may write ``~/.ssh`` lets himself in by another way. So at a login the
code and the home of the account that logged in are root's alone. Keys, state and
configuration are root's or the account's: `cucmsh node add` writes them.

The check is for logins: a lab and a developer's own ``cucmsh`` run from wherever they
are. `cucmsh doctor` looks at the same, and at every file of the environment besides.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import sys

from cucmsh.cluster.ownership import Trail, WeakPoint
from cucmsh.errors import RefusedError
from cucmsh.shapes import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cucmsh.cluster.settings import Settings

ROOT = 0
BUILT_IN = ("cucmsh", "commands")
IN_HOME = (
    *(".ssh/authorized_keys", ".ssh/authorized_keys2"),
    *(".ssh/environment", ".ssh/rc"),
)


def require_isolation(settings: Settings, program: str, name: str) -> None:
    """Refuse to serve a login on ground that can be moved.

    Args:
        settings: of the node.
        program: the path of the login program.
        name: of the account that logged in, as sshd has it.

    Raises:
        RefusedError: names the first weak point, and the command that mends it.
    """
    if os.geteuid() == ROOT:
        raise RefusedError(
            "root's login does not run the admin: prompt",
            "Log in with an account of its own; see `cucmsh init --sshd`.",
        )
    for weak in weak_points(settings, [program], [home_of(name)]):
        raise RefusedError(
            f"{weak.path} {weak.why}: this login is not safe, and nothing was run",
            f"As root: {mend(weak)}",
        )


def weak_points(
    settings: Settings, programs: Iterable[str], homes: Iterable[str]
) -> Iterator[WeakPoint]:
    """Of the code, of the homes of accounts, and of this node's own files."""
    code = Trail([ROOT])
    for path in (*programs, *code_paths(settings.packs)):
        yield from code.weak_points(os.path.abspath(path))
    for home in filter(None, homes):
        for path in (home, *(os.path.join(home, name) for name in IN_HOME)):
            yield from code.weak_points(path)
    data = Trail([ROOT, os.geteuid()])
    for path in (settings.path, settings.home):
        yield from data.weak_points(os.path.abspath(path))


def code_paths(packs: Iterable[str]) -> Iterator[str]:
    """What was and will be imported: no file twice, those of others by their folder."""
    yield from (sys.executable, os.path.join(sys.prefix, "pyvenv.cfg"))
    yield from sys.path
    for module in tuple(sys.modules.values()):
        yield from _files(module)
    for name in (*BUILT_IN, *filter(None, packs)):
        spec = importlib.util.find_spec(name.partition(".")[0])
        for folder in (spec and spec.submodule_search_locations) or ():
            yield from files_below(folder)


def files_below(folder: str) -> Iterator[str]:
    """Every file and folder, bytecode too; links are given and not followed."""
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    yield entry.path
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:
            continue  # the trail of the folder itself says why


def home_of(name: str) -> str:
    """The home of the account that logged in; another name of ours may have its own.

    A name that is none of this process's user id counts for nothing.
    """
    try:
        found = pwd.getpwnam(name)
        if found.pw_uid == os.geteuid():
            return found.pw_dir
    except (KeyError, ValueError):
        pass
    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:
        return ""


def uncompiled() -> Iterator[str]:
    """Modules without bytecode: ours, and what is loaded already."""
    paths = {path for module in tuple(sys.modules.values()) for path in _files(module)}
    for name in BUILT_IN:
        spec = importlib.util.find_spec(name)
        for folder in (spec and spec.submodule_search_locations) or ():
            paths.update(files_below(folder))
    for path in sorted(path for path in paths if path.endswith(".py")):
        if not os.path.exists(importlib.util.cache_from_source(path)):
            yield path


def mend(weak: WeakPoint) -> str:
    """The command, as it can be typed."""
    import shlex  # noqa: PLC0415 - no login on safe ground waits for it

    return shlex.join(weak.mend)


def _files(module: object) -> Iterator[str]:
    for name in ("__file__", "__cached__"):
        path = getattr(module, name, None)
        if isinstance(path, str) and os.path.isabs(path):
            yield path
