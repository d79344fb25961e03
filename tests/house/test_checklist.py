"""Every row of docs/clients.md#checklist has a test of its name."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
NAMES = set(
    re.findall(
        r"^def test_([a-z]\d)_",
        "".join(
            path.read_text()
            for folder in ("terminal", "clients", "commands", "lab")
            for path in TESTS.joinpath(folder).glob("test_*.py")
        ),
        re.MULTILINE,
    )
)
ITEMS = [
    *(f"p{number}" for number in range(1, 8)),
    *(f"e{number}" for number in range(1, 9)),
    *(f"t{number}" for number in range(1, 4)),
    *(f"g{number}" for number in range(1, 4)),
    *(f"d{number}" for number in range(1, 7)),
    *(f"c{number}" for number in range(1, 5)),
]


@pytest.mark.parametrize("item", ITEMS)
def test_item_of_the_checklist_has_a_test_of_its_name(item: str) -> None:
    assert item in NAMES
