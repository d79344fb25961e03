"""A finding is a line, and many alike are not ten thousand."""

from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.views.health import SHOWN, finding_lines


def test_level_what_and_advice_stand_on_one_line() -> None:
    findings = [
        Finding(Level.OK, "the ITL verifies"),
        Finding(Level.FAIL, "phones refuse\na.xml.", "Run `utils tftp sign`."),
    ]
    assert finding_lines(findings) == [
        "ok    the ITL verifies",
        "fail  phones refuse a.xml. Run `utils tftp sign`.",
    ]


def test_many_alike_are_counted() -> None:
    alike = [Finding(Level.FAIL, f"{n}.xml", "Sign it.") for n in range(SHOWN + 5)]
    lines = finding_lines([*alike, Finding(Level.OK, "all else")])
    assert len(lines) == SHOWN + 2
    assert lines[-2:] == ["fail  and 5 more like these. Sign it.", "ok    all else"]
