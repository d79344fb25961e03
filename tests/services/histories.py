"""Trust histories as tables: a step, and the held lists that accept what comes of it.

Lists are numbered by the steps after which they were served: a phone that fetched after
step 3 and slept since holds list 3. The first set is for ``keep_trust`` off, which is
as the original does it; the second for ``keep_trust`` on. Served is what the named node
serves; where it serves nothing, because no key of its would be accepted, nobody takes
it. Every reset is gone on with, whatever it asks.
"""

from __future__ import annotations

from tests.services.made_cluster import PUBLISHER, SUBSCRIBER

SAME = None  # as with keep_trust off
History = list[tuple[str, set[int], set[int] | None]]

HISTORIES: dict[str, tuple[str, History]] = {
    "a reset and back again": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("reset", {0, 1}, SAME),
            ("start", {0, 1, 2}, SAME),
            ("reset", {0, 1, 2, 3}, SAME),
        ],
    ),
    "a subscriber takes part and goes back to its own key": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("reset", {0, 1}, SAME),
            ("reboot of the subscriber", {0, 2}, {0, 1, 2}),
            ("reset", {0, 1, 2, 3}, SAME),
        ],
    ),
    "a subscriber starts twice after a reset": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("reset", {0, 1}, SAME),
            ("start", {0, 2}, {0, 1, 2}),
            ("start", {0, 2, 3}, {0, 1, 2, 3}),
        ],
    ),
    "lost and found": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("regen CallManager", {0, 1}, SAME),
            (
                "start",
                {2},
                {0, 1, 2},
            ),  # the trouble of the story: phones that hold 0 and 1 are lost
            ("reset", {0, 1, 2, 3}, SAME),  # and the cure
            ("start", {2, 3, 4}, {0, 1, 2, 3, 4}),
        ],
    ),
    "a key regenerated after a reset": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("reset", {0, 1}, SAME),
            ("regen CallManager", {0, 1, 2}, SAME),
            ("start", {3}, {0, 1, 2, 3}),
            ("reset", {0, 1, 2, 3, 4}, SAME),
        ],
    ),
    "TVS alone loses nobody": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("regen TVS", {0, 1}, SAME),
            ("start", {0, 1, 2}, SAME),
            ("reset", {0, 1, 2, 3}, SAME),
        ],
    ),
    "the recovery key changed in order, and the older key": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("regen ITLRecovery", {0, 1, 2}, SAME),
            ("start", {0, 1, 2, 3}, SAME),
            ("reset with the saved key", {0, 1, 2, 4}, {0, 1, 2, 3, 4}),
            ("start", {0, 1, 2, 3, 4, 5}, SAME),
        ],
    ),
    "a publisher rebuilt, and the saved key": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("rebuild of the publisher", {2}, set()),  # phones of the old one are lost
            (
                "reset with the saved key",
                {0, 1, 3},
                SAME,
            ),  # the saved key is what they know
            ("start", {2, 3, 4}, {0, 1, 3, 4}),
        ],
    ),
    "a subscriber of a publisher that was rebuilt": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("rebuild of the publisher", {0, 1, 2}, SAME),
            ("reset with the saved key", {0, 1, 2, 3}, SAME),
            ("reboot of the subscriber", {0, 1, 2, 4}, {0, 1, 2, 3, 4}),
        ],
    ),
    "a subscriber's own key changed": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("regen the subscriber's CallManager", {0, 1}, SAME),
            ("reboot of the subscriber", {2}, {0, 1, 2}),
            ("reset", {0, 1, 2, 3}, SAME),
        ],
    ),
    "a publisher rebuilt without the saved key": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("rebuild of the publisher", {1}, set()),
            ("reset", {1, 2}, {2}),  # nothing brings list 0 back
        ],
    ),
    "restarts and resets in between": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("reset", {0, 1}, SAME),
            ("restart of the publisher", {0, 1, 2}, SAME),
            ("regen CallManager", {0, 1, 2, 3}, SAME),
            ("restart of the publisher", {4}, {0, 1, 2, 3, 4}),
            ("reset", {0, 1, 2, 3, 4, 5}, SAME),
            ("reset", {0, 1, 2, 3, 4, 5, 6}, SAME),
        ],
    ),
    "the older and the later key": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("regen ITLRecovery", {0, 1, 2}, SAME),
            ("start", {0, 1, 2, 3}, SAME),
            ("save the key", {0, 1, 2, 3, 4}, SAME),
            ("reset with the saved key", {0, 1, 2, 5}, {0, 1, 2, 3, 4, 5}),
            ("reset with the later key", {3, 4, 6}, SAME),
        ],
    ),
    "a foreign key, and the right one": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("reset with a foreign key", {2}, SAME),
            ("reset with the saved key", {0, 1, 3}, SAME),
            ("start", {0, 1, 2, 3, 4}, {0, 1, 3, 4}),
        ],
    ),
    "a subscriber under a foreign key": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("reset with a foreign key", {1}, SAME),
            ("reboot of the subscriber", {0, 2}, {1, 2}),
            ("reset", {1, 2, 3}, SAME),
        ],
    ),
    "the recovery key changed twice in order": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("regen ITLRecovery", {0, 1}, SAME),
            ("start", {0, 1, 2}, SAME),
            ("regen ITLRecovery", {0, 1, 2, 3}, SAME),
            ("start", {0, 1, 2, 3, 4}, SAME),
            ("reset", {4, 5}, SAME),
        ],
    ),
    "the recovery key changed, and a reset too soon": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("regen ITLRecovery", {0, 1, 2}, SAME),
            ("reset", {3}, SAME),  # no phone has the new key yet
            ("reset with the saved key", {0, 1, 2, 4}, SAME),
            ("start", {0, 1, 2, 3, 4, 5}, {0, 1, 2, 4, 5}),
        ],
    ),
    "the recovery key changed in order, then the other one": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("regen ITLRecovery", {0, 1, 2}, SAME),
            (
                "start",
                {0, 1, 2, 3},
                SAME,
            ),  # CallManager signs, so the new key reaches the phones
            ("regen CallManager", {0, 1, 2, 3, 4}, SAME),
            ("start", {5}, {0, 1, 2, 3, 4, 5}),
            ("reset", {3, 4, 5, 6}, SAME),
            ("reset with the saved key", {0, 1, 2, 7}, {0, 1, 2, 3, 4, 5, 6, 7}),
        ],
    ),
    "a foreign key, and back by a start": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("save the key", {0, 1}, SAME),
            ("reset with a foreign key", {2}, SAME),
            ("start", {0, 1, 2, 3}, SAME),
            ("reset with the saved key", {0, 1, 4}, SAME),
        ],
    ),
}
