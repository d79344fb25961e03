"""Changes to the product that are described by function and expression.

Where the code moves, is formatted anew or gets other comments, the description still
fits. It no longer does when the function has another name or the expression changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Edit(NamedTuple):
    """What becomes what, and in which function.

    Attributes:
        function: the dotted name inside its module (``LocalStore.commit``), or the name
            of a constant of a module; what is inside of it counts too.
        find: an expression; spaces, line breaks and quotes do not matter.
        instead: an expression; statements too where ``find`` is a statement of its own.
    """

    function: str
    find: str
    instead: str


class NotFoundOnceError(Exception):
    """What an edit describes is not in the product, or is there more than once."""


def find_file(edit: Edit, files: Iterable[Path]) -> Path:
    """Which of the files an edit changes.

    Raises:
        NotFoundOnceError: see the class.
    """
    last = edit.function.rpartition(".")[2]
    wanted = _shape(ast.parse(edit.find, mode="eval").body)
    found = []
    for path in files:
        text = path.read_text(encoding="utf-8")
        if last in text:
            inside = _inside(_parsed(text), edit.function)
            found += [path for node in inside if _shape(node) == wanted]
    if len(found) != 1:
        places = ", ".join(map(str, found)) or "nowhere"
        raise NotFoundOnceError(
            f"{edit.find} in {edit.function} is wanted once and found: {places}"
        )
    return found[0]


def edited(source: str, edit: Edit) -> str:
    """The source with the change in it, without its comments."""
    tree = ast.parse(source)
    replacing = _Replacing(edit)
    for name, node in _named(tree.body):
        if name == edit.function:
            replacing.visit(node)
    return ast.unparse(ast.fix_missing_locations(tree))


class _Replacing(ast.NodeTransformer):
    def __init__(self, edit: Edit) -> None:
        self._wanted = _shape(ast.parse(edit.find, mode="eval").body)
        self._instead = edit.instead

    def visit(self, node: ast.AST) -> ast.AST | list[ast.stmt]:
        if isinstance(node, ast.Expr) and _shape(node.value) == self._wanted:
            return ast.parse(self._instead).body
        if _shape(node) == self._wanted:
            return ast.parse(self._instead, mode="eval").body
        done: ast.AST = self.generic_visit(node)
        return done


def _shape(node: ast.AST) -> str:
    """Two expressions that have one shape are the same but for how they are written."""
    return ast.dump(node) if isinstance(node, ast.expr) else ""


@cache
def _parsed(source: str) -> ast.Module:
    return ast.parse(source)


def _inside(tree: ast.Module, function: str) -> Iterator[ast.AST]:
    for name, node in _named(tree.body):
        if name == function:
            yield from ast.walk(node)


def _named(body: Iterable[ast.stmt], above: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Functions, those inside of others too, and constants, by their dotted names."""
    for node in body:
        if isinstance(node, ast.ClassDef | Function):
            yield f"{above}{node.name}", node
            yield from _named(node.body, f"{above}{node.name}.")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not above:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from ((ast.unparse(target), node) for target in targets)
