"""What a cluster goes through with ``keep_trust`` on, as tables.

Each line: a step; which key signs what the watched node serves after it; and the lists
whose holders refuse that, by the numbers of the steps after which they were served. A
line that loses somebody begins with a question of the program that was answered with
yes (``asked``). Every other one must lose nobody: that is the rule. (What a person
copies into the TFTP directory is not ours; the start after it counts.)

Keys: ``CallManager`` and ``ITLRecovery`` are the present ones of the watched node and
of the publisher, ``earlier CallManager`` and ``earlier ITLRecovery`` ones that were
replaced.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.services.made_cluster import PUBLISHER, SUBSCRIBER

CCM, ITLR = "CallManager", "ITLRecovery"
OLD_CCM, OLD_ITLR = f"earlier {CCM}", f"earlier {ITLR}"


class Line(NamedTuple):
    """One line of a table; see the module."""

    step: str
    signed_by: str
    lost: frozenset[int] = frozenset()
    asked: bool = False


def asked(step: str, signed_by: str, lost: set[int]) -> Line:
    return Line(step, signed_by, frozenset(lost), asked=True)


def lost(step: str, signed_by: str, who: set[int]) -> Line:
    """A later step, at which those who were given up are lost still."""
    return Line(step, signed_by, frozenset(who))


KEPT_HISTORIES: dict[str, tuple[str, list[Line]]] = {
    "CallManager regenerated, two restarts, the second a reboot": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", ITLR),
            Line("reboot", ITLR),
            Line("restart", ITLR),
        ],
    ),
    "both trust paths at once: CallManager and TVS": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("regen TVS", OLD_CCM),
            Line("restart", ITLR),
            Line("regen TVS", ITLR),
            Line("reboot", ITLR),
        ],
    ),
    "CallManager and ITLRecovery before any restart": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("regen ITLRecovery", OLD_CCM),
            Line("restart", OLD_CCM),
            Line("reboot", OLD_CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", OLD_CCM),
        ],
    ),
    "one key after the other, for years": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", ITLR),
            Line("a year passes", ITLR),
            Line("regen ITLRecovery", OLD_ITLR),
            Line("restart", OLD_ITLR),
            Line("a year passes", OLD_ITLR),
            Line("regen CallManager", OLD_ITLR),
            Line("reboot", OLD_ITLR),
            Line("regen ITLRecovery", OLD_ITLR),
            Line("restart", OLD_ITLR),
        ],
    ),
    "a reset with the local key, and restarts after it": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("reset localkey", ITLR),
            Line("restart", ITLR),
            Line("regen TVS", ITLR),
            Line("reset localkey", ITLR),
            Line("reboot", ITLR),
        ],
    ),
    "a reset with a recovery key that no phone has yet": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen ITLRecovery", CCM),
            asked("reset localkey", ITLR, {0, 1}),
            Line("restart", CCM),
            Line("reboot", CCM),
        ],
    ),
    "a reset with the saved key after a later one was made": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("save the key", CCM),
            Line("regen ITLRecovery", CCM),
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", OLD_CCM),
            asked("reset remotekey", ITLR, {3, 4, 5}),
            Line("restart", OLD_CCM),  # which knows them all again
        ],
    ),
    "an upgrade from a build that kept no history, a replica was away": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("the replica goes away", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", ITLR),
            Line("the replica comes back", ITLR),
            Line("upgrade", ITLR),
            Line("restart", ITLR),
            Line("reboot", ITLR),
        ],
    ),
    "a home restored from a backup that is older than the key": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("back up the home", CCM),
            Line("regen ITLRecovery", CCM),
            Line("restart", CCM),
            Line("save the key", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", OLD_CCM),
            Line("restore the home", CCM),
            Line("restart", CCM),  # the key file is older: the list stays
            asked("reset remotekey", ITLR, {0, 1, 2}),
            Line("restart", CCM),
        ],
    ),
    "the whole node restored, and the replica knows more": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("back up the home", OLD_CCM),
            Line("restart", ITLR),
            Line("regen CallManager", ITLR),
            Line("restart", ITLR),
            lost("restore home and TFTP directory", OLD_CCM, {3, 4, 5}),
            Line("restart", ITLR),
            Line("reboot", ITLR),
        ],
    ),
    "the clock jumps ten years ahead, and back before the first day": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("the clock jumps ahead", OLD_CCM),
            Line("restart", ITLR),
            Line("the clock jumps back", ITLR),
            Line("restart", ITLR),
            Line("twelve restarts with a jumping clock", ITLR),
            Line("reboot", ITLR),
        ],
    ),
    "a replica away for a month": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("the replica goes away", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", ITLR),
            Line("a month passes", ITLR),
            Line("regen ITLRecovery", OLD_ITLR),
            Line("restart", OLD_ITLR),
            Line("the replica comes back", OLD_ITLR),
            Line("restart", OLD_ITLR),
        ],
    ),
    "a subscriber, its own key and the publisher's resets": (
        SUBSCRIBER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", OLD_CCM),
            Line("reset localkey", ITLR),
            Line("reboot", ITLR),  # it has no key that all know: the list stays
            asked("trust release", ITLR, set()),
            lost("restart", OLD_CCM, {3, 4, 5}),
            asked("trust release", OLD_CCM, {3, 4, 5}),
            lost("restart", CCM, {0, 1, 2, 3, 4, 5, 6, 7}),
        ],
    ),
    "composes that are interrupted": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("interrupted restart", OLD_CCM),
            Line("regen CallManager", OLD_CCM),
            Line("interrupted restart", OLD_CCM),
            Line("restart", ITLR),
            Line("regen ITLRecovery", OLD_ITLR),
            Line("interrupted restart", OLD_ITLR),
            Line("reboot", OLD_ITLR),
        ],
    ),
    "a person ends it": (
        PUBLISHER,
        [
            Line("restart", CCM),
            Line("regen CallManager", OLD_CCM),
            Line("restart", ITLR),
            asked("trust release", ITLR, set()),
            lost("restart", CCM, {0, 1}),
            lost("reboot", CCM, {0, 1}),
            Line("regen CallManager", OLD_CCM, frozenset({0, 1})),
            lost("restart", ITLR, set()),
        ],
    ),
}
