"""The nodes of a cluster, a row each. Pure."""

from __future__ import annotations

from cucmsh.hosts import host_port
from cucmsh.services.joining.nodes import Seen

HEAD = ("Name", "Role", "Address", "Login", "TFTP")


def node_rows(seen: list[Seen]) -> list[str]:
    """A row a node in columns, and below it what stands in the way."""
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
    problems = [
        f"{entry.node.name}: {problem}"
        for entry in seen
        for problem in (entry.problem, entry.refusal)
        if problem
    ]
    return [line.rstrip() for line in lines] + problems
