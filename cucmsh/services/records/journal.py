"""What the last reset did, for the next login. It explains; the hashes decide.

Names of nodes are those of the configuration now, whatever they were when the reset
was begun (``services.nodes.node_id``). A journal that is unreadable, of a newer version
or of another cluster is ignored, and the next login says so (docs/security.md F23).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from cucmsh.errors import StoreError, one_line
from cucmsh.layout import JOURNAL, facts_file
from cucmsh.services.nodes.node_id import kept_id, renamed, with_ids
from cucmsh.services.records.pending import (
    pending_replicas,
    start_problems,
    unsigned_files,
)
from cucmsh.services.records.state import (
    forget,
    keep_mark,
    read_published,
    recall,
    remember,
)
from cucmsh.services.site import Site

VERSION = 1


class Journal(NamedTuple):
    """An open reset.

    Attributes:
        command: how it was asked for, ``localkey`` or ``remotekey``.
        before: SHA-256 of the list that the publisher served.
        sha256: that of the new list.
        key: that of the certificate of the key that signs.
        pending: the nodes that are not done.
        active: the nodes whose TFTP service ran when it was begun.
        at: when it was begun or last tried, ISO 8601.
        given_up: SHA-256 of the lists on other nodes whose phones will refuse it, as a
            person agreed.
    """

    command: str
    before: str
    sha256: str
    key: str
    pending: tuple[str, ...]
    active: tuple[str, ...] = ()
    at: str = ""
    given_up: tuple[str, ...] = ()


def open_reset(site: Site, journal: Journal) -> None:
    """Before anything changes: this reset is under way; ``at`` is now."""
    at = site.clock.now().isoformat(timespec="seconds")
    _write(site, journal._replace(at=at))


def _write(site: Site, journal: Journal) -> None:
    facts = journal._asdict()
    for name in ("pending", "active", "given_up"):
        facts[name] = list(facts[name])
    facts |= {"version": VERSION, "cluster": _cluster(site)}
    named = dict.fromkeys((*journal.pending, *journal.active))
    facts |= {"publisher": kept_id(site), "ids": with_ids(site, named)}
    remember(site.home, JOURNAL, facts)


def close_reset(site: Site, journal: Journal) -> None:
    """Everything was tried: keep who is pending, or nothing at all."""
    if journal.pending:
        open_reset(site, journal)
    else:
        forget(site.home, JOURNAL)


def forget_in_journal(site: Site, name: str) -> None:
    """A node that has left the cluster is not waited for; the others still are."""
    journal = read_journal(site)
    if journal is None or name not in (*journal.pending, *journal.active):
        return
    left = journal._replace(
        pending=tuple(other for other in journal.pending if other != name),
        active=tuple(other for other in journal.active if other != name),
    )
    if left.pending:
        _write(site, left)  # begun when it was begun
    else:
        forget(site.home, JOURNAL)


def settle_in_journal(site: Site, sha256: str, names: Collection[str]) -> None:
    """Nodes that were proven to serve the list of the open reset are done with it.

    For a push, which may bring a replica what the reset could not. Called under the
    cluster's lock, as the reset itself is.
    """
    journal = read_journal(site)
    if journal is None or journal.sha256 != sha256:
        return
    pending = tuple(name for name in journal.pending if name not in names)
    if not pending:
        forget(site.home, JOURNAL)
    elif pending != journal.pending:
        _write(site, journal._replace(pending=pending))  # begun when it was begun


def read_journal(site: Site) -> Journal | None:
    """The open reset, or None without one that can be understood."""
    try:
        found = recall(site.home, JOURNAL)
    except StoreError:  # such as one that is too large; the next login tells it
        return None
    pending, active = found.get("pending"), found.get("active")
    if (
        found.get("version") != VERSION
        or not _is_of_this_cluster(site, found)
        or not isinstance(pending, list)
        or not isinstance(active, list)
    ):
        return None
    command, before, sha256, key, at = (
        str(found.get(name, ""))
        for name in ("command", "before", "sha256", "key", "at")
    )
    now = renamed(site, found.get("ids"))
    names, ran = (
        tuple(now.get(name, name) for name in map(str, said))
        for said in (pending, active)
    )
    given_up = found.get("given_up")
    lost = tuple(map(str, given_up)) if isinstance(given_up, list) else ()
    return Journal(command, before, sha256, key, names, ran, at, lost)


def unfinished_reset(site: Site) -> str:
    """SHA-256 of the list of a reset that was not finished, or empty."""
    journal = read_journal(site)
    return journal.sha256 if journal else ""


def _is_there(site: Site) -> bool:
    folder, _, name = facts_file(JOURNAL).rpartition("/")
    return name in site.home.names(folder)


def _is_of_this_cluster(site: Site, found: dict[str, object]) -> bool:
    """By the publisher's name, or by its id where it was renamed."""
    if found.get("cluster") == _cluster(site):
        return True
    return bool(found.get("publisher")) and found.get("publisher") == kept_id(site)


def _cluster(site: Site) -> str:
    cluster = site.settings.cluster
    return cluster.full_name(cluster.publisher)


def login_notice(site: Site) -> str:
    """One line for each thing left open; empty if all is well. Reads seven files.

    Unreadable state is told and keeps nobody from logging in.
    """
    try:
        return "\n".join(map(one_line, _open_things(site)))
    except StoreError as problem:
        return f"The state of this node is unreadable: {problem.message}"


def _open_things(site: Site) -> list[str]:
    lines = []
    recall(site.home, JOURNAL)  # what it raises is told
    journal = read_journal(site)
    if journal:
        lines.append(
            f"The ITL reset of {journal.at} is not finished; pending: "
            f"{', '.join(journal.pending)}. "
            f"Run `utils itl reset {journal.command}` again."
        )
    elif _is_there(site):
        lines.append(
            "The journal of the last ITL reset cannot be read, or is not of this "
            "version and cluster; it is ignored."
        )
    if journal is None and keep_mark(site.home):
        lines.append(
            "The reset ITL of this node was not read back through TFTP yet; "
            "every TFTP start keeps it until it is."
        )
    published = read_published(site.home)
    if published and published.remark:
        lines.append(f"The ITL of this node: {published.remark}")
    lines += start_problems(site)
    return [*lines, *pending_replicas(site), *unsigned_files(site)]
