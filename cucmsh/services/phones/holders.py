"""How many phones were said to hold an ITL: told before a dangerous command asks.

The inventory informs the person who answers. It releases, allows and refuses nothing:
a fetch is not an acceptance, and every source can be forged (docs/decisions/031).
Where nothing was ever recorded nothing is said, and no library is loaded.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from cucmsh.errors import CucmshError
from cucmsh.phones.known import Known, PhoneState, Wanted
from cucmsh.services.phones.open_store import has_inventory, open_inventory
from cucmsh.services.phones.store import PhoneStore
from cucmsh.services.site import Site

DAY = 24 * 3600
NAMED_PHONES = 5  # by name, in a sentence


def holder_lines(site: Site) -> list[str]:
    """Who was said to hold what a node serves, or a list with the same keys.

    Empty without an inventory; one line where it cannot be read.
    """
    if not has_inventory(site):
        return []
    from cucmsh.services.phones.known_lists import known_lists  # noqa: PLC0415 - late

    try:
        lists = known_lists(site)
    except CucmshError as problem:
        return [_unknown(problem)]
    present = {
        digest
        for digest, found in lists.by_digest.items()
        if found.nodes or found.same_keys
    }
    return lines_about(site, present, "the present ITL, or one of the same keys,")


def lines_about(site: Site, digests: Collection[str], what: str) -> list[str]:
    """How many phones asked for a list of these digests, or show it, and who did not.

    Args:
        site: this node.
        digests: MD5 and SHA-1, lower-case hex.
        what: which lists these are, for a sentence.
    """
    if not has_inventory(site):
        return []
    try:
        with open_inventory(site) as store:
            now = int(site.clock.now().timestamp())
            return _lines(store, frozenset(digests), what, now)
    except CucmshError as problem:
        return [_unknown(problem)]


def _unknown(problem: CucmshError) -> str:
    return f"What phones hold is not known: {problem.message}"


def _lines(
    store: PhoneStore, digests: frozenset[str], what: str, now: int
) -> list[str]:
    known = Known(digests)
    counts = store.counts(known)
    others = counts.mismatch + counts.unknown
    if not counts.phones:
        return []
    line = f"{counts.match} of {counts.phones} phones asked for {what} or show it"
    if not others:
        return [f"{line}."]
    seen = max(
        group.seen
        for group in store.held()
        if group.itl not in digests or (group.said and group.said not in digests)
    )
    names = [
        phone.name
        for state in (PhoneState.MISMATCH, PhoneState.UNKNOWN)
        for phone in store.phones(Wanted(state, most=NAMED_PHONES), known)
    ][:NAMED_PHONES]
    more = ", ..." if others > len(names) else ""
    left = f"{others} did not"
    if seen < now - DAY:
        day = datetime.fromtimestamp(seen, UTC).strftime("%Y-%m-%d")
        have = "has" if others == 1 else "have"
        left += f", and {have} not been seen since {day}"
    return [f"{line}; {left}: {', '.join(names)}{more}"]
