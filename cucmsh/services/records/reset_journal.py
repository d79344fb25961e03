"""The journal of a reset of the ITL that is under way, and its pending nodes.

Written under the cluster's lock, before anything is changed, so that after a crash it
names too many nodes, never too few. It explains; the hashes of the lists decide. A
journal that is unreadable, of a newer version or of another cluster is ignored, and the
next login says so (docs/security.md F23).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from cucmsh.errors import StoreError
from cucmsh.layout import JOURNAL, facts_file
from cucmsh.services.nodes.node_id import kept_id, renamed, with_ids
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.records.waiting import note_waiting
from cucmsh.services.records.work import OpenWork, Work, now, texts
from cucmsh.services.site import Site

VERSION = 1  # of its file


class OpenReset(NamedTuple):
    """A reset that is under way, or was not finished; enough to go on with it.

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


def begin_reset(site: Site, reset: OpenReset) -> None:
    """Before anything changes: this reset is under way; ``at`` is now.

    Raises:
        StoreError: it cannot be written.
    """
    _write_reset(site, reset._replace(at=now(site)))


def put_back_reset(site: Site, earlier: OpenReset) -> None:
    """A later one changed nothing: this one is as unfinished as it was, since then.

    Raises:
        StoreError: it cannot be written.
    """
    _write_reset(site, earlier)


def end_reset(site: Site, reset: OpenReset) -> None:
    """Everything was tried: keep who is pending, or nothing at all.

    Raises:
        StoreError: it cannot be written; the file still names too many nodes.
    """
    _write_or_forget(site, reset._replace(at=now(site)))


def read_reset(site: Site) -> OpenReset | None:
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
    present = renamed(site, found.get("ids"))
    names, ran = (
        tuple(present.get(name, name) for name in map(str, said))
        for said in (pending, active)
    )
    given_up = tuple(texts(found.get("given_up")))
    return OpenReset(command, before, sha256, key, names, ran, at, given_up)


def unfinished_list(site: Site) -> str:
    """SHA-256 of the list of a reset that was not finished, or empty."""
    reset = read_reset(site)
    return reset.sha256 if reset else ""


def settle_push(
    site: Site, sha256: str, done: Collection[str], problems: Mapping[str, str]
) -> None:
    """A push to the replicas is over. Called under the cluster's lock, as a reset is.

    What it brought counts for an open reset too, first: a crash in between leaves a
    replica in the push's file that needs nothing any more.

    Args:
        site: this publisher.
        sha256: of the list that was pushed.
        done: the replicas that were proven to serve it.
        problems: the others, and why.

    Raises:
        StoreError: it cannot be written.
    """
    reset = read_reset(site)
    if reset is not None and reset.sha256 == sha256:
        left = tuple(name for name in reset.pending if name not in done)
        if left != reset.pending:
            _write_or_forget(site, reset._replace(pending=left))
    note_waiting(site, Work.PUSH, problems)


def drop_pending(site: Site, name: str) -> None:
    """This node has left the cluster: a reset waits for it no more.

    Raises:
        StoreError: it cannot be written.
    """
    reset = read_reset(site)
    if reset is not None and name in (*reset.pending, *reset.active):
        pending, active = (
            tuple(other for other in names if other != name)
            for names in (reset.pending, reset.active)
        )
        _write_or_forget(site, reset._replace(pending=pending, active=active))


def open_resets(site: Site) -> list[OpenWork]:
    """The open reset, if there is one that can be understood."""
    reset = read_reset(site)
    if reset is None:
        return []
    finish = f"utils itl reset {reset.command}"
    line = (
        f"The ITL reset of {reset.at} is not finished; pending: "
        f"{', '.join(reset.pending)}. Run `{finish}` again."
    )
    nodes = dict.fromkeys(reset.pending, "")
    return [OpenWork(Work.RESET, line, nodes, reset.at, finish)]


def ignored_resets(site: Site) -> list[OpenWork]:
    """The journal that lies there, told for a caller that found no open reset."""
    folder, _, name = facts_file(JOURNAL).rpartition("/")
    if name not in site.home.names(folder):
        return []
    line = (
        "The journal of the last ITL reset cannot be read, or is not of this "
        "version and cluster; it is ignored."
    )
    return [OpenWork(Work.RESET, line, {})]


def _write_or_forget(site: Site, reset: OpenReset) -> None:
    if reset.pending:
        _write_reset(site, reset)
    else:
        forget(site.home, JOURNAL)


def _write_reset(site: Site, reset: OpenReset) -> None:
    facts = reset._asdict()
    for name in ("pending", "active", "given_up"):
        facts[name] = list(facts[name])
    facts |= {"version": VERSION, "cluster": _cluster(site)}
    named = dict.fromkeys((*reset.pending, *reset.active))
    facts |= {"publisher": kept_id(site), "ids": with_ids(site, named)}
    remember(site.home, JOURNAL, facts)


def _is_of_this_cluster(site: Site, found: dict[str, object]) -> bool:
    """By the publisher's name, or by its id where it was renamed."""
    if found.get("cluster") == _cluster(site):
        return True
    return bool(found.get("publisher")) and found.get("publisher") == kept_id(site)


def _cluster(site: Site) -> str:
    cluster = site.settings.cluster
    return cluster.full_name(cluster.publisher)
