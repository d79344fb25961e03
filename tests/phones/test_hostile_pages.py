"""Any bytes as a phone's page, and any text on one of ours."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cucmsh.errors import PageError
from cucmsh.phones.page_reader import read_page
from cucmsh.phones.pages import page, status_page
from tests.phones.made_facts import MODELS, made_facts

pytestmark = pytest.mark.thorough

WHOLE = (
    b"<TR><TD><B>Cisco IP Phone CP-8845 ( SEP001122334455 )</B></TD></TR><!-- -->"
    b"<TR><TD><B> ITL signature</B></TD><td width=20></TD><TD><B>0F 1E 2D 3C 4B 5A 69 "
    b"78 87 96 A5 B4 C3 D2 E1 F0 </B></TD></TR>"
    b"<TR><TD>[8:52:30am 10/01/19]\nITL &#105;nstalled</TD></TR><status/>"
)


def test_every_prefix_is_a_value_or_the_one_error() -> None:
    for length in range(len(WHOLE)):
        try:
            read_page(WHOLE[:length])
        except PageError:
            continue


@given(st.binary(max_size=300), st.integers(0, len(WHOLE)))
def test_any_bytes_are_a_value_or_the_one_error(raw: bytes, at: int) -> None:
    try:
        said = read_page(WHOLE[:at] + raw + WHOLE[at:])
    except PageError:
        return
    assert all(line.isprintable() for line in said.status)


@pytest.mark.parametrize(
    "unit",
    [b"<td>", b"<tr>", b"<!--", b"&#99", b"<a ", b"<script>", b"1:02:03p x<br>"],
)
def test_reading_takes_linear_time(unit: bytes) -> None:
    def seconds(size: int) -> float:
        raw = (unit * size)[:size]
        begun = time.process_time()
        with contextlib.suppress(PageError):
            read_page(raw)
        return time.process_time() - begun

    small = min(seconds(1 << 15) for _ in range(3))
    large = min(seconds(1 << 17) for _ in range(3))  # one may meet a collection
    assert large < 16 * small + 0.1


@given(text=st.text(), model=st.sampled_from(sorted(MODELS)))
def test_any_text_stays_a_text(text: str, model: str) -> None:
    facts = made_facts(model, text)
    plain = page(made_facts(model, "x"), status_page(facts.family))
    found = page(facts, status_page(facts.family))
    assert found is not None
    assert plain is not None
    assert found.body.count(b"<") == plain.body.count(b"<")
    assert found.body.count(b">") == plain.body.count(b">")
