"""Whether the account that logs in could change the code that serves it.

See docs/decisions/022.

Whoever may write a module, the interpreter or a folder above one of them writes our
code; whoever may write ``~/.ssh`` lets himself in by another way. So at a login the
code, the folders in which programs are looked up, and the home of the account that
logged in are root's alone. Keys, state and
configuration are root's or the account's: `cucmsh node add` writes them.

The check is for logins: a lab and a developer's own ``cucmsh`` run from wherever they
are. Of the standard library a login looks at what is loaded by then, and at its
folders; `cucmsh doctor` at every file of the environment.
"""

from __future__ import annotations

import os
import pwd
import shlex
import sys
from collections.abc import Iterable, Iterator
from importlib.util import cache_from_source, find_spec

from cucmsh.config.settings import Settings
from cucmsh.errors import RefusedError
from cucmsh.layout import SSH_FILES
from cucmsh.ownership import Trail, WeakPoint

ROOT = 0
LOGIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BUILT_IN = ("cucmsh", "commands")
# What SQLAlchemy and psycopg load by name: where one is not needed, it is tried anyway.
DRIVERS = {"greenlet", "psycopg", "psycopg_binary", "psycopg_c"}
# What our packages import, now or later, and the dependencies of those.
LIBRARIES = {
    *("bcrypt", "cryptography", "nacl", "paramiko", "pyasn1", "_cffi_backend"),
    *("prompt_toolkit", "pyrage", "tomlkit", "wcwidth"),
    # Of the inventory, which a node may have: loaded when a command asks it.
    *("defusedxml", "sqlalchemy", "typing_extensions", *DRIVERS),
}


def require_isolation(settings: Settings, program: str, name: str) -> None:
    """Refuse the login if somebody else could modify the code that it runs.

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
    settings: Settings,
    programs: Iterable[str],
    homes: Iterable[str],
    folders: Iterable[str] = (),
) -> Iterator[WeakPoint]:
    """What others could modify: the code, homes of accounts, this node's own files.

    Args:
        settings: of the node.
        programs: those that serve logins; with one, the ``PATH`` of logins counts too.
        homes: those of accounts; an empty one is left out.
        folders: others that are looked at with all that they hold.
    """
    code = Trail([ROOT])
    for path in (programs := tuple(programs)):
        yield from code.weak_points(os.path.abspath(path))
    for path in (*(LOGIN_PATH.split(":") if programs else ()), *sys.path):
        yield from code.weak_points(os.path.abspath(path), is_searched=True)
    for folder in (*_code_folders(settings.packs), *_libraries(), *folders):
        yield from code.weak_points_below(os.path.abspath(folder))
    for path in _code_files():
        yield from code.weak_points(os.path.abspath(path))
    for home in filter(None, homes):
        for path in (home, *(os.path.join(home, name) for name in SSH_FILES)):
            yield from code.weak_points(path)
    data = Trail([ROOT, os.geteuid()])
    for path in (settings.path, settings.home):
        yield from data.weak_points(os.path.abspath(path))


def _code_files() -> Iterator[str]:
    """The interpreter, and what was imported so far."""
    yield from (sys.executable, os.path.join(sys.prefix, "pyvenv.cfg"))
    for module in tuple(sys.modules.values()):
        yield from _files(module)


def _libraries() -> Iterator[str]:
    """Libraries, imported by now or not, and what the interpreter reads before us."""
    for folder in sys.path:
        names = os.listdir(folder) if os.path.isdir(folder) else ()
        for name in names:
            if name.partition(".")[0] in LIBRARIES or name.endswith(".pth"):
                yield os.path.join(folder, name)


def _code_folders(packs: Iterable[str]) -> Iterator[str]:
    """The packages that were and will be imported: ours, and packs of others."""
    ours = os.path.dirname(sys.modules["cucmsh"].__path__[0])
    yield from (os.path.join(ours, name) for name in BUILT_IN)
    for name in filter(None, packs):
        try:
            spec = find_spec(name.partition(".")[0])
        except (ImportError, ValueError):
            continue  # it is not loaded either, which is said then
        yield from (spec and spec.submodule_search_locations) or ()


def home_of(name: str) -> str:
    """The home of the account that logged in; another name of ours may have its own.

    A name of another user id than this process's is ignored.
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
    for package in _code_folders([]):
        for folder, _, names in os.walk(package):
            paths.update(os.path.join(folder, name) for name in names)
    for path in sorted(path for path in paths if path.endswith(".py")):
        if not os.path.exists(cache_from_source(path)):
            yield path


def mend(weak: WeakPoint) -> str:
    """The command, as it can be typed."""
    return shlex.join(weak.mend)


def _files(module: object) -> Iterator[str]:
    for name in ("__file__", "__cached__"):
        path = getattr(module, name, None)
        if isinstance(path, str) and os.path.isabs(path):
            yield path
