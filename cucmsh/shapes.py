"""Shapes of classes without ``typing``: its import is a fifth of a login.

For what a login waits for; a type checker sees the real ones. Named tuples here are
those of ``collections``, which ``typing`` takes too. Imports nothing of ours.
"""

from __future__ import annotations

__all__ = ["TYPE_CHECKING", "Any", "NamedTuple", "Protocol"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, Protocol
else:
    from collections import namedtuple

    Any = object

    class Protocol:
        """What a collaborator can do; nobody asks at run time who can."""

    class _Fields(type):
        def __new__(
            cls, name: str, bases: tuple[type, ...], body: dict[str, Any]
        ) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = body.get("__annotations__", {})
            defaults = [body.pop(field) for field in fields if field in body]
            base = namedtuple(name, fields, defaults=defaults)  # noqa: PYI024
            return type(name, (base,), {"__slots__": (), **body})

    class NamedTuple(metaclass=_Fields):
        """A tuple whose fields have names; see ``typing.NamedTuple``."""
