"""Trust histories with renames, passwords, releases and restores, as tables.

As in ``histories``: a step, and the held lists whose holders take what the named node
serves after it, with ``keep_trust`` off and on (None: the same). What is expected is
written from docs/story.md and docs/formats.md#phones: a holder takes a list whose
signer is a System Administrator Security Token of the list that it holds, and nothing
else (TVS is not asked). A list names its node's CallManager key and the publisher's
ITLRecovery key. In release 10.0 CallManager signs, from 12.0 on ITLRecovery.
"""

from __future__ import annotations

from tests.services.histories import SAME, History
from tests.services.made_cluster import PUBLISHER, SUBSCRIBER


def all_until(step: int) -> set[int]:
    """Every list that was served until then."""
    return set(range(step + 1))


CHANGED_HISTORIES: dict[str, tuple[str, History]] = {
    # A rename makes every key but ITLRecovery anew, and restarts.
    "a renamed publisher, and the cure": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("rename", {1}, all_until(1)),
            ("reset", all_until(2), SAME),
            ("start", {1, 2, 3}, all_until(3)),
        ],
    ),
    "a rename, then another key": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("rename", {1}, all_until(1)),
            ("regen CallManager", {1, 2}, all_until(2)),
            ("start", {3}, all_until(3)),
            ("reset", all_until(4), SAME),
        ],
    ),
    "renamed, and back to the first name": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("rename", {1}, all_until(1)),
            ("rename back", {2}, all_until(2)),  # the name is the same, the key is not
            ("start", {2, 3}, all_until(3)),
            ("reset", all_until(4), SAME),
        ],
    ),
    "another domain": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("another domain", {1}, all_until(1)),
            ("start", {1, 2}, all_until(2)),
            ("reset", all_until(3), SAME),
            ("rename", {4}, all_until(4)),
            ("reset", all_until(5), SAME),
        ],
    ),
    "a reset before the rename": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("reset", all_until(1), SAME),
            ("rename", {2}, all_until(2)),
            ("reset", all_until(3), SAME),
        ],
    ),
    "a renamed subscriber": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("rename of the subscriber", {1}, all_until(1)),
            ("reset", all_until(2), SAME),
            # The publisher's list, which the phones hold, names no key of this node.
            ("reboot of the subscriber", {1, 3}, all_until(3)),
        ],
    ),
    "a publisher is renamed, and the subscriber's own list": (
        SUBSCRIBER,
        [
            ("start", {0}, SAME),
            ("rename", all_until(1), SAME),
            ("start", all_until(2), SAME),
            ("reset", all_until(3), SAME),
        ],
    ),
    # It protects the key file, and is in no list.
    "another security password": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("another security password", all_until(1), SAME),
            ("start", all_until(2), SAME),
            ("reset", all_until(3), SAME),
            ("the first security password", all_until(4), SAME),
            ("regen CallManager", all_until(5), SAME),
            ("start", {6}, all_until(6)),
            ("reset", all_until(7), SAME),
        ],
    ),
    # From 12.0 on a restart strands nobody, and a reset is what can.
    "to release 12.5, another key, and a reset with it": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("release 12.5", all_until(1), SAME),
            ("start", all_until(2), SAME),
            ("regen CallManager", all_until(3), SAME),
            ("start", all_until(4), SAME),
            ("reset", {4, 5}, SAME),
            ("start", all_until(6), SAME),
        ],
    ),
    "to release 12.5 and back": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("release 12.5", all_until(1), SAME),
            ("regen CallManager", all_until(2), SAME),
            ("start", all_until(3), SAME),
            ("release 10.0", all_until(4), SAME),
            ("start", {3, 4, 5}, all_until(5)),
            ("reset", all_until(6), SAME),
        ],
    ),
    "renamed in release 12.5": (
        PUBLISHER,
        [
            ("release 12.5", {0}, SAME),
            ("start", all_until(1), SAME),
            ("rename", all_until(2), SAME),
            ("start", all_until(3), SAME),
            ("another domain", all_until(4), SAME),
            ("regen TVS", all_until(5), SAME),
            ("start", all_until(6), SAME),
        ],
    ),
    # The node's home as it was; the list in the TFTP directory stays.
    "a restore from before a key was made": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("back up the home", all_until(1), SAME),
            ("regen CallManager", all_until(2), SAME),
            ("start", {3}, all_until(3)),
            ("restore the home", {3, 4}, all_until(4)),
            ("start", {0, 1, 2, 5}, all_until(5)),
            ("reset", all_until(6), SAME),
        ],
    ),
    "a restore from before another recovery key": (
        PUBLISHER,
        [
            ("start", {0}, SAME),
            ("back up the home", all_until(1), SAME),
            ("regen ITLRecovery", all_until(2), SAME),
            ("start", all_until(3), SAME),
            ("restore the home", all_until(4), SAME),
            # keep_trust: the key file is older than the list, which therefore stays.
            ("start", all_until(5), SAME),
        ],
    ),
}
