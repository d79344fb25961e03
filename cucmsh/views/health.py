"""What ``cucmsh doctor`` and ``cucmsh node list`` found, as lines. Pure."""

from __future__ import annotations

from itertools import groupby

from cucmsh.errors import one_line
from cucmsh.hosts import host_port
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.health.node_status import NodeHealth

SHOWN = 20  # findings of one kind; ten thousand unsigned files are one trouble
COLUMN = max(len(level) for level in Level)
HEAD = ("Name", "Role", "Address", "Login", "TFTP")


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


def node_rows(seen: list[NodeHealth]) -> list[str]:
    """A row a node in columns, and below them what is not as it should be."""
    rows = [HEAD]
    for entry in seen:
        node = entry.node
        ssh = node.ssh
        address = host_port(ssh.host, ssh.port) if ssh else "-"
        login = "failed" if entry.problem else "ok"
        rows.append((node.name, node.role.value, address, login, entry.serving.value))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    findings = [at for entry in seen for at in entry.findings]
    bad = [at for at in findings if at.level is not Level.OK]
    return [line.rstrip() for line in lines] + finding_lines(bad)
