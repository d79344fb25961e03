"""How many phones of which model a lab is to have, in words: ``3``, ``7965:2,8845:3``.

A phone's MAC address is made of its model and its number among those of that model, so
it is the same in every lab, and its name tells what it is: SEP02C188450001 is the first
8845. ``02`` marks an address that was given by whoever runs the network.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from cucmsh.errors import UsageError
from cucmsh.phones.families import FAMILIES

MOST_PHONES = 1000
KNOWN = tuple(model for family in FAMILIES for model in family.models)
MODELS = ("8845", "7965")  # of a plain number, in turns: both forms of page are seen
_MAC_BEGIN = "02C1"


class PhoneName(NamedTuple):
    """A phone that is to be: its model, such as ``8845``, and its MAC address.

    Twelve upper-case hexadecimal digits.
    """

    model: str
    mac: str

    @property
    def name(self) -> str:
        """As lists, logs and pages call it: ``SEP`` and the MAC address."""
        return f"SEP{self.mac}"


def phones_of(text: str, known: Collection[str] = KNOWN) -> list[PhoneName]:
    """The phones that the words ask for.

    Args:
        text: a number, or models with a number each, ``7965:2,8845:3``.
        known: the models that a lab phone can be of.

    Raises:
        UsageError: it is neither, a model is unknown or named twice, or they are more
            than ``MOST_PHONES``, or none.
    """
    if text.isascii() and text.isdecimal():
        counts = _in_turns(_number(text))
    else:
        counts = _by_model(text, known)
    if 0 in counts.values() and (":" in text or not sum(counts.values())):
        raise UsageError(
            f"{text!r} asks for no phone", "Leave it out for a lab without phones."
        )
    if sum(counts.values()) > MOST_PHONES:
        raise UsageError(
            f"{sum(counts.values())} phones are too many: a lab has at most "
            f"{MOST_PHONES}"
        )
    return [
        PhoneName(model, f"{_MAC_BEGIN}{model}{number:04}")
        for model, count in counts.items()
        for number in range(1, count + 1)
    ]


def _in_turns(total: int) -> dict[str, int]:
    most = len(MODELS)
    return {
        model: (total + most - 1 - place) // most for place, model in enumerate(MODELS)
    }


def _by_model(text: str, known: Collection[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in text.split(","):
        model, colon, count = part.partition(":")
        if not colon or not (count.isascii() and count.isdecimal()):
            raise UsageError(
                f"{text!r} is no number of phones, nor models with a number each, "
                "such as 7965:2,8845:3"
            )
        if model not in known:
            raise UsageError(
                f"no lab phone is a {model!r}; models are {', '.join(sorted(known))}"
            )
        if model in counts:
            raise UsageError(f"{text!r} names the model {model} twice")
        counts[model] = _number(count)
    return counts


def _number(digits: str) -> int:
    """No more digits than the bound needs: a number may be thousands of them."""
    trimmed = digits.lstrip("0") or "0"
    return int(trimmed) if len(trimmed) <= len(str(MOST_PHONES)) else MOST_PHONES + 1
