"""Templates: every value is escaped, whatever the file is called.

What others wrote (a name in a certificate, a search) may hold control characters, or
some that turn the direction of a line: they are shown as the
replacement character.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from unicodedata import category

from jinja2 import Environment, PackageLoader, StrictUndefined

from cucmsh.web.languages import Languages


class Templates:
    """The templates of the page.

    Args:
        menu: path and name of each page that the menu has.
    """

    def __init__(self, menu: Iterable[tuple[str, str]]) -> None:
        self._menu = [("/", "Start"), *menu]
        self._languages = Languages()
        self._environment = Environment(
            loader=PackageLoader("cucmsh.web"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_plain,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, accepted: str, **values: Any) -> str:
        """The page.

        Args:
            template: its file.
            accepted: languages, as ``Accept-Language`` has them.
            values: what it shows.
        """
        language = self._languages.choose(accepted)
        return self._environment.get_template(template).render(
            values,
            _=self._languages.translator(language),
            language=language,
            menu=self._menu,
        )


def _plain(value: Any) -> Any:
    if not isinstance(value, str) or value.isprintable():
        return value
    made = type(value)  # what is escaped already stays so
    return made("".join(each if _is_shown(each) else "\ufffd" for each in value))


def _is_shown(each: str) -> bool:
    return each in "\n\r\t" or category(each) not in ("Cc", "Cf", "Cs", "Co", "Cn")
