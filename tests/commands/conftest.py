"""Clusters of two members that serve their own lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.made_cluster import MadeCluster, cheap_questions, started_cluster


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.fixture
def cluster(tmp_path: Path) -> MadeCluster:
    """``keep_trust`` is off, as in the lab."""
    return started_cluster(tmp_path)


@pytest.fixture
def keeping(tmp_path: Path) -> MadeCluster:
    """The same with ``keep_trust`` on, as in production."""
    return started_cluster(tmp_path, keep_trust=True)
