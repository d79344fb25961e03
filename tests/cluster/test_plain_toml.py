"""The invariant: what is read without the library is read as the library reads it."""

from __future__ import annotations

import sys
import tomllib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cucmsh.cluster import plain_toml

PLAIN = """\
# a comment
release = "10.0"   # and another
keep_trust = true
packs = []
[node]
name = "test10pub"
home = "/var/lib/cucmsh"

[cluster]
digest = "sha512"
subject = "OU=tac;O=ci#sco"
[[cluster.nodes]]
services = ["tftp", "tvs"]
ssh = { host = "10.1.1.3", port = 22, keys = ["a", "b"], deeper = { is = false } }
[[cluster.nodes]]
name = "ä"
[signing]
patterns = [ "*.xml" ]
"""
PIECES = [
    *("a", "b", "name", "-", "_", "0", "1", "12", "007", "true", "false", "inf"),
    *('"', '"', '""', "'", "\\", "=", "=", " = ", ".", ",", "#", " ", "\t", "\r"),
    *("[", "]", "[[", "]]", "{", "}", "\n", "\n", "\n", "\r\n", "\0", "\xa0", "\u202e"),
    *('a = "x"', "b = 1", "[a]", "[[a]]", "[a.b]", "[[a.b]]", "a = []", "a = {}"),
    *("a = { b = 1 }", "b = [1, 2]", "a.b = 1", "1979-05-27", "1_000", "+1", "0x1"),
]


def the_library(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        return str(problem)


def ours(text: str) -> object:
    try:
        return plain_toml.loads(text.encode())
    except ValueError as problem:
        return str(problem)


def test_plain_file_needs_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    assert plain_toml.loads(PLAIN.encode()) == tomllib.loads(PLAIN)
    with pytest.raises(ImportError):
        plain_toml.loads(b"a = 1979-05-27")


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@settings(max_examples=1500, deadline=None)
@example("a = []\n[[a]]")
@example("[[a]]\n[a]")
@example("[a]\n[[a.b]]\nb = 1\n[a]")
@example("a = {b = 1}\n[a.c]")
@example("a = {b = 1, b = 2}")
@example("[a]\nb = {}\n[a.b]\n")
@example("[[a]]\n[[a]]\n[a.b]")
@example('a = """x"""')
@example('a = "x" b = 1')
def test_any_text_is_read_as_the_library_reads_it(text: str) -> None:
    assert ours(text) == the_library(text)


@given(st.integers(0, len(PLAIN)), st.sampled_from(PIECES))
@settings(max_examples=500, deadline=None)
def test_any_piece_put_into_a_configuration_changes_both_alike(
    at: int, piece: str
) -> None:
    text = PLAIN[:at] + piece + PLAIN[at:]
    assert ours(text) == the_library(text)
