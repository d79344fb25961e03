"""What became of a rename, as lines and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.services.nodes.rename import Renamed
from cucmsh.services.nodes.rename_plan import FullName
from cucmsh.views.documents import Document, outcome_document


def renamed_lines(done: Renamed) -> Iterator[str]:
    """What is left open, a line each; nothing if all is done."""
    for name in done.stopped:
        yield f"{name} does not run, and stays so."
    for name in done.by_hand:
        yield f"Restart {name} yourself: no commands for it are configured."
    for each in done.told:
        if not each.is_done:
            yield f"{each.name} was not told the new name: {each.reason}"
    for each in done.delivered:
        if not each.is_done:
            yield f"The certificates were not brought to {each.name}: {each.reason}"
    yield from (*done.problems, *done.failed)


def yours_to_do_lines(before: FullName, now: FullName) -> Iterator[str]:
    """What this program leaves to an administrator, with the words that do it."""
    yield ""
    yield f"This node is {now}. What is not changed here, and yours to do:"
    if now.name != before.name:
        yield f"  the name of the machine: hostnamectl set-hostname {now.name}"
    yield f"  DNS: a record of {now} with this node's address; keep {before} as well"
    yield "  until no phone, script or client asks for it"
    yield "Then reset the phones. The ITLRecovery certificate keeps its name and key."


def renamed_document(node: str, done: Renamed) -> Document:
    """``set network hostname`` and ``set network domain``."""
    return {
        "node": node,
        "full_name": f"{done.now}",
        "made": [unit.value for unit in done.made],
        "told": [outcome_document(each) for each in done.told],
        "nodes": [outcome_document(each) for each in done.delivered],
        "restarted": list(done.restarted),
        "stopped": list(done.stopped),
        "by_hand": list(done.by_hand),
        "problems": [*done.problems, *done.failed],
        "tvs_stays": done.tvs_stays or None,
    }
