"""Every private name of a library that ours use, and that it is there as we need it.

A private name may go or change with any release: so each library has an upper bound,
and whoever lifts one learns here what has to be looked at. The syntax trees are walked;
a use that is not in the table, and a line of the table without a use, fails.
"""

# ruff: noqa: SLF001 - private names are what this file is about
from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import socket
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.x509 import NameAttribute
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from packaging.requirements import Requirement

from tests.house.product import PRODUCT, ROOT

LIBRARIES = ("asyncssh", "cryptography", "paramiko", "prompt_toolkit", "tomlkit")
TRANSPORT: Any = paramiko.Transport  # the stubs know no private names
AUTH: Any = paramiko.auth_handler.AuthHandler
CHANNEL: Any = paramiko.Channel
OF_NAMED_TUPLES = {"_replace", "_asdict", "_fields", "_make"}


def is_private(name: str) -> bool:
    return len(name) > 1 and name[0] == "_" and name[1] != "_"


def private_names(source: str) -> set[str]:
    """Every private name that is defined or assigned in a piece of source."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Attribute | ast.Name):
            is_made = isinstance(node.ctx, ast.Store)
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            names |= {name} if is_made else set()
    return set(filter(is_private, names))


@cache
def text_of(library: str) -> str:
    found = importlib.util.find_spec(library)
    assert found
    assert found.submodule_search_locations
    below = Path(found.submodule_search_locations[0]).rglob("*.py")
    return "".join(path.read_text(encoding="utf-8") for path in below)


@cache
def knows(library: str, name: str) -> bool:
    """Whether the name stands anywhere in the library (parsing it all takes long)."""
    return bool(re.search(rf"\b{name}\b", text_of(library)))


class Module:
    """One of ours: which libraries it imports, and what of theirs is private."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.libraries: set[str] = set()
        self.private_imports: set[tuple[str, str]] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._import(alias.name)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._import(f"{node.module}.{alias.name}")

    def _import(self, name: str) -> None:
        library, *parts = name.split(".")
        if library in LIBRARIES:
            self.libraries.add(library)
            private = filter(is_private, parts)
            self.private_imports |= {(library, part) for part in private}

    def inherited(self, name: str) -> dict[str, str]:
        """Private names of the libraries' classes that a class of ours stands on."""
        words = self.path.relative_to(ROOT).with_suffix("").parts
        ours = getattr(importlib.import_module(".".join(words)), name, None)
        found: dict[str, str] = {}
        for base in getattr(ours, "__mro__", ()):
            library = base.__module__.partition(".")[0]
            if library in LIBRARIES:
                source = textwrap.dedent(inspect.getsource(base))
                found |= dict.fromkeys(private_names(source), library)
        return found


def uses() -> Iterator[tuple[str, str]]:
    """Library and private name, for each use."""
    for module in map(Module, filter(names_a_library, PRODUCT)):
        yield from module.private_imports
        for each in ast.walk(module.tree):
            if isinstance(each, ast.ClassDef):
                inherited = module.inherited(each.name)
                for name in filter(inherited.get, names_of_own_object(each)):
                    yield inherited[name], name
        for name in names_of_others(module.tree):
            for library in module.libraries:
                if knows(library, name):
                    yield library, name


def names_a_library(path: Path) -> bool:
    """Whether parsing it can bring anything."""
    words = "|".join(LIBRARIES)
    pattern = rf"^ *(from|import) ({words})\b"
    return bool(re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))


def is_own(node: ast.expr) -> bool:
    return ast.unparse(node) in ("self", "cls", "super()")


def names_of_own_object(around: ast.ClassDef) -> Iterator[str]:
    """What a class defines, assigns and reads of itself."""
    for node in ast.walk(around):
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and is_own(node.value):
            yield node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def names_of_others(tree: ast.Module) -> Iterator[str]:
    """Private names behind a dot, as an argument's name, and as text for getattr."""
    for node in ast.walk(tree):
        name = ""
        if isinstance(node, ast.Attribute) and not is_own(node.value):
            name = node.attr
        elif isinstance(node, ast.keyword):
            name = node.arg or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("attr"):
            texts = (a.value for a in node.args if isinstance(a, ast.Constant))
            name = next((text for text in texts if isinstance(text, str)), "")
        if is_private(name) and name not in OF_NAMED_TUPLES:
            yield name


def method(owner: type, name: str, *parameters: str) -> None:
    """It is there, and takes these besides ``self``."""
    found = list(inspect.signature(getattr(owner, name)).parameters)
    assert tuple(found[1:]) == parameters, f"{owner.__name__}.{name}{found}"


def handlers() -> None:
    """Channel messages: a number, and a function of the channel and the message."""
    for number, feed in TRANSPORT._channel_handler_table.items():
        assert isinstance(number, int)
        assert len(inspect.signature(feed).parameters) == 2


def exchanges() -> None:
    """Key exchanges: a name, and the class that does it."""
    for name, engine in TRANSPORT._kex_info.items():
        assert isinstance(name, str)
        assert callable(engine)
    assert "curve25519-sha256@libssh.org" in TRANSPORT._kex_info


def channels() -> None:
    """The open channels by their numbers, of a transport that was just made."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        made = TRANSPORT(ours)
        try:
            channel = paramiko.Channel(7)
            made._channels.put(7, channel)
            assert made._channels.get(7) is channel
            assert made._channels.get(8) is None
            assert isinstance(made._next_channel(), int)
        finally:
            made.close()


def logs() -> None:
    """Both are silenced: what they would log is a stranger's text."""
    for owner in (CHANNEL, TRANSPORT):
        method(owner, "_log", "level", "msg", "args")


def string_types() -> None:
    assert _ASN1Type.PrintableString.value == 19  # the tags of X.680
    assert _ASN1Type.T61String.value == 20
    made = NameAttribute(NameOID.COMMON_NAME, "x", _type=_ASN1Type.T61String)
    assert made._type is _ASN1Type.T61String


# What we use, and what we need it to be.
SHAPES: dict[tuple[str, str], Callable[[], None]] = {
    ("cryptography", "_ASN1Type"): string_types,
    ("cryptography", "_type"): string_types,
    ("paramiko", "_channel_handler_table"): handlers,
    ("paramiko", "_channels"): channels,
    ("paramiko", "_event_pending"): lambda: method(CHANNEL, "_event_pending"),
    ("paramiko", "_kex_info"): exchanges,
    ("paramiko", "_log"): logs,
    ("paramiko", "_next_channel"): channels,
    ("paramiko", "_parse_disconnect"): lambda: method(
        TRANSPORT, "_parse_disconnect", "m"
    ),
    ("paramiko", "_parse_ext_info"): lambda: method(
        TRANSPORT, "_parse_ext_info", "msg"
    ),
    ("paramiko", "_parse_kex_init"): lambda: method(TRANSPORT, "_parse_kex_init", "m"),
    ("paramiko", "_parse_service_accept"): lambda: method(
        AUTH, "_parse_service_accept", "m"
    ),
    ("paramiko", "_parse_userauth_failure"): lambda: method(
        AUTH, "_parse_userauth_failure", "m"
    ),
    ("paramiko", "_parse_userauth_info_request"): lambda: method(
        AUTH, "_parse_userauth_info_request", "m"
    ),
    ("paramiko", "_request_auth"): lambda: method(AUTH, "_request_auth"),
    ("paramiko", "_send_user_message"): lambda: method(
        TRANSPORT, "_send_user_message", "data"
    ),
    ("paramiko", "_set_transport"): lambda: method(
        CHANNEL, "_set_transport", "transport"
    ),
    ("paramiko", "_set_window"): lambda: method(
        CHANNEL, "_set_window", "window_size", "max_packet_size"
    ),
    ("paramiko", "_wait_for_event"): lambda: method(CHANNEL, "_wait_for_event"),
}


@pytest.mark.thorough
def test_table_names_every_private_name_that_is_used() -> None:
    assert set(uses()) == set(SHAPES)


@pytest.mark.parametrize(("library", "name"), SHAPES)
def test_private_name_is_as_we_need_it(library: str, name: str) -> None:
    SHAPES[library, name]()


def test_every_dependency_has_an_upper_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    for text in (
        *project["dependencies"],
        *(each for extra in extras for each in extra),
    ):
        if Requirement(text).name == "cucmsh":  # an extra that is part of another
            continue
        operators = {each.operator for each in Requirement(text).specifier}
        assert operators & {"<", "<=", "==", "~="}, text
