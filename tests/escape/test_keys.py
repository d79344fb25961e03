"""T4: a random tenth of the key sequences. The whole: ``tests.escape.sweep``."""

from __future__ import annotations

import pytest

from tests.escape.node import Target
from tests.escape.rig import SEQUENCES, SHARE, mash_all

pytestmark = pytest.mark.terminal


@pytest.mark.parametrize("part", range(2))
def test_t04_no_key_gets_out_and_the_prompt_comes_back(
    part: int, target: Target, seed: int
) -> None:
    tally = mash_all(target, SEQUENCES // SHARE // 2, seed + part)
    assert not tally.failures, tally.failures
