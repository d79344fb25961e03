"""What every error keeps: one line, whatever it quotes; and what a broken load is."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from cucmsh import errors
from cucmsh.errors import (
    BrokenProgramError,
    CucmshError,
    RefusedError,
    ServiceError,
    StoreError,
    UsageError,
    is_import_failure,
    one_line,
)


@pytest.mark.parametrize("kind", [CucmshError, RefusedError, ServiceError, StoreError])
@pytest.mark.parametrize(
    "told", ["a\nb", "a\r\nb", "a\vb", "a\fb", "a\x85b", "a\u2028b", "a b\n"]
)
def test_message_is_one_line(kind: type[CucmshError], told: str) -> None:
    """What systemctl, sshd, a server or a file name says may have several."""
    assert kind(told).message == "a b"


def test_tabs_and_the_words_of_the_original_stay() -> None:
    assert one_line("a\tb") == "a\tb"
    assert UsageError("first\nsecond").message == "first\nsecond"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "loaded_here", raising=False)
    importlib.invalidate_caches()
    return tmp_path / "loaded_here.py"


@pytest.mark.parametrize(
    "text",
    [
        "import nowhere_at_all",
        "from os import nothing_of_that_name",
        "x = (",
        "import os; os.nothing_of_that_name",
        "1 / 0",
        b"\xff\xff",
        b"a\0b",
    ],
)
def test_load_that_fails_is_told_from_other_breaks(
    package: Path, text: str | bytes
) -> None:
    package.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Exception) as caught:
        importlib.import_module("loaded_here")
    assert is_import_failure(caught.value)
    assert "\n" not in BrokenProgramError(caught.value).message


def test_break_of_a_loaded_function_is_none(package: Path) -> None:
    package.write_text("def broken(): return 1 / 0\n")
    module = importlib.import_module("loaded_here")
    with pytest.raises(ZeroDivisionError) as caught:
        module.broken()
    assert not is_import_failure(caught.value)


def kinds() -> dict[str, str]:
    """Each class of the ground, and the word by which programs know it."""
    found = vars(errors).values()
    classes = [each for each in found if isinstance(each, type)]
    return {
        each.__name__: vars(each).get("kind", "")
        for each in classes
        if issubclass(each, CucmshError)
    }


def test_every_error_has_a_word_of_its_own() -> None:
    words = list(kinds().values())
    assert len(set(words)) == len(words)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", word) for word in words)


def test_the_words_of_errors_are_those_that_are_promised() -> None:
    """Within one schema none goes: who renames a class changes no word."""
    page = Path(__file__).parents[1] / "docs" / "programs.md"
    chapter = page.read_text().split("\n### Errors\n")[1].split("\n#")[0]
    promised = re.findall(r"^\| `([a-z-]+)` \|", chapter, re.MULTILINE)
    assert sorted(promised) == sorted(kinds().values())
