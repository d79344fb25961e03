"""Connections for which sshd's ``Match`` lines (sshd_config(5)) may differ.

What sshd lets an account do may depend on the client's address or host name, and on the
address and port that it came to. ``sshd -T -C`` answers for one connection; so here
connections are made up, at least one for each set of lines that can apply together, as
far as patterns allow. sshd itself decides which lines apply; nothing is judged here.
"""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import NamedTuple

CONFIGURATION = "/etc/ssh/sshd_config"
DEEPEST = 16  # files that include each other; sshd's own limit
MOST = 256  # connections that are asked about; each takes sshd some milliseconds
WORD = re.compile(r'"([^"]*)"|([^\s="]+)')
# What a Match line may ask for, and what -C calls it.
CRITERIA = {
    "address": "addr",
    "host": "host",
    "localaddress": "laddr",
    "localport": "lport",
    "rdomain": "rdomain",
}
# These follow from the account, which is given.
OF_THE_ACCOUNT = frozenset({"user", "group", "all", "invalid-user"})
USUAL = {"addr": "127.0.0.1", "host": "localhost", "laddr": "127.0.0.1", "lport": "22"}
ADDRESSES = ("addr", "laddr")
FILLERS = ("1", "254")  # in place of wildcards: another pattern may fit one of both


class Matches(NamedTuple):
    """What the ``Match`` lines of a configuration ask for.

    Attributes:
        patterns: under the names of ``-C``, every pattern without its ``!``.
        unknown: conditions that ``-C`` cannot express.
        problem: why a file could not be read; empty if all could.
    """

    patterns: dict[str, set[str]]
    unknown: set[str]
    problem: str = ""


class Connections(NamedTuple):
    """Connections to ask about, the usual one first; and whether some were left out."""

    specs: list[dict[str, str]]
    is_cut: bool


def read_matches(path: str = CONFIGURATION) -> Matches:
    """Collect the ``Match`` lines of a file and of all that it includes."""
    patterns: dict[str, set[str]] = {}
    unknown: set[str] = set()
    try:
        for words in _lines(path, DEEPEST):
            if words[0].lower() == "match":
                _collect(words[1:], patterns, unknown)
    except (OSError, RecursionError) as problem:
        return Matches(patterns, unknown, str(problem))
    return Matches(patterns, unknown)


def connections(matches: Matches) -> Connections:
    """One connection for each combination of values that patterns tell apart."""
    names = dict.fromkeys([*USUAL, *matches.patterns])
    choices = {name: _values(name, matches.patterns.get(name, set())) for name in names}
    found = itertools.product(*choices.values())
    specs = [
        {name: value for name, value in zip(choices, values, strict=True) if value}
        for values in itertools.islice(found, MOST + 1)
    ]
    return Connections(specs[:MOST], len(specs) > MOST)


def _lines(path: str, deepest: int) -> Iterator[list[str]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    for line in lines:
        words = _words(line)
        if not words:
            continue
        yield words
        if words[0].lower() != "include":
            continue
        if not deepest:
            raise RecursionError(f"{path} includes too deeply")
        for pattern in words[1:]:
            # A relative one is below /etc/ssh, whichever file names it.
            place = os.path.join(os.path.dirname(CONFIGURATION), pattern)
            for each in sorted(glob.glob(place)):
                yield from _lines(each, deepest - 1)


def _words(line: str) -> list[str]:
    """The words of a line as sshd splits it: quotes, one ``=``, and a comment."""
    words = []
    for quoted, plain in WORD.findall(line):
        if plain.startswith("#"):
            break
        words.append(quoted or plain)
    return words


def _collect(
    words: list[str], patterns: dict[str, set[str]], unknown: set[str]
) -> None:
    left = iter(words)
    for word in left:
        criterion = word.lower()
        if criterion in ("all", "invalid-user"):
            continue
        values = next(left, "").split(",")
        if criterion in CRITERIA:
            known = patterns.setdefault(CRITERIA[criterion], set())
            known.update(value.removeprefix("!") for value in values)
        elif criterion not in OF_THE_ACCOUNT:
            unknown.add(word)


def _values(name: str, patterns: set[str]) -> list[str]:
    """Values that fit different patterns: of those that fit the same, the first."""
    found: dict[tuple[bool, ...], str] = {}
    asked = sorted(patterns)
    for value in (USUAL.get(name, ""), *_examples(name, patterns)):
        found.setdefault(tuple(_fits(value, pattern) for pattern in asked), value)
    return [*found.values()]


def _fits(value: str, pattern: str) -> bool:
    if fnmatchcase(value.lower(), pattern.lower()):
        return True
    try:
        return ip_address(value) in ip_network(pattern, strict=False)
    except ValueError:
        return False


def _examples(name: str, patterns: set[str]) -> Iterator[str]:
    """Values of which some fit a pattern and some do not, for every pattern."""
    if name in ADDRESSES and patterns:
        yield from ("192.0.2.1", "2001:db8::1")  # of nobody (RFC 5737, RFC 3849)
    for pattern in sorted(patterns):
        if name in ADDRESSES:
            yield from _addresses(pattern)
        else:
            for letter in FILLERS:
                yield pattern.replace("*", letter).replace("?", letter[:1])


def _addresses(pattern: str) -> Iterator[str]:
    try:
        network = ip_network(pattern, strict=False)
    except ValueError:
        yield from _filled(pattern)
        return
    # Networks may overlap: where one ends another may go on.
    yield str(network[0])
    beyond = int(network[-1]) + 1
    if beyond < 1 << network.max_prefixlen:
        yield str(type(network[0])(beyond))


def _filled(pattern: str) -> Iterator[str]:
    """Addresses that fit a pattern with ``*`` or ``?``, if one can be made up."""
    for letter in FILLERS:
        text = pattern.replace("?", letter[:1])
        more = ".".join([letter] * max(4 - text.count("."), 1))
        for candidate in (
            text.replace("*", more, 1).replace("*", letter),
            text.replace("*", letter),
            text.replace("*", f"{letter}::{letter}"),
        ):
            try:
                yield str(ip_address(candidate))
            except ValueError:
                continue
