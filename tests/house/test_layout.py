"""Names on disk stand in ``cucmsh.layout`` and nowhere else.

Judged by the text literals of the whole product: one that is, or ends in, a name of the
layout is a second place where that name would have to be changed. Sentences (with white
space in them) are for people and may say what they like.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from cucmsh import layout
from tests.house.product import PRODUCT, ROOT

LAYOUT = "cucmsh/layout.py"
# Not names of ours on a disk.
MAY_STAND = {
    # What the format of a list says of itself, whatever file it lies in.
    ("cucmsh/trustlist/sealing.py", "ITLFile.tlv"),
    # A key of the line of JSON that `cucmsh lab --serve` prints.
    ("cucmsh/lab/cluster.py", "known_hosts"),
    ("cucmsh/testing/cluster.py", "known_hosts"),
}
NAMES = {
    value
    for name, value in vars(layout).items()
    if isinstance(value, str) and name.isupper() and set("/.") & set(value)
}
# Last parts that are no plain words: `tftp` and `audit` mean other things as well.
LAST_PARTS = {
    last for name in NAMES if set("._") & set(last := name.rpartition("/")[2])
}
FOLDERS = (
    *(layout.SECURITY_FOLDER, layout.STATE_FOLDER, layout.LOG_FOLDER),
    *(layout.IDENTITY_FOLDER, layout.EARLIER, layout.SSH_FOLDER),
    layout.REPLICA_RECORDS,
)
REMEMBER = {"recall", "remember", "forget"}


def texts_in(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every text literal that is no docstring, parts of f-strings included."""
    docstrings = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            docstrings.add(id(body[0].value))
    for node in ast.walk(tree):
        if id(node) in docstrings:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def names_in(name: str, source: str) -> list[str]:
    """The literals of a module that spell a name of the layout, with their lines."""
    found = []
    tree = ast.parse(source)
    for text, line in texts_in(tree):
        is_path = not any(letter.isspace() for letter in text)
        parts = text.split("/")
        is_ours = (
            text in NAMES
            or parts[-1] in LAST_PARTS
            or (len(parts) > 1 and parts[0] in FOLDERS)
        )
        if is_path and is_ours and (name, text) not in MAY_STAND:
            found.append(f"{name}:{line}: {text!r}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            facts = node.args[1:2] if node.func.id in REMEMBER else []
            if facts and isinstance(facts[0], ast.Constant):
                found.append(f"{name}:{node.lineno}: {facts[0].value!r}")
    return found


@pytest.mark.thorough
def test_names_on_disk_stand_in_the_layout_only() -> None:
    found: list[str] = []
    for path in PRODUCT:
        name = path.relative_to(ROOT).as_posix()
        if name != LAYOUT:
            found += names_in(name, path.read_text())
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        'home.read("state/known_hosts")',
        'home.read(f"security/{unit}/private.pem")',
        'os.path.join(home, "state/anything.toml")',
        'tftp.write("ITLFile.tlv", raw)',
        'recall(home, "journal")',
        'names(".cucmsh/replica-1")',
    ],
)
def test_name_that_is_spelled_elsewhere_is_found(line: str) -> None:
    assert names_in("cucmsh/somewhere.py", line)


def test_sentences_and_words_are_not_taken_for_names() -> None:
    source = '"Save ITLRecovery.p12 again, then see state/x"\nrole = "publisher"\n'
    assert not names_in("cucmsh/somewhere.py", source)


def test_every_path_of_the_layout_is_relative_or_of_the_machine() -> None:
    for name in NAMES:
        assert ".." not in name.split("/")
        assert not name.endswith("/")
