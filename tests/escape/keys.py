"""Random keys, as nobody types them: a session lives, and does only what it may.

A sequence is one to three keys, of a person's terminal or of nobody's: Tab, ``?`` and
arrows most, Ctrl and Alt with everything, pastes that end and such that do not, words
that commands know, mouse reports, answers of terminals that were not asked, raw bytes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from tests.escape.modes import PATIENCE, SECONDS, Pty
from tests.escape.node import Target

GROUP = 50  # sequences that are typed at once
ROUND = 2000  # sequences after which the session must answer
WORDS = (
    *(
        "show",
        "show itl",
        "show version active",
        "show cert own ",
        "show cert list own",
    ),
    *("file view activelog audit", "file view activelog au\t\r", "nnpbe", "nq"),
    *("file", "file list tftp *", "file get tftp ", "ITLRecovery.p12", "ITLFile.tlv"),
    *("utils", "utils service list", "utils service restart Cisco Tftp", "utils tftp "),
    *("utils itl reset localkey", "utils itl reset remotekey 127.0.0.1:9 u p", "help"),
    *("set", "set cert regen ", "set cli pagination on", "set cli pagination off"),
    *(
        "CallManager",
        "TVS",
        "yes",
        "no",
        "y",
        "n",
        "sh",
        "/bin/sh",
        "!sh",
        "|",
        ";",
        "$(",
    ),
    *("-", "--help", "../", "/etc/shadow", "admin:", "q", "exit now", "*", "'", '"'),
)
ARROWS = (*(f"\x1b[{letter}" for letter in "ABCD"), "\x1bOA", "\x1bOB")
MORE_KEYS = (
    *(
        "\x1b[H",
        "\x1b[F",
        "\x1b[1~",
        "\x1b[2~",
        "\x1b[3~",
        "\x1b[4~",
        "\x1b[5~",
        "\x1b[6~",
    ),
    *("\x1bOP", "\x1bOQ", "\x1b[15~", "\x1b[24~", "\x1b[1;5C", "\x1b[1;3D", "\x1b[Z"),
    *("\x1b[I", "\x1b[O", "\x1b[24;80R", "\x1b[<0;3;4M", "\x1b[M !!", "\x1b[?1;2c"),
    *(
        "\x1b]52;c;AAAA\x07",
        "\x1b]0;x\x07",
        "\x1bP+q\x1b\\",
        "\x1b[31m",
        "\x1b[",
        "\x1b",
    ),
)
CTRL = (*(chr(code) for code in range(32) if code not in (4, 9, 13)), "\x7f")
HIDDEN = ("\u202e", "\u200b", "\x85", "\x9b", "\u2028", "\ufeff", "\U000e0041")


def _letter(dice: random.Random) -> str:
    return chr(dice.randrange(32, 127))


def _paste(dice: random.Random) -> str:
    text = dice.choice(("", "\r", "\n")).join(dice.choices(WORDS, k=2))
    return f"\x1b[200~{text}{dice.choice(chr(10) + ' ' + chr(9))}\x1b[201~"


KINDS: tuple[tuple[int, Callable[[random.Random], str]], ...] = (
    (8, lambda _: "\t"),
    (7, lambda _: "?"),
    (14, lambda dice: dice.choice(ARROWS)),
    (14, lambda dice: dice.choice(CTRL)),
    (14, lambda dice: dice.choice(WORDS) + dice.choice(("", " "))),
    (10, _letter),
    (8, lambda _: "\r"),
    (4, lambda dice: f"\x1b{_letter(dice)}"),
    (4, lambda dice: dice.choice(MORE_KEYS)),
    (3, _paste),
    (2, lambda dice: dice.choice(HIDDEN)),
    (1, lambda dice: chr(dice.choice((0x6F22, 0x1F600, 0x301, 0xDC80, 0xDCFF)))),
    (1, lambda dice: "\x18" + dice.choice("\x05()e\x18\x16")),
)
_WEIGHTS = [weight for weight, _ in KINDS]
_MAKERS = [make for _, make in KINDS]


def sequence(dice: random.Random) -> bytes:
    """One to three keys."""
    makers = dice.choices(_MAKERS, _WEIGHTS, k=dice.randint(1, 3))
    text = "".join(make(dice) for make in makers)
    return text.encode("utf-8", "surrogateescape")


def mash(target: Target, count: int, seed: int) -> tuple[int, int]:
    """Type so many sequences; gives how many a session took, and of how many sessions.

    Ctrl-D, ``exit`` and ``quit`` are rare on purpose: what comes behind them in the
    same group is typed to nobody, and is not counted.
    """
    dice = random.Random(seed)
    way = Pty(target)
    way.settle()
    taken = 0
    while taken < count:
        for _ in range(ROUND // GROUP):
            keys = [sequence(dice) for _ in range(GROUP)]
            if dice.randrange(40) == 0:
                keys.append(dice.choice((b"\x15\x04", b"\x15exit\r", b"\x15quit\r")))
            way.put(b"".join(keys))
            if way.is_open:
                taken += GROUP
            else:
                way.settle()
        answers(way, f"nothing{taken}")
    way.close()
    return taken, way.sessions


def answers(way: Pty, mark: str) -> None:
    """Whatever was typed, the session comes back to a prompt that works."""
    wanted = f"no command '{mark}'".encode()
    deadline = time.monotonic() + SECONDS
    while wanted not in way.seen:
        assert time.monotonic() < deadline, f"no answer, but {way.seen!r}"
        if not way.is_open:
            way.settle()
        way.put(b"\x1b[201~q\x03\x15help %b\r" % mark.encode())
        while way.is_open and wanted not in way.seen and way.listen(PATIENCE):
            pass
