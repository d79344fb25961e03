"""Shapes of classes without ``typing`` and ``enum``: a fourth of a login's imports.

For what a login waits for; a type checker sees the real ones. Named tuples here are
those of ``collections``, which ``typing`` takes too. Imports nothing of ours.
"""

from __future__ import annotations

__all__ = ["TYPE_CHECKING", "Any", "NamedTuple", "Protocol", "StrEnum"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import StrEnum
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

    class _Words(type):
        def __new__(
            cls, name: str, bases: tuple[type, ...], body: dict[str, Any]
        ) -> type:
            made = super().__new__(cls, name, bases, body)
            made.members = {}
            for key, text in body.items():
                if key.isupper():
                    made.members[text] = member = str.__new__(made, text)
                    setattr(made, key, member)
            return made

        def __call__(cls, text: str) -> str:
            try:
                return cls.members[text]
            except KeyError:
                raise ValueError(f"{text!r} is not a valid {cls.__name__}") from None

        def __iter__(cls) -> Any:
            return iter(cls.members.values())

    class StrEnum(str, metaclass=_Words):
        """A closed set of words; see ``enum.StrEnum``."""

        __slots__ = ()

        @property
        def value(self) -> str:
            return str.__str__(self)
