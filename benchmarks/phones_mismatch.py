"""``show itl phones mismatch``, as a ratio to the bare SELECT of the same phones.

    python -m benchmarks.phones_mismatch [PHONES] [ROUNDS]

Row 26: PHONES phones in SQLite hold one of eight lists, of which nodes serve some; the
command's first page, and all of them as CSV. The bare SELECT is the module ``sqlite3``
with the statement that a person would type, all rows fetched.
"""

import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

from cucmsh.inventory.database import Inventory, open_inventory
from cucmsh.phones.claims import Claim, Source
from cucmsh.phones.known import Known, PhoneState, Wanted
from cucmsh.secret import Secret
from cucmsh.services.phones.inventory import PAGE_PHONES, PhonesShown, counted
from cucmsh.services.phones.known_lists import KnownList, KnownLists
from cucmsh.views.phones import phones_csv, phones_lines

GATE = 3.0
LISTS, SERVED = 8, 6
NOW = 1_780_000_000


def filled(store: Inventory, phones: int, lists: list[str]) -> None:
    dice = random.Random(1)
    claims = [
        Claim(
            f"SEP{dice.randrange(1 << 48):012X}",
            Source.PAGE,
            NOW - dice.randrange(10_000),
            f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
            "pub",
            itl=dice.choice(lists),
            model="8845",
        )
        for number in range(phones)
    ]
    for first in range(0, phones, 10_000):
        store.record(claims[first : first + 10_000], NOW)


def shown(store: Inventory, known: Known, lists: KnownLists, most: int) -> PhonesShown:
    """What the use-case gives, without a node that would be asked for its list."""
    state = PhoneState.MISMATCH
    counts = store.counts(known)
    wanted = Wanted(state, most=most)
    phones = tuple(store.phones(wanted, known))
    found = counted(counts, state)
    return PhonesShown(wanted, 1, 1, phones, found, counts, known, lists)


def timed(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> int:
    phones = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    digests = [f"{number:040x}" for number in range(LISTS)]
    lists = KnownLists({each: KnownList(each, each[:32]) for each in digests}, {})
    known = Known(frozenset(digests[:SERVED]))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "phones.sqlite")
        store = open_inventory(Secret(f"sqlite:///{path}"), None)
        filled(store, phones, digests)
        direct = sqlite3.connect(path)
        marks = ", ".join("?" * SERVED)
        text = f"SELECT * FROM phones WHERE itl NOT IN ({marks}) ORDER BY name"
        ratios: dict[str, list[float]] = {"first page": [], "all, as CSV": []}
        for _ in range(rounds):
            bare = timed(lambda: direct.execute(text, digests[:SERVED]).fetchall())
            page = timed(
                lambda: list(phones_lines(shown(store, known, lists, PAGE_PHONES)))
            )
            whole = timed(lambda: list(phones_csv(shown(store, known, lists, 0))))
            ratios["first page"].append(page / bare)
            ratios["all, as CSV"].append(whole / bare)
        direct.close()
        store.close()
    print(f"{phones} phones, {LISTS} lists, {SERVED} of them served")
    for name, measured in ratios.items():
        print(f"row 26 {name}: {median(measured):.2f} of the bare SELECT")
    return int(median(ratios["first page"]) > GATE)


if __name__ == "__main__":
    sys.exit(main())
