"""Outcomes of changes to several nodes, as lines. Pure."""

from __future__ import annotations

from cucmsh.services.lists.show_list import Mismatch
from cucmsh.services.outcome import NodeOutcome, Report, State

KEY_STAYS = (
    "The new recovery key is in place all the same: the next TFTP start makes a list "
    "with it."
)


def report_lines(report: Report) -> list[str]:
    """What is left open after a reset; nothing if all nodes are done and serving."""
    lines = [
        f"{outcome.name}: {outcome.state}."
        for outcome in report.outcomes
        if outcome.state in (State.STOPPED, State.UNCHANGED)
    ]
    if report.pending:
        done = len(report.outcomes) - len(report.pending)
        names = ", ".join(outcome.name for outcome in report.pending)
        lines += [
            f"{done} of {len(report.outcomes)} nodes updated; pending: {names}",
            *([KEY_STAYS] if report.is_key_new and not done else ()),
            "Run the command again when they answer; it finishes what is left.",
            "Executed command unsuccessfully",
        ]
    return lines


def delivery_lines(outcomes: list[NodeOutcome]) -> list[str]:
    """Which members did not get a new certificate."""
    return [
        f"The certificate was not brought to {outcome.name}: {outcome.reason}"
        for outcome in outcomes
        if not outcome.is_done
    ]


def mismatch_lines(mismatches: list[Mismatch]) -> list[str]:
    """Nodes that serve another list than they should."""
    return [
        f"{found.name} serves another list: {found.sha1}(SHA1)"
        if found.sha1
        else f"{found.name} could not be compared: {found.problem}"
        for found in mismatches
    ]
