"""Lists of files, and what was found in them, in the original's form. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cucmsh.services.file_delete import Deleted
from cucmsh.services.file_search import Search
from cucmsh.services.files import Entry
from cucmsh.views.times_and_sizes import iso_time

Document = dict[str, object]
# What the original calls the folders on screen.
SHOWN = {"tftp": "/usr/local/cm/tftp", "activelog": "/var/log/active"}
MONTHS = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


def listing_lines(folders: Sequence[str], files: Sequence[str]) -> Iterator[str]:
    """``file list``."""
    yield from (f"<dir>    {folder}" for folder in folders)
    yield from files
    yield f"dir count = {len(folders)}, file count = {len(files)}"


def detailed_lines(entries: Sequence[Entry]) -> Iterator[str]:
    """``file list ... detail`` (docs/cli.md#files)."""
    for entry in entries:
        when = datetime.fromtimestamp(entry.modified).astimezone()
        day = f"{when:%d} {MONTHS[when.month - 1]},{when:%Y %H:%M:%S}"
        size = "<dir>  " if entry.size is None else f"{entry.size:,}"
        yield f"{day}{size:>13}  {entry.name}"
    folders = sum(entry.size is None for entry in entries)
    yield f"dir count = {folders}, file count = {len(entries) - folders}"


def search_lines(area: str, spec: str, found: Search) -> Iterator[str]:
    """``file search``: a line names its file where there are several.

    Args:
        area: ``tftp`` or ``activelog``.
        spec: as it was typed.
        found: what was found.
    """
    shown = SHOWN[area]
    yield f"Searching path: {shown}/{spec}"
    for file in found.files:
        path = f"{shown}/{file.path}"
        yield f"Searching file: {path}"
        lead = f"{path}:" if len(found.files) > 1 else ""
        yield from (f"{lead}{line}" for line in file.lines)
    if found.is_cut:
        yield "More lines match; they are not shown."
    yield "Search completed"


def detailed_document(node: str, entries: Sequence[Entry]) -> Document:
    """``file list ... detail`` as JSON."""
    return {
        "node": node,
        "folders": [entry.name for entry in entries if entry.size is None],
        "files": [entry.name for entry in entries if entry.size is not None],
        "entries": [
            {
                "name": entry.name,
                "size": entry.size,
                "modified": iso_time(datetime.fromtimestamp(entry.modified, UTC)),
            }
            for entry in entries
        ],
    }


def search_document(node: str, found: Search) -> Document:
    """``file search`` as JSON."""
    return {
        "node": node,
        "files": [{"file": f.path, "lines": list(f.lines)} for f in found.files],
        "cut": found.is_cut,
    }


def deleted_document(
    node: str, done: Deleted, refused: Sequence[tuple[str, str]]
) -> Document:
    """``file delete`` as JSON."""
    return {
        "node": node,
        "found": done.found,
        "deleted": done.deleted,
        "refused": [{"file": file, "reason": why} for file, why in refused],
    }


def tail_document(node: str, file: str, lines: Sequence[str]) -> Document:
    """``file tail`` as JSON."""
    return {"node": node, "file": file, "lines": list(lines)}
