"""The commands of a chapter of docs/production.md, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMPT = "# "


PRODUCTION = "Production"
REBUILDING = "When the publisher is dead"


def commands(chapter: str, sources: Path = ROOT) -> dict[str, list[str]]:
    """What root types, by the bold words that head it, in the chapter's order.

    Keys are the heading's number (``1``) or first words (``Removal``). A command may
    have several lines; placeholders in capitals are left as they are. In the sources of
    builds before that page the chapters stand in the README.
    """
    page = sources / "docs" / "production.md"
    page = page if page.exists() else sources / "README.md"
    text = page.read_text().split(f"\n## {chapter}\n")[1].split("\n## ")[0]
    found: dict[str, list[str]] = {}
    heading, inside = "", False
    for line in text.splitlines():
        bold = re.match(r"\*\*(\d+|[^.,:*]+)", line)
        if line.startswith("```"):
            inside = line == "```sh"
        elif bold and not inside:
            heading = bold.group(1)
        elif inside and line.startswith(PROMPT):
            found.setdefault(heading, []).append(line.removeprefix(PROMPT))
        elif inside and heading in found:
            found[heading][-1] += f"\n{line}"
    return found
