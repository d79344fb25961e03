"""What was begun and is not done: for whom, since when, and how it is finished.

``open_work`` answers for everything: a reset, a push to the replicas, a list that is
not proven, a start or a signing that failed. It explains; the hashes decide. A login
reads it, so nothing heavy is imported.

Each kind has a file of its own in ``state/`` (docs/decisions/026). What was begun by
``adoption`` and ``phones`` is written by them, and only told here.
"""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.errors import StoreError, one_line
from cucmsh.layout import ADOPTION, JOURNAL, PHONE_RESETS
from cucmsh.services.records.rename_journal import open_renames
from cucmsh.services.records.reset_journal import (
    drop_pending,
    ignored_resets,
    open_resets,
    read_reset,
)
from cucmsh.services.records.start_notes import open_signings, open_starts
from cucmsh.services.records.state import keep_mark, read_published, recall
from cucmsh.services.records.waiting import drop_waiting, open_waiting
from cucmsh.services.records.work import RESTART, UNKNOWN, OpenWork, Work
from cucmsh.services.site import Site

ADOPT = "cucmsh adopt"


def open_work(site: Site) -> list[OpenWork]:
    """All that is open, in the order in which a login tells it. Reads fifteen files.

    Raises:
        StoreError: a file cannot be read.
    """
    recall(site.home, JOURNAL)  # what it raises is told
    return [
        *(open_resets(site) or ignored_resets(site)),
        *_open_proofs(site),
        *_open_remarks(site),
        *open_starts(site),
        *open_waiting(site, Work.PUSH),
        *open_signings(site),
        *_open_adoptions(site),
        *open_renames(site),
        *open_waiting(site, Work.NAMES),
        *open_waiting(site, Work.RELEASE),
        *open_waiting(site, Work.PASSWORDS),
        *open_waiting(site, Work.CERTIFICATES),
        *open_waiting(site, Work.PASSING),
        *open_waiting(site, Work.LISTS),
        *_open_phone_resets(site),
    ]


def login_notice(site: Site) -> str:
    """One line for each thing left open; empty if all is well.

    Unreadable state is told and keeps nobody from logging in.
    """
    try:
        return "\n".join(one_line(work.line) for work in open_work(site))
    except StoreError as problem:
        return f"The state of this node is unreadable: {problem.message}"


def drop_node(site: Site, name: str) -> None:
    """A node has left the cluster: nothing waits for it; the other nodes still wait.

    Raises:
        StoreError: it cannot be written.
    """
    drop_waiting(site, name)
    drop_pending(site, name)


def _open_proofs(site: Site) -> Iterator[OpenWork]:
    if read_reset(site) is None and keep_mark(site.home):
        line = (
            "The reset ITL of this node was not read back through TFTP yet; "
            "every TFTP start keeps it until it is."
        )
        yield OpenWork(Work.PROOF, line, {site.node.name: ""}, finish=RESTART)


def _open_remarks(site: Site) -> Iterator[OpenWork]:
    published = read_published(site.home)
    if published and published.remark:
        line = f"The ITL of this node: {published.remark}"
        yield OpenWork(Work.COMPOSE, line, {site.node.name: published.remark})


def _open_adoptions(site: Site) -> list[OpenWork]:
    """The adoption that was begun and broke off, if there is one."""
    found = recall(site.home, ADOPTION)
    if not found:
        return []
    since = str(found.get("at", ""))
    line = (
        f"An adoption was begun at {since or UNKNOWN} and not finished; nothing that "
        f"is served has changed. Run `{ADOPT}` again with the same options."
    )
    return [OpenWork(Work.ADOPTION, line, {site.node.name: ""}, since, ADOPT)]


def _open_phone_resets(site: Site) -> list[OpenWork]:
    """Phones that were to be reset and were not told, if there are some."""
    found = recall(site.home, PHONE_RESETS)
    left = found.get("left")
    if not isinstance(left, list) or not left:
        return []
    since, action = str(found.get("at", "")), str(found.get("action", ""))
    command = f"utils phone {action} {found.get('which', '')}"
    line = (
        f"{len(left)} of {found.get('phones')} phones were not told to {action}, since "
        f"{since or UNKNOWN}. Run `{command}`."
    )
    return [OpenWork(Work.PHONES, line, {site.node.name: ""}, since, command)]
