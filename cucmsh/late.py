"""Names of a package that are imported when they are first asked for (PEP 562).

For packages that many import a little of: whoever shows a version does not pay for what
resets lists. A type checker reads the imports under ``TYPE_CHECKING`` beside the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def late_names(
    package: str, places: Mapping[str, Iterable[str]]
) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: its name, for the error.
        places: for each module, the names of it that the package gives out.

    Raises:
        AttributeError: by what is returned, for a name that stands in no place.
    """
    modules = {name: module for module, names in places.items() for name in names}

    def find(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return find
