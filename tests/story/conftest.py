"""Labs and prompts for the story's tests."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.rigs.lab import Lab
from tests.rigs.terminal import Prompt


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab for all tests of a module, kept directory."""
    made = Lab(tmp_path_factory.mktemp("lab") / "cluster")
    yield made
    assert made.stop() == 0


@pytest.fixture
def shell(lab: Lab) -> Iterator[Prompt]:
    """The publisher's prompt."""
    opened = lab.prompt()
    yield opened
    opened.child.close(force=True)


@pytest.fixture
def open_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Start labs that the test may break."""
    made: list[Lab] = []

    def start(*options: str, root: Path = tmp_path / "own") -> Lab:
        made.append(Lab(root, *options))
        return made[-1]

    yield start
    for each in made:
        if each.process.poll() is None:
            each.stop()
