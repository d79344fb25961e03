"""The README's transcript is what a lab says today."""

from collections.abc import Callable

import pytest

from tests.story.running import Lab
from tests.story.transcript import in_the_readme, play, steady

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]


def test_transcript_in_the_readme_is_what_a_lab_says(
    open_lab: Callable[..., Lab],
) -> None:
    """`python -m tests.story.transcript` writes it anew."""
    assert steady(in_the_readme()) == steady(play(open_lab()))
