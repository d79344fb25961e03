"""Our own shapes of classes and ``with`` blocks are what the library's are."""

from __future__ import annotations

import contextlib
import copy
import enum
import pickle
import typing
from collections.abc import Callable, Iterator

import pytest

from cucmsh import scopes, shapes


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
    assert Ours._field_defaults == Theirs._field_defaults
    assert tuple(Ours._make(["y", 2])) == tuple(Theirs._make(["y", 2])) == ("y", 2)
    assert Ours(size=2, name="y") == Ours("y", size=2) == Ours("y", 2)
    assert hash(ours) == hash(theirs)
    for copied in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert copied == ours
        assert type(copied) is Ours
    match ours:
        case Ours(name, size=3):
            assert name == "x"
        case _:
            pytest.fail("it does not match its own pattern")
    with pytest.raises(AttributeError):
        ours.other = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        ours.name = "y"  # type: ignore[misc]


@pytest.mark.parametrize("kind", [Ours, Theirs])
def test_a_named_tuple_takes_every_field_once_and_no_other(
    kind: Callable[..., object],
) -> None:
    with pytest.raises(TypeError, match="name"):
        kind()
    with pytest.raises(TypeError):
        kind("x", 1, 2)
    with pytest.raises(TypeError):
        kind("x", name="y")
    with pytest.raises(TypeError, match="other"):
        kind("x", other=1)
    with pytest.raises((TypeError, ValueError), match="other"):
        kind("x")._replace(other=1)  # type: ignore[attr-defined]


def test_a_word_is_what_enum_makes() -> None:
    for kind in (OurWord, TheirWord):
        assert kind("two") is kind.TWO
        assert [word.value for word in kind] == ["one", "two"]
        assert kind.ONE == "one"
        assert f"{kind.ONE}" == "one"
        assert isinstance(kind.ONE, str)
        with pytest.raises(ValueError, match="'three' is not a valid"):
            kind("three")


def _fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("library", [scopes, contextlib])
def test_a_scope_is_what_contextlib_makes(library: typing.Any) -> None:
    seen: list[str] = []

    @library.contextmanager  # type: ignore[untyped-decorator]
    def scope(name: str, *, swallows: bool = False) -> Iterator[str]:
        """A scope."""
        seen.append("in")
        try:
            yield name
        except LookupError:
            if not swallows:
                raise
        finally:
            seen.append("out")

    with scope("x") as name:
        seen.append(name)
    assert seen == ["in", "x", "out"]
    assert scope.__doc__ == "A scope."
    error = KeyError("kept")
    with pytest.raises(KeyError) as caught, scope("x"):
        _fail(error)
    assert caught.value is error
    with scope("x", swallows=True):
        _fail(KeyError())
    with pytest.raises(KeyboardInterrupt), scope("x"):
        _fail(KeyboardInterrupt())
    assert seen.count("in") == seen.count("out") == 4

    @library.contextmanager  # type: ignore[untyped-decorator]
    def other() -> Iterator[None]:
        try:
            yield
        except LookupError as problem:
            raise ValueError("another") from problem

    with pytest.raises(ValueError, match="another"), other():
        _fail(KeyError())


@pytest.mark.parametrize("library", [scopes, contextlib])
def test_a_scope_that_yields_twice_is_not_passed_over(library: typing.Any) -> None:
    @library.contextmanager  # type: ignore[untyped-decorator]
    def twice() -> Iterator[None]:
        with contextlib.suppress(LookupError):
            yield
        yield

    with pytest.raises(RuntimeError, match="didn't stop"), twice():
        pass
    with pytest.raises(RuntimeError, match="didn't stop"), twice():
        _fail(KeyError())


@pytest.mark.parametrize("library", [scopes, contextlib])
def test_suppress_leaves_out_the_named_errors_only(library: typing.Any) -> None:
    with library.suppress(KeyError, OSError):
        _fail(FileNotFoundError())
    with library.suppress():
        pass
    with pytest.raises(ValueError, match="kept"), library.suppress(KeyError):
        _fail(ValueError("kept"))
