"""The product's modules and their syntax trees, each file parsed once a process."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PRODUCT = sorted([*ROOT.glob("cucmsh/**/*.py"), *ROOT.glob("commands/**/*.py")])


class Import(NamedTuple):
    """A module that a file imports, and the line of it."""

    module: str
    line: int


class Place(NamedTuple):
    """A node of a syntax tree: the file (relative to the root), and ``file:line``."""

    name: str
    node: ast.AST
    where: str


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file's syntax tree."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


# They stand for a word of the expression above them, which is a node itself.
WORDS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


@cache
def places() -> tuple[Place, ...]:
    """All nodes of the whole product, but for ``WORDS``."""
    return tuple(
        Place(name, node, f"{name}:{getattr(node, 'lineno', 0)}")
        for path in PRODUCT
        for name in [path.relative_to(ROOT).as_posix()]
        for node in nodes_of(path)
        if not isinstance(node, WORDS)
    )


@cache
def imports_of(path: Path) -> tuple[Import, ...]:
    """What a file imports, at its top and late; relative imports are refused."""
    found: list[Import] = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            found.append(Import(str(node.module), node.lineno))
    return tuple(found)


def name_of(path: Path) -> str:
    """The module's dotted name."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")
