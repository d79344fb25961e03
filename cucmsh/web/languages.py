"""Which language a page is shown in: English, or one with a catalogue.

A catalogue is a gettext file, ``locale/LANGUAGE/LC_MESSAGES/page.po`` beside this
module, and its compiled twin.
"""

from __future__ import annotations

import gettext
import os
from collections.abc import Callable

ENGLISH = "en"
_LOCALE = os.path.join(os.path.dirname(__file__), "locale")
_MOST = 10  # languages that a browser may name


class Languages:
    """All that there are."""

    def __init__(self) -> None:
        found = os.listdir(_LOCALE) if os.path.isdir(_LOCALE) else []
        self._known: dict[str, gettext.NullTranslations] = {
            name: gettext.translation("page", _LOCALE, [name])
            for name in sorted(found)
            if gettext.find("page", _LOCALE, [name])
        }

    def choose(self, accepted: str) -> str:
        """The language for an ``Accept-Language``; the first one that is known."""
        wanted: list[tuple[float, str]] = []
        for part in accepted.split(",")[:_MOST]:
            name, _, weight = part.partition(";")
            try:
                rank = float(weight.strip().removeprefix("q=") or 1)
            except ValueError:
                continue
            wanted.append((rank, name.strip().lower().partition("-")[0]))
        for rank, name in sorted(wanted, key=lambda each: -each[0]):
            if rank > 0 and (name == ENGLISH or name in self._known):
                return name
        return ENGLISH

    def translator(self, language: str) -> Callable[[str], str]:
        """Translates a text of a template; the text itself where that is unknown."""
        known = self._known.get(language)
        return known.gettext if known is not None else str
