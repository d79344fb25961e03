"""The nodes of a cluster, a row each. Pure."""

from __future__ import annotations

from cucmsh.hosts import host_port
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.node_status import NodeHealth
from cucmsh.views.findings import finding_lines

HEAD = ("Name", "Role", "Address", "Login", "TFTP")


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
