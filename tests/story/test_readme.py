"""The transcript in docs/lab.md is what a lab says today, and the README's is of it."""

from collections.abc import Callable

import pytest

from tests.rigs.lab import Lab
from tests.story.transcript import CUT, PAGE, PHONES, in_the_page, play, steady

README = PAGE.parents[1] / "README.md"


@pytest.mark.lab
@pytest.mark.loopback
@pytest.mark.terminal
def test_transcript_in_the_page_is_what_a_lab_says(
    open_lab: Callable[..., Lab],
) -> None:
    """`python -m tests.story.transcript` writes it anew."""
    assert steady(in_the_page()) == steady(play(open_lab(*PHONES)))


def test_transcript_in_the_readme_is_cut_from_the_page() -> None:
    _, rest = README.read_text(encoding="utf-8").split("```text\n")
    pieces = rest.split("```\n")[0].split(f"{CUT}\n")
    page = in_the_page()
    at = 0
    for piece in pieces:
        assert piece in page[at:]
        at = page.index(piece, at) + len(piece)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150
