"""F15: phones read while the list is replaced under them."""

from __future__ import annotations

import pytest

from tests.faults.cluster import Cluster
from tests.faults.readers import run

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

READERS, RESETS = 100, 5  # python -m tests.faults.readers takes 1,000 and 50


def test_f15_every_reader_gets_the_old_or_the_new_list_and_all_of_it(
    cluster: Cluster,
) -> None:
    summary = run(cluster, READERS, RESETS)
    assert summary.wrong == []
    assert summary.reads > READERS
    assert summary.unanswered < summary.reads / 2
