"""The model that a history of many sessions must fit.

A cluster is a list, a recovery key file and a CallManager key. A reset changes the
list; a regeneration the CallManager key, and only once in five minutes; ``file get``
and ``show itl`` see one moment between their beginning and their end. One change is
made at a time: who comes second is told so. A command that was killed may have done
its change or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from tests.faults.judge import TRACEBACK, assert_opens
from tests.faults.second_verifier import read

BUSY = "is making a change"
HELD = "was modified in the last 5 minutes"
LOOK_SECONDS = 0.2  # how late the witness may see a change
CHANGES = {"list": "reset", "certificate": "regen"}


class Deed(NamedTuple):
    """One command of one session.

    Attributes:
        what: ``reset``, ``regen``, ``get`` or ``show``.
        begun: monotonic seconds.
        ended: monotonic seconds.
        status: its exit status; negative if it was killed.
        said: its standard output.
        sent: the file that ``file get`` left on the server, if it did.
    """

    what: str
    begun: float
    ended: float
    status: int
    said: str
    sent: bytes

    @property
    def ended_how(self) -> str:
        if self.status < 0:
            return "killed"
        if BUSY in self.said:
            return "busy"
        if HELD in self.said:
            return "held"
        return {0: "done", 3: "partly"}.get(self.status, "refused")

    def covers(self, moment: float) -> bool:
        return self.begun <= moment + LOOK_SECONDS and moment <= self.ended + 1


class Seen(NamedTuple):
    """A version of ``list``, ``key`` or ``certificate``, and when it was first seen."""

    what: str
    when: float
    raw: bytes


def complaints(deeds: list[Deed], seen: list[Seen]) -> list[str]:
    """Everything that the model cannot explain."""
    found: list[str] = []
    rules: list[Callable[[list[Deed], list[Seen]], list[str]]] = [
        nobody_broke,
        versions_are_whole,
        changes_have_a_cause,
        successes_have_an_effect,
        who_was_refused_was_second,
        readers_saw_one_moment,
    ]
    for rule in rules:
        found += rule(deeds, seen)
    return found


def nobody_broke(deeds: list[Deed], _seen: list[Seen]) -> list[str]:
    """Refused is busy, held, or partly done; nothing else."""
    return [
        f"{deed.what} ended with {deed.status}: {deed.said[-400:]}"
        for deed in deeds
        if deed.ended_how == "refused" or TRACEBACK in deed.said
    ]


def versions_are_whole(_deeds: list[Deed], seen: list[Seen]) -> list[str]:
    """Every list verifies, later than the one before; every key file opens."""
    found, latest = [], 0
    for each in seen:
        try:
            if each.what == "list":
                timestamp = read(each.raw).timestamp
                assert timestamp >= latest, "a list that is older"
                latest = timestamp
            if each.what == "key":
                assert_opens(each.raw)
        except AssertionError as problem:
            found.append(f"{each.what} at {each.when:.2f}: {problem}")
    keys = {each.raw for each in seen if each.what == "key"}
    return found + (["a key file was replaced"] if len(keys) > 1 else [])


def changes_have_a_cause(deeds: list[Deed], seen: list[Seen]) -> list[str]:
    """Each new version appeared while a command ran that makes one."""
    found = []
    for what, cause in CHANGES.items():
        for each in [each for each in seen if each.what == what][1:]:
            causes = [
                deed
                for deed in deeds
                if deed.what == cause
                and deed.covers(each.when)
                and deed.ended_how in ("done", "partly", "killed")
            ]
            if not causes:
                found.append(f"a {what} at {each.when:.2f} that nobody made")
    return found


def successes_have_an_effect(deeds: list[Deed], seen: list[Seen]) -> list[str]:
    """No update is lost: what was called done is there.

    A reset's list appeared while it ran, or it finished the one of a killed reset;
    two successes in a row never share one list.
    """
    found = []
    versions = [each for each in seen if each.what == "list"]
    done = sorted(
        (deed for deed in deeds if deed.what == "reset" and deed.status == 0),
        key=lambda deed: deed.ended,
    )
    places = [
        max(at for at, each in enumerate(versions) if each.when <= deed.ended)
        for deed in done
    ]
    for deed, place in zip(done, places, strict=True):
        if not _is_reset(versions[place].raw):
            found.append(f"the reset that ended at {deed.ended:.2f} left no reset list")
    regenerated = [d for d in deeds if d.what == "regen" and d.ended_how == "done"]
    certificates = [each for each in seen if each.what == "certificate"]
    maybe = [d for d in deeds if d.what == "regen" and d.ended_how == "killed"]
    changes = max(0, len(certificates) - 1)
    if not len(regenerated) <= changes <= len(regenerated) + len(maybe):
        found.append(f"{changes} new keys from {len(regenerated)} regenerations")
    return found


def _is_reset(raw: bytes) -> bool:
    try:
        return read(raw).is_reset
    except AssertionError:
        return False


def who_was_refused_was_second(deeds: list[Deed], _seen: list[Seen]) -> list[str]:
    """Somebody else was at work when a command was told to wait."""
    changing = [deed for deed in deeds if deed.what in ("reset", "regen")]
    return [
        f"{deed.what} at {deed.begun:.2f} was refused, and nobody was at work"
        for deed in changing
        if deed.ended_how == "busy"
        and not any(
            other is not deed
            and other.begun <= deed.ended
            and other.ended >= deed.begun
            for other in changing
        )
    ]


def readers_saw_one_moment(deeds: list[Deed], seen: list[Seen]) -> list[str]:
    """``show itl`` and ``file get`` show a version that was there while they ran."""
    found = []
    for deed in deeds:
        if deed.status != 0 or deed.what not in ("show", "get"):
            continue
        what = "list" if deed.what == "show" else "key"
        there = _versions_during(seen, what, deed)
        if deed.what == "show":
            digests = {hashlib.sha1(raw).hexdigest() for raw in there}  # as phones do
            good = any(digest in deed.said.lower() for digest in digests)
        else:
            good = deed.sent in there
        if not good:
            found.append(f"{deed.what} at {deed.begun:.2f} shows what was not there")
    return found


def _versions_during(seen: list[Seen], what: str, deed: Deed) -> set[bytes]:
    versions = [each for each in seen if each.what == what]
    before = [each.raw for each in versions if each.when <= deed.begun]
    during = [
        each.raw
        for each in versions
        if deed.begun <= each.when <= deed.ended + LOOK_SECONDS
    ]
    return {*before[-1:], *during}
