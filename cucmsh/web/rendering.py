"""Templates: every value is escaped, whatever the file is called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

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
