"""Our own shapes of classes are what the library's are."""

from __future__ import annotations

import enum
import typing

import pytest

from cucmsh import shapes


class Ours(shapes.NamedTuple):
    """A tuple of ours."""

    name: str
    size: int = 3

    @property
    def twice(self) -> int:
        return 2 * self.size


class Theirs(typing.NamedTuple):
    """A tuple of typing's."""

    name: str
    size: int = 3

    @property
    def twice(self) -> int:
        return 2 * self.size


class OurWord(shapes.StrEnum):
    """A word of ours."""

    ONE = "one"
    TWO = "two"


class TheirWord(enum.StrEnum):
    """A word of enum's."""

    ONE = "one"
    TWO = "two"


def test_a_named_tuple_is_what_typing_makes() -> None:
    ours, theirs = Ours("x"), Theirs("x")
    assert tuple(ours) == tuple(theirs)
    assert ours.twice == theirs.twice == 6
    assert ours._replace(size=4)._asdict() == theirs._replace(size=4)._asdict()
    assert Ours._fields == Theirs._fields
    assert Ours.__match_args__ == Theirs.__match_args__
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert (Ours.__doc__, Ours.__module__) == ("A tuple of ours.", Theirs.__module__)
    for missing in (Ours, Theirs):
        with pytest.raises(TypeError, match="name"):
            missing()  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        ours.other = 1  # type: ignore[attr-defined]


def test_a_word_is_what_enum_makes() -> None:
    for kind in (OurWord, TheirWord):
        assert kind("two") is kind.TWO
        assert [word.value for word in kind] == ["one", "two"]
        assert kind.ONE == "one"
        assert f"{kind.ONE}" == "one"
        assert isinstance(kind.ONE, str)
        with pytest.raises(ValueError, match="'three' is not a valid"):
            kind("three")
