"""What ``cucmsh verify`` prints. Pure."""

from __future__ import annotations

from hashlib import md5, sha1, sha256

from cucmsh.services.inspect import Inspection
from cucmsh.trustlist.tags import role_label
from cucmsh.views.times import format_time


def inspection_lines(inspection: Inspection) -> list[str]:
    """The file, its records, and the verdicts in words."""
    header, records = inspection.trust_list
    raw = inspection.raw
    lines = [
        f"File:      {inspection.file} ({len(raw)} bytes, {header.file_name})",
        f"MD5:       {md5(raw, usedforsecurity=False).hexdigest()}",
        f"SHA1:      {sha1(raw, usedforsecurity=False).hexdigest()}",
        f"SHA256:    {sha256(raw).hexdigest()}",
        f"Timestamp: {format_time(header.timestamp)}",
        f"Signer:    {header.signer_name}",
    ]
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
