import copy
import pickle
from collections.abc import Callable

import pytest

from cucmsh.secret import Secret

TEXT = "Tr0ub4dor"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__])
def test_a_secret_hides_itself_wherever_it_is_shown(
    show: Callable[[object], str],
) -> None:
    assert TEXT not in show(Secret(TEXT))
    assert len(show(Secret("x"))) == len(show(Secret(TEXT)))


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, hash])
def test_a_secret_is_not_copied_pickled_or_hashed(
    take: Callable[[object], object],
) -> None:
    with pytest.raises(TypeError):
        take(Secret(TEXT))


def test_only_reveal_gives_the_text_away() -> None:
    assert Secret(TEXT).reveal() == TEXT
    assert not hasattr(Secret(TEXT), "__dict__")


@pytest.mark.parametrize("other", ["", "Tr0ub4do", "Tr0ub4dos", "Tr0ub4dorr", "\udcff"])
def test_secrets_are_equal_when_their_texts_are(other: str) -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(other)
    assert Secret(TEXT) != TEXT


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret(" ")
