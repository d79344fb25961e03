"""docs/lesson.md, typed in one lab as it stands there; what it names is to be seen.

The commands run with ``-c``; a class types them at the prompt.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.rigs.lab import CUCMSH

pytestmark = pytest.mark.thorough

PAGE = Path(__file__).parents[2] / "docs" / "lesson.md"
SECONDS = 60  # a guard against a hang


def parts() -> Iterator[tuple[list[str], list[str]]]:
    """Blocks of commands, each with the words to look for until the next one."""
    text = PAGE.read_text(encoding="utf-8").split("\n## Glossary\n")[0]
    pieces = re.split(r"```text\n(.*?)```", text, flags=re.DOTALL)
    for block, after in zip(pieces[1::2], pieces[2::2], strict=True):
        lines = block.splitlines()
        assert all(line.startswith("admin:") for line in lines), lines
        looked = re.findall(r"\*\*Look\*\*([^\n]*)", after)
        words = [word for line in looked for word in re.findall(r"`([^`]+)`", line)]
        yield [line.removeprefix("admin:") for line in lines], words


@pytest.fixture(scope="module")
def described() -> Iterator[dict[str, Any]]:
    """The lab that the lesson begins with."""
    (begin,) = re.findall(r"Begin with `cucmsh (lab [^`]*)`", PAGE.read_text())
    lifeline, held = os.pipe()
    words = [*CUCMSH, *begin.split(), "--serve", "--lifeline", str(lifeline)]
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        pass_fds=[lifeline],
    ) as process:
        os.close(lifeline)
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            os.close(held)


@pytest.mark.lab
@pytest.mark.loopback
@pytest.mark.longer
def test_lesson_is_true(described: dict[str, Any]) -> None:
    config = described["publisher"]["config"]
    seen = 0
    for lines, words in parts():
        said = ""
        for line in lines:
            is_reset = line.startswith("utils itl reset")
            answer = described["passwords"]["ccm"] if is_reset else "yes"
            done = subprocess.run(
                [*CUCMSH, "--config", config, "-c", line],
                input=f"{answer}\n",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=SECONDS,
            )
            said += done.stdout
        for word in words:
            assert word in said, f"{lines[-1]}: {word!r} is not in\n{said}"
        seen += len(words)
    assert seen > 10


def test_every_word_of_the_glossary_is_explained_once() -> None:
    glossary = PAGE.read_text(encoding="utf-8").split("\n## Glossary\n")[1]
    words = re.findall(r"^\| ([^|]+) \|", glossary, re.MULTILINE)[2:]
    assert len(words) == len(set(words))
    assert {"ITL", "CTL", "TVS", "SAST", "hold timer"} <= set(words)
    assert words == sorted(words, key=lambda word: word.strip("`.").lower())
