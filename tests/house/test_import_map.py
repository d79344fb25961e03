"""The house: who may import whom, which door leads to which library, and sizes."""

import ast
import sys
from collections.abc import Mapping
from typing import TypeGuard

import pytest

from tests.house.product import PRODUCT, ROOT, imports_of, name_of, nodes_of, places

pytestmark = pytest.mark.thorough

# The table of docs/architecture.md: what a room may import beside itself and the
# ground.
MAY_IMPORT = {
    # Which build this is: `--version` and `show version active` say it.
    "build": {"version"},
    "trustlist": set(),
    "pki": set(),
    "config": set(),
    "storage": set(),
    "remote": {"config", "storage"},
    "tftp": {"config", "storage"},
    # The codec, server and client of a protocol; what is vouched for is told it.
    "tvs": set(),
    # It has never heard of trust lists.
    "shell": set(),
    # The version: an upgrade is noticed by it (history_of_others).
    "services": {
        *("trustlist", "pki", "config", "storage", "remote", "tftp", "phones", "tvs"),
        "version",
    },
    # Values and rules; the lists that phones hold are values, too.
    "phones": {"trustlist"},
    # The database of claims about phones.
    "inventory": {"phones"},
    "views": {"services", "trustlist", "pki", "config", "phones"},
    "commands": {"services", "views", "shell", "version", "build"},
    # Opens what is heavy, when a use-case first asks for it.
    "backends": {
        *("trustlist", "pki", "config", "storage", "remote", "tftp", "services"),
        *("tvs", "inventory", "phones"),
    },
    "app": {
        *("backends", "config", "services", "shell"),
    },
    # A caller of use-cases, as the prompt is.
    "web": {"app", "config", "services", "views", "pki", "version"},
    "cli": {
        *("web", "app", "backends", "config", "storage", "remote", "services", "views"),
        *("shell", "lab", "version", "build"),
    },
    "lab": {
        *("trustlist", "pki", "config", "storage", "remote", "tftp", "services"),
        *("tvs", "phones", "shell", "views"),
    },
    # Where the program starts: `cli` does the rest.
    "front": {"cli", "shell"},
    # Other people's tests come in here. It drives the program and sees none of it.
    "testing": set(),
    "version": set(),
}
# What stands below every room.
GROUND = {
    "errors",
    # Host names, domains and certificate subjects: what they may be.
    "names",
    # Hosts and ports as people write them: the configuration, the shell's answers and
    # the options of `init` and `node` read them alike.
    "hosts",
    # Addresses of a host, within a time that a slow resolver cannot stretch.
    "resolve",
    # Every name on disk: all who read or write a file take it from there.
    "layout",
    # Names of a package that are imported when they are first asked for.
    "late",
    # What another machine sent, as a message may show it.
    "quoting",
    # What happened, and who takes it: whoever has something to tell.
    "events",
    # The alarms of the original, by name: whoever tells one.
    "alarms",
    # What the releases of the original do differently: the configuration checks it,
    # certificates and lists ask it.
    "release",
    # A password that shows itself to nobody; unwrapped at the door that sends it.
    "secret",
    # What this machine has no more of, in one sentence: asked wherever something is
    # changed, and where the shell tells how a command broke off.
    "exhaustion",
    # Who could change what lies at a path: asked about logins (services) and about
    # packs (shell), which import nothing of each other.
    "ownership",
}
MAY_IMPORT |= {room: set() for room in GROUND}
# Of the room that reaches other nodes, these see names for annotations: no socket.
VALUES = {
    "views": {"cucmsh.remote.file_transfer"},
    "commands": {"cucmsh.remote.known_hosts", "cucmsh.remote.file_transfer"},
}

DOORS = {
    "cryptography": {"cucmsh/pki/"},
    "pyasn1": {"cucmsh/pki/ber.py"},
    "pyrage": {"cucmsh/pki/age.py"},
    "paramiko": {"cucmsh/remote/ssh/", "cucmsh/remote/sftp/"},
    "asyncssh": {"cucmsh/lab/ssh_", "cucmsh/lab/sftp_files.py"},
    "prompt_toolkit": {"cucmsh/shell/editor"},
    "tomlkit": {"cucmsh/config/editing.py"},
    "sqlalchemy": {"cucmsh/inventory/"},
    "psycopg": {"cucmsh/inventory/"},
    "defusedxml": {"cucmsh/phones/"},
    "jinja2": {"cucmsh/web/rendering.py"},
    "prometheus_client": {"cucmsh/web/metrics.py"},
    "starlette": {"cucmsh/lab/", "cucmsh/web/"},
    "uvicorn": {"cucmsh/lab/", "cucmsh/web/"},
    "ssl": {
        "cucmsh/web/server.py",
        "cucmsh/tvs/",
        "cucmsh/remote/tls.py",
        "cucmsh/remote/syslog.py",
    },
    "smtplib": {"cucmsh/remote/smtp.py"},
    "struct": {"cucmsh/trustlist/wire.py"},
    "argparse": {"cucmsh/cli/"},
    "subprocess": {"cucmsh/remote/process.py", "cucmsh/lab/", "cucmsh/testing/"},
    "pexpect": {"cucmsh/testing/"},
    "pytest": {"cucmsh/testing/__init__.py"},
}


def room_of(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "commands":
        return "commands"
    if len(parts) == 1:
        return "version"
    return "front" if parts[1] == "__main__" else parts[1]


def test_every_import_follows_the_map() -> None:
    for path in PRODUCT:
        room = room_of(name_of(path))
        for module, line in imports_of(path):
            if module.split(".")[0] not in ("cucmsh", "commands"):
                continue
            other = room_of(module)
            allowed = {room, *GROUND, *MAY_IMPORT[room]}
            if module in VALUES.get(room, ()):
                continue
            assert other in allowed, f"{path}:{line}: {room} imports {other}"
            assert room == "commands" or other != "commands", f"{path}:{line}"


def test_heavy_libraries_come_in_through_their_doors() -> None:
    for path in PRODUCT:
        name = path.relative_to(ROOT).as_posix()
        for module, line in imports_of(path):
            doors = DOORS.get(module.split(".")[0])
            if doors is not None:
                assert any(name.startswith(door) for door in doors), f"{name}:{line}"


def test_only_the_app_reads_the_system_clock() -> None:
    for name, node, where in places():
        if name == "cucmsh/app.py":
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            call = f"{node.value.id}.{node.attr}"
            assert call not in ("time.time", "datetime.now", "datetime.utcnow"), where


def test_no_import_circle() -> None:
    modules = {name_of(path): path for path in PRODUCT}
    graph = {
        name: {module for module, _ in imports_of(path) if module in modules}
        for name, path in modules.items()
    }
    assert not circle_in(graph)


def test_no_circle_between_rooms() -> None:
    graph: dict[str, set[str]] = {}
    for path in PRODUCT:
        room = room_of(name_of(path))
        others = {
            room_of(module)
            for module, _ in imports_of(path)
            if module.split(".")[0] in ("cucmsh", "commands")
        }
        graph.setdefault(room, set()).update(others - {room})
    assert not circle_in(graph)


def test_the_table_allows_no_circle() -> None:
    assert not circle_in(MAY_IMPORT)


@pytest.mark.parametrize(
    ("graph", "circle"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, ()),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, ("b", "c", "b")),
        ({"a": {"a"}}, ("a", "a")),
    ],
)
def test_a_circle_is_found(graph: dict[str, set[str]], circle: tuple[str, ...]) -> None:
    assert circle_in(graph) == circle


def circle_in(graph: Mapping[str, set[str]]) -> tuple[str, ...]:
    """The names on one circle, its first name again at the end; empty if none is."""
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> tuple[str, ...]:
        if name in above:
            return (*above[above.index(name) :], name)
        if name not in done:
            for other in sorted(graph[name]):
                if circle := walk(other, (*above, name)):
                    return circle
            done.add(name)
        return ()

    for name in sorted(graph):
        if circle := walk(name, ()):
            return circle
    return ()


def test_everything_is_caught_where_commands_run_and_where_packs_come_from() -> None:
    for path in PRODUCT:
        for node in nodes_of(path):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = {n.id for n in ast.walk(node.type or node) if _is_name(n)}
            where = f"{path}:{node.lineno}"
            assert node.type is not None, where
            catches_all = bool(caught & {"Exception", "BaseException", "SystemExit"})
            is_let_go = any(isinstance(each, ast.Raise) for each in node.body)
            # A thread keeps whatever ended its work, for who asks to raise it again;
            # a job of the page, for who watches it.
            places = ("session.py", "packs.py", "threads.py", "jobs.py", "__main__.py")
            assert not catches_all or path.name in places or is_let_go, where


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def test_no_name_of_a_module_is_given_twice() -> None:
    """A renaming that meets a name that is there would take its value away."""
    for path in PRODUCT:
        names = [
            target.id
            for node in nodes_of(path)
            if isinstance(node, ast.Assign) and node.col_offset == 0
            for target in node.targets
            if _is_name(target)
        ]
        assert sorted(set(names)) == sorted(names), path


def test_no_test_folder_is_a_package() -> None:
    assert not list(ROOT.glob("tests/**/__init__.py"))


def test_no_module_is_called_after_nothing() -> None:
    empty = {"utils", "helpers", "common", "manager", "core", "base", "misc"}
    assert not [path for path in PRODUCT if path.stem in empty]


def test_python_is_one_that_we_promise() -> None:
    assert sys.version_info >= (3, 11)
