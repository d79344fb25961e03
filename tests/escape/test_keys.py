"""T4: some random key sequences. The whole, 200,000: ``tests.escape.sweep``."""

from __future__ import annotations

import pytest

from tests.escape.node import Target
from tests.escape.rig import mash_all
from tests.rigs.draws import drawn

pytestmark = pytest.mark.terminal

SEQUENCES = 4000


def test_t04_no_key_gets_out_and_the_prompt_comes_back(
    target: Target, seed: int
) -> None:
    tally = mash_all(target, drawn(SEQUENCES), seed)
    assert not tally.failures, tally.failures
