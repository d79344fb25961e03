"""Modules that docstrings and comments of the product name are there."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

import pytest

from tests.house.product import PRODUCT, ROOT

# ``x.y``, where x is a package of ours; or cucmsh.x.y, quoted or not; dots or slashes.
QUOTED = re.compile(r"`([a-z_0-9]+(?:[./][A-Za-z_]\w*)+)`")
FULL = re.compile(r"(?<![\w./])((?:cucmsh|commands)(?:[./][A-Za-z_]\w*)+)")
PACKAGES = [path.parent for path in ROOT.glob("cucmsh/**/__init__.py")]
FILES = (".toml", ".json", ".p12")  # some are named, or lie, as if in a package


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Comments and docstrings, with the line on which each begins."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_docstring = token.type == tokenize.STRING and token.string.startswith('"""')
        if is_docstring or token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def named(text: str) -> Iterator[list[str]]:
    """What looks like the name of a module of ours, in its parts."""
    packages = {package.name for package in PACKAGES} | {"commands"}
    for name in {*QUOTED.findall(text), *FULL.findall(text)}:
        if not name.endswith(FILES):
            parts = re.split(r"[./]", name.removesuffix(".py"))
            if parts[0] in packages:
                yield parts


def is_there(parts: list[str]) -> bool:
    """Whether it is a package or module, or a word that stands in one."""
    tops = [package for package in PACKAGES if package.name == parts[0]]
    for place in [ROOT / parts[0], *tops]:
        for count in range(1, len(parts) + 1):
            path = place.joinpath(*parts[1:count])
            rest = parts[count:]
            if count == len(parts) and path.is_dir():
                return True
            module = path.with_suffix(".py")
            if module.is_file():
                text = module.read_text(encoding="utf-8")
                return all(re.search(rf"\b{word}\b", text) for word in rest)
    return False


@pytest.mark.thorough
def test_modules_that_are_named_are_there() -> None:
    found = [
        (f"{path.relative_to(ROOT)}:{line}", parts)
        for path in PRODUCT
        for line, text in prose(path.read_text(encoding="utf-8"))
        for parts in named(text)
    ]
    assert len(found) > 20, "no names are found: this test proves nothing"
    assert not [each for each in found if not is_there(each[1])]
