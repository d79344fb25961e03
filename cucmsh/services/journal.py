"""What the last reset did, for the next login. It explains; the hashes decide.

Unreadable or foreign journals are ignored (threats-and-faults.md F23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cucmsh.errors import StoreError
from cucmsh.services.pending import pending_replicas, unsigned_files
from cucmsh.services.site import Site
from cucmsh.services.state import forget, keep_mark, read_published, recall, remember

if TYPE_CHECKING:  # a login reads the journal, and reports nothing
    from cucmsh.services.outcome import Report


def open_reset(site: Site, sha256: str, names: list[str]) -> None:
    """Before anything changes: a reset to that list is under way for these nodes."""
    since = site.clock.now().isoformat(timespec="seconds")
    remember(site.home, "journal", {"sha256": sha256, "pending": names, "at": since})


def close_reset(site: Site, sha256: str, report: Report) -> None:
    """Everything was tried: keep who is pending, or nothing at all."""
    names = [outcome.name for outcome in report.pending]
    if names:
        open_reset(site, sha256, names)
    else:
        forget(site.home, "journal")


def unfinished_reset(site: Site) -> str:
    """SHA-256 of the list of a reset that was not finished, or empty."""
    return str(recall(site.home, "journal").get("sha256", ""))


def login_notice(site: Site) -> str:
    """One line for each thing left open; empty if all is well. Reads five files.

    Unreadable state is told and keeps nobody from logging in.
    """
    try:
        return "\n".join(_open_things(site))
    except StoreError as problem:
        return f"The state of this node is unreadable: {problem.message}"


def _open_things(site: Site) -> list[str]:
    lines = []
    found = recall(site.home, "journal")
    pending = found.get("pending")
    if isinstance(pending, list) and pending:
        names = ", ".join(str(name) for name in pending)
        lines.append(
            f"The ITL reset of {found.get('at')} is not finished; pending: {names}. "
            "Run `utils itl reset localkey` again."
        )
    elif keep_mark(site.home):
        lines.append(
            "The reset ITL of this node was not read back through TFTP yet; "
            "every TFTP start keeps it until it is."
        )
    published = read_published(site.home)
    if published and published.remark:
        lines.append(f"The ITL of this node: {published.remark}")
    return [*lines, *pending_replicas(site), *unsigned_files(site)]
