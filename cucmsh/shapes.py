"""Shapes of classes without ``typing``, ``enum``, ``collections``: for the login.

Those three are a third of what the way to the prompt would import. A type checker sees
the real ones, and `tests/house/test_shapes.py` holds these to them. Imports nothing.
"""

from __future__ import annotations

__all__ = ["TYPE_CHECKING", "Any", "NamedTuple", "Protocol", "StrEnum"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import StrEnum
    from typing import Any, NamedTuple, Protocol
else:
    Any = object

    class Protocol:
        """What a collaborator can do; nobody asks at run time who can."""

    class _Fields(type):
        def __new__(
            cls, name: str, bases: tuple[type, ...], body: dict[str, Any]
        ) -> type:
            if not bases:
                return super().__new__(cls, name, bases, body)
            fields = tuple(body.get("__annotations__", ()))
            body["_field_defaults"] = {
                field: body.pop(field) for field in fields if field in body
            }
            body["_fields"] = body["__match_args__"] = fields
            for index, field in enumerate(fields):
                body[field] = property(lambda self, index=index: self[index])
            return type(name, (_Record,), {"__slots__": (), **body})

    class NamedTuple(metaclass=_Fields):
        """A tuple whose fields have names; see ``typing.NamedTuple``."""

    class _Record(tuple):
        __slots__ = ()

        def __new__(cls, *values: Any, **named: Any) -> Any:
            if named or len(values) != len(cls._fields):
                values = (*values, *cls._rest(values, named))
            return tuple.__new__(cls, values)

        @classmethod
        def _rest(cls, values: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
            open_fields = cls._fields[len(values) :]
            known = {**cls._field_defaults, **named}
            missing = [field for field in open_fields if field not in known]
            excess = [name for name in named if name not in open_fields]
            if missing or excess or len(values) > len(cls._fields):
                raise TypeError(
                    f"{cls.__name__} has the fields {cls._fields}: "
                    f"missing {missing}, too much {excess}, {len(values)} by place"
                )
            return [known[field] for field in open_fields]

        @classmethod
        def _make(cls, values: Any) -> Any:
            return cls(*values)

        def _asdict(self) -> dict[str, Any]:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **named: Any) -> Any:
            return type(self)(**{**self._asdict(), **named})

        def __getnewargs__(self) -> tuple[Any, ...]:
            return tuple(self)

        def __repr__(self) -> str:
            fields = zip(self._fields, self, strict=True)
            text = ", ".join(f"{name}={value!r}" for name, value in fields)
            return f"{type(self).__name__}({text})"

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
