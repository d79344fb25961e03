"""The files that the run begins with are there."""

from __future__ import annotations

from tests.conftest import LONGEST
from tests.house.product import ROOT


def test_every_long_file_is_there_once() -> None:
    paths = [ROOT / "tests" / f"{name}.py" for name in LONGEST]
    assert [path for path in paths if not path.exists()] == []
    assert len(set(LONGEST)) == len(LONGEST)
