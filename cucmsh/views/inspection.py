"""What ``cucmsh verify`` prints. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import md5, sha1, sha256

from cucmsh.services.lists.verify_file import Inspection, SignedInspection
from cucmsh.services.lists.verify_table import HeldFile, Row, Table
from cucmsh.trustlist.model import Header
from cucmsh.trustlist.tags import Digest, role_label
from cucmsh.views.times_and_sizes import format_time

NO_CERTIFICATE = "it holds no certificate"


def inspection_lines(inspection: Inspection | SignedInspection) -> list[str]:
    """The file, what is in it, and the verdicts in words."""
    if isinstance(inspection, SignedInspection):
        return _signed_lines(inspection)
    header, records = inspection.trust_list
    lines = _head(inspection.file, inspection.raw, header)
    for number, record in enumerate(records, 1):
        role = "no role" if record.role is None else role_label(record.role)
        lines.append(f"Record {number}:  {role}: {record.subject_name}")
    if inspection.mismatch:
        lines.append(f"The list was not verified: {inspection.mismatch}")
    elif inspection.verdict.is_valid:
        lines.append("The list was verified successfully.")
    else:
        lines.append(f"The list was not verified: {inspection.verdict.reason}")
    if inspection.trust is not None:
        word = "accepts" if inspection.trust.accepted else "refuses"
        lines.append(f"A phone with the held list {word} it: {inspection.trust.reason}")
    return lines


def _head(file: str, raw: bytes, header: Header) -> list[str]:
    return [
        f"File:      {file} ({len(raw)} bytes, {header.file_name})",
        f"MD5:       {md5(raw, usedforsecurity=False).hexdigest()}",
        f"SHA1:      {sha1(raw, usedforsecurity=False).hexdigest()}",
        f"SHA256:    {sha256(raw).hexdigest()}",
        f"Timestamp: {format_time(header.timestamp)}",
        f"Signer:    {header.signer_name}",
    ]


def _signed_lines(inspection: SignedInspection) -> list[str]:
    header, payload = inspection.signed
    digest = header.digest
    known = digest in list(Digest)
    lines = [
        *_head(inspection.file, inspection.raw, header),
        f"Digest:    {Digest(digest).hash_name if known else digest}",
        f"Signed:    a file of {len(payload)} bytes",
    ]
    if inspection.asked != header.file_name:
        lines.append(
            f"A phone takes it only if it asked for {header.file_name}; --as NAME says "
            "what it asked for."
        )
    verdict = inspection.verdict
    if verdict is None:
        lines.append(
            f"The file was not verified: {NO_CERTIFICATE}; name the list that phones "
            "hold with --against."
        )
    elif verdict.accepted:
        lines.append("The file was verified successfully.")
        lines.append(f"A phone with the held list accepts it: {verdict.reason}")
    else:
        lines.append(f"A phone with the held list refuses it: {verdict.reason}")
    return lines


def table_lines(table: Table) -> list[str]:
    """A line for each file and held list: what a phone does, and why."""
    rows = [("File", "Held", "Phone", "Why")]
    for row in table.rows:
        rows += _rows_of(row, table.held)
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{file:{widths[0]}}  {held:{widths[1]}}  {phone:{widths[2]}}  {why}"
        for file, held, phone, why in rows
    ]
    lines += [f"Not looked at: {left.file}: {left.problem}" for left in table.left_out]
    return lines


def _rows_of(row: Row, held: Iterable[HeldFile]) -> list[tuple[str, str, str, str]]:
    if row.seen is None:
        return [(row.file, "-", "unreadable", row.problem)]
    fault = "" if row.is_sound else fault_of(row.seen)
    if not row.verdicts:
        word = "-" if row.seen.is_good else "unverified"
        return [(row.file, "-", word, fault or "The list verifies.")]
    rows = []
    for holding, verdict in zip(held, row.verdicts, strict=True):
        accepted = verdict.accepted and not fault
        why = verdict.reason if not verdict.accepted or accepted else fault
        word = "accepts" if accepted else "refuses"
        rows.append((row.file, holding.file, word, why))
    return rows


def fault_of(seen: Inspection | SignedInspection) -> str:
    """Why a file is not verified by itself; empty if it is."""
    if isinstance(seen, SignedInspection):
        return "" if seen.verdict else NO_CERTIFICATE
    return seen.mismatch or seen.verdict.reason
