"""What ``cucmsh doctor`` found, one finding a line. Pure."""

from __future__ import annotations

from itertools import groupby

from cucmsh.errors import one_line
from cucmsh.services.nodes.health.finding import Finding, Level

SHOWN = 20  # findings of one kind; ten thousand unsigned files are one trouble
COLUMN = max(len(level) for level in Level)


def finding_lines(findings: list[Finding]) -> list[str]:
    """A line each: how bad it is, what it is, what to do."""
    lines = []
    for (level, advice), group in groupby(findings, lambda at: (at.level, at.advice)):
        alike = list(group)
        lines += [_line(finding) for finding in alike[:SHOWN]]
        if len(alike) > SHOWN:
            more = f"and {len(alike) - SHOWN} more like these"
            lines.append(_line(Finding(level, more, advice)))
    return lines


def _line(finding: Finding) -> str:
    what = finding.what.rstrip(".")
    advice = f". {finding.advice}" if finding.advice else ""
    return one_line(f"{finding.level:{COLUMN}}  {what}{advice}")
