"""What came of signing the phones' files. Pure."""

from __future__ import annotations

from cucmsh.errors import one_line
from cucmsh.services.lists.phone_files import WHY_NOT_RENEWED
from cucmsh.services.lists.sign_files import SignReport
from cucmsh.services.outcome import Report

SHOWN = 20  # lines of one kind; ten thousand equal complaints tell no more


def signing_lines(report: SignReport) -> list[str]:
    """The counts, then every file that was not signed, and why."""
    counts = (len(report.signed), len(report.unchanged), len(report.failed))
    lines = ["{} signed, {} unchanged, {} failed".format(*counts)]
    lines += shortened([f"Not signed: {name}: {why}" for name, why in report.failed])
    lines += shortened(
        [
            f"{name} has no plain file beside it, and phones still get it; remove it "
            "if that is wrong."
            for name in report.orphans
        ]
    )
    lines += shortened([f"{name}: {WHY_NOT_RENEWED}" for name in report.encrypted])
    lines += shortened([f"{name}: {misplaced(name)}" for name in report.misplaced])
    return lines


def misplaced(name: str) -> str:
    """What to know of a device's file in a folder that phones do not ask for."""
    folder, _, base = name.rpartition("/")
    return (
        f"phones ask for {base} without a folder, and refuse this one's signed file; "
        "if the TFTP service rewrites names, add to the configuration, under [signing]"
        f': served_as = {{ "{folder}" = "" }}'
    )


def replica_lines(replicas: Report) -> list[str]:
    """What became of the replicas."""
    return [*brought_lines(replicas), *pending_lines(replicas)]


def brought_lines(replicas: Report) -> list[str]:
    """How many files each got; one that needed none is left out."""
    return [
        f"{name}: {count} file{'s' if count > 1 else ''} brought"
        for name, count in replicas.written.items()
        if count
    ]


def pending_lines(replicas: Report) -> list[str]:
    """Which of them do not serve what they should, and why."""
    return [f"{name}: pending: {why}" for name, why in replicas.problems.items()]


def shortened(lines: list[str]) -> list[str]:
    """The first lines, and how many more there are; each is one line."""
    lines = [one_line(line) for line in lines]
    if len(lines) <= SHOWN:
        return lines
    return [*lines[:SHOWN], f"... and {len(lines) - SHOWN} more like these"]
