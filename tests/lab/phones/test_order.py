"""How many phones of which model: what is understood, and what is refused in words."""

import pytest

from cucmsh.errors import UsageError
from cucmsh.lab.phones.order import MOST_PHONES, phones_of

KNOWN = ("7940", "7965", "8845")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1", ["SEP02C188450001"]),
        ("3", ["SEP02C188450001", "SEP02C188450002", "SEP02C179650001"]),
        ("7965:1,8845:2", ["SEP02C179650001", "SEP02C188450001", "SEP02C188450002"]),
        ("0007", None),
    ],
)
def test_words_become_phones(text: str, names: list[str] | None) -> None:
    found = [phone.name for phone in phones_of(text, KNOWN)]
    assert len(set(found)) == len(found)
    assert names is None or found == names


def test_a_phone_keeps_its_address_when_others_come() -> None:
    few, many = (phones_of(text, KNOWN) for text in ("8845:2", "7965:5,8845:900"))
    assert set(few) < set(many)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0", "asks for no phone"),
        ("8845:0", "asks for no phone"),
        ("7965:2,8845:0", "asks for no phone"),
        ("", "no number of phones"),
        ("-1", "no number of phones"),
        ("two", "no number of phones"),
        ("8845", f"at most {MOST_PHONES}"),
        ("9" * 5000, f"at most {MOST_PHONES}"),
        ("8845:600,7965:401", f"at most {MOST_PHONES}"),
        ("8845:1,8845:2", "twice"),
        ("8845:1,", "no number of phones"),
        ("1234:1", "models are 7940, 7965, 8845"),
        ("8845:\N{SUPERSCRIPT TWO}", "no number of phones"),
    ],
)
def test_other_words_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        phones_of(text, KNOWN)
