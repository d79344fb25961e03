"""The table of the plan says beforehand what phones then do, as the oracle judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.services.adoption.apply import preview
from cucmsh.services.adoption.material import Request
from tests.rigs.draws import some
from tests.services.adoption.person import Person
from tests.services.adoption.test_starts import (
    AND_CAPF,
    PASSWORD,
    REFUSED,
    STARTS,
    STAYS,
    TABLE,
    TAKEN,
    Newcomer,
)
from tests.services.made_cluster import cheap_questions

pytestmark = pytest.mark.thorough

SAID = {TAKEN: True, STAYS: True, REFUSED: False}
ASLEEP = 5  # columns of the table that are about phones that slept
WITH_LISTS = [row for row in TABLE if row[0] != "files of zero bytes"]


@pytest.fixture(autouse=True)
def cheap_things(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_questions(monkeypatch)


@pytest.mark.parametrize(("start", "handed", "expected"), some(WITH_LISTS, 4))
def test_the_plan_foresees_what_phones_answer(
    start: str, handed: str, expected: tuple[str, ...], tmp_path: Path
) -> None:
    newcomer = Newcomer(tmp_path / "new", STARTS[start]())
    keys = []
    for at, raw in enumerate(
        newcomer.start.keys.get(handed.removesuffix(AND_CAPF), ())
    ):
        path = tmp_path / f"key{at}"
        path.write_bytes(raw)
        keys.append(str(path))
    request = Request((str(newcomer.tftp),), tuple(keys))
    plan = preview(newcomer.reopened(), request, Person(passwords=(PASSWORD,)))
    row, *_ = plan.rows
    asleep = [SAID[at] for at in expected[:ASLEEP]]
    assert [answer.accepted for answer in row.answers] == asleep
    assert plan.is_locking_out is not bool(handed)
    assert [made.is_kept for made in plan.made[:4]] == [
        answer == STAYS for answer in expected[:4]
    ]
