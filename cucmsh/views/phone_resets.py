"""Resets of phones as lines and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.services.phones.reset_journal import OpenResets
from cucmsh.services.phones.resets import PhoneResets
from cucmsh.views.documents import Document

NAMED = 5  # phones, in a line


def open_resets_line(begun: OpenResets) -> str:
    """What was begun earlier and is not done."""
    return (
        f"A {begun.action.value} of {_count(begun.phones)} ({begun.which}), begun at "
        f"{begun.at}, has {len(begun.left)} left."
    )


def phone_reset_progress(done: PhoneResets) -> str:
    """How far it is."""
    came = f", {done.returned} came back" if done.returned or done.silent else ""
    failed = f"; {len(done.failed)} could not be told" if done.failed else ""
    left = f"; {len(done.left)} left" if done.left else ""
    return f"{done.told} of {_count(done.phones)} told{came}{failed}{left}"


def phone_reset_lines(done: PhoneResets) -> Iterator[str]:
    """What became of it."""
    were = "was" if done.phones == 1 else "were"
    told = f"{done.told} of {_count(done.phones)} {were} told to {done.action.value}"
    if done.returned or done.silent:
        told += f"; {done.returned} came back"
    yield f"{told}."
    if done.silent:
        yield f"Not known to have come back: {_named(done.silent)}"
    for name, reason in done.failed[:NAMED]:
        yield f"{name} could not be told: {reason}"
    if len(done.failed) > NAMED:
        yield f"{len(done.failed) - NAMED} more could not be told."
    if done.stopped:
        yield f"Stopped: {done.stopped.rstrip('.')}."
    if done.left:
        yield f"{len(done.left)} were not told; the same command goes on with them."
    if done.exit_status:
        yield "Executed command unsuccessfully"


def phone_reset_document(node: str, done: PhoneResets) -> Document:
    """``utils phone reset`` and ``restart``."""
    return {
        "node": node,
        "action": done.action.value,
        "phones": done.phones,
        "told": done.told,
        "returned": done.returned,
        "silent": list(done.silent),
        "failed": [{"name": name, "reason": why} for name, why in done.failed],
        "left": list(done.left),
        "stopped": done.stopped or None,
    }


def _count(phones: int) -> str:
    return "1 phone" if phones == 1 else f"{phones} phones"


def _named(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
