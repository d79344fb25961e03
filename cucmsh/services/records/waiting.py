"""Nodes that something is not done for, and why: a file of ``state/`` for each kind.

One mechanism for all work that is done node by node: replicas that are pushed to,
members that get certificates, lists and names. Too many nodes are noted before it is
begun, so that after a crash it names too many, never too few.

Written under the cluster's lock; the replicas by a TFTP start, too, which holds none
(docs/decisions/026); what is known of members' passwords under the node's lock. Names
are those of the configuration now, whatever they were when they were noted
(``services.nodes.node_id``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from cucmsh.config.model import TVS
from cucmsh.layout import (
    CERTIFICATES,
    LISTS,
    OTHER_PASSWORDS,
    PASSING,
    RELEASING,
    REPLICAS,
    UNTOLD,
)
from cucmsh.services.nodes.node_id import renamed, with_ids
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.records.work import (
    RESTART,
    SECURITY,
    SIGN,
    UNKNOWN,
    OpenWork,
    Work,
    now,
    texts,
)
from cucmsh.services.site import Site


class _Waiting(NamedTuple):
    """The name of its file in ``state/``, and the line that tells it."""

    file: str
    line: str


_WAITING = {
    Work.PUSH: _Waiting(
        REPLICAS,
        "Not every replica serves what this publisher does, since {since}: {nodes}. "
        "Run `{finish}` when they answer.",
    ),
    Work.NAMES: _Waiting(
        UNTOLD,
        "A node of this cluster was renamed, or its release was changed, and since "
        "{since} not told: {nodes}. Run `{finish}` when they answer.",
    ),
    Work.RELEASE: _Waiting(
        RELEASING,
        "Not every node is known to serve by the release of this publisher, since "
        "{since}: {nodes}. Run `{finish}` when they answer.",
    ),
    Work.PASSWORDS: _Waiting(
        OTHER_PASSWORDS,
        "Not all members were seen to have the security password of this node, since "
        f"{{since}}: {{nodes}}. Type `{SECURITY}` where it is not the right one.",
    ),
    Work.CERTIFICATES: _Waiting(
        CERTIFICATES,
        "Certificates of this node were not brought, since {since}, to {nodes}: TVS "
        "there does not know them. Run `{finish}` when they answer.",
    ),
    Work.PASSING: _Waiting(
        PASSING,
        "Certificates of subscribers were not passed on, since {since}, to {nodes}: "
        "TVS there does not know them. Run `{finish}` when they answer.",
    ),
    Work.LISTS: _Waiting(
        LISTS,
        "Not every subscriber was given the ITL that this publisher signs for it, "
        f"since {{since}}: {{nodes}}. Run `{RESTART}` there when it answers.",
    ),
}


def note_waiting(site: Site, work: Work, problems: Mapping[str, str]) -> None:
    """These nodes wait since now, and why each does; no other, so perhaps none.

    Raises:
        StoreError: it cannot be written.
    """
    _write(site, work, problems, now(site))


def add_waiting(
    site: Site, work: Work, names: Iterable[str], why: str = "not tried"
) -> None:
    """These nodes wait, too.

    Raises:
        StoreError: it cannot be written.
    """
    problems = read_waiting(site, work)
    note_waiting(site, work, {**problems, **dict.fromkeys(names, why)})


def settle_waiting(site: Site, work: Work, done: Collection[str]) -> None:
    """It is done for these nodes, or they have left; the others wait as before.

    Raises:
        StoreError: it cannot be written.
    """
    since, problems = _read(site, work)
    left = {name: why for name, why in problems.items() if name not in done}
    if left != problems:
        _write(site, work, left, since)


def drop_waiting(site: Site, name: str) -> None:
    """This node has left the cluster: it waits for nothing.

    Raises:
        StoreError: it cannot be written.
    """
    for work in _WAITING:
        settle_waiting(site, work, (name,))


def read_waiting(site: Site, work: Work) -> dict[str, str]:
    """The nodes that wait, and why each does.

    Raises:
        StoreError: the file cannot be read.
    """
    return _read(site, work)[1]


def open_waiting(site: Site, work: Work) -> list[OpenWork]:
    """What is told of those nodes; nothing where none waits.

    Raises:
        StoreError: the file cannot be read.
    """
    since, problems = _read(site, work)
    if not problems:
        return []
    finish = _finish(site, work)
    line = _WAITING[work].line.format(
        since=since or UNKNOWN, nodes=", ".join(_shown(problems)), finish=finish
    )
    return [OpenWork(work, line, problems, since, finish)]


def _finish(site: Site, work: Work) -> str:
    """The command that goes on with it here; empty where it may be another node's."""
    if work in (Work.LISTS, Work.PASSWORDS):
        return ""
    if work is Work.PUSH:
        return SIGN
    if work is Work.RELEASE:
        return f"set release {site.settings.release}"
    return RESTART if site.node.has_tftp else f"utils service restart {TVS}"


def _write(site: Site, work: Work, problems: Mapping[str, str], since: str) -> None:
    name = _WAITING[work].file
    if not problems:
        if recall(site.home, name):
            forget(site.home, name)
        return
    facts: dict[str, object] = {
        "at": since,
        "names": [*problems],
        "reasons": [*problems.values()],
    }
    if work is Work.PUSH:  # all that earlier versions read and write
        facts["open"] = _shown(problems)
    if ids := with_ids(site, problems):
        facts["ids"] = ids
    remember(site.home, name, facts)


def _read(site: Site, work: Work) -> tuple[str, dict[str, str]]:
    """Since when, if it is known; the reason for each node by its name of now."""
    found = recall(site.home, _WAITING[work].file)
    names, reasons = texts(found.get("names")), texts(found.get("reasons"))
    if not names or len(names) != len(reasons):  # an earlier version wrote it
        parts = [entry.partition(" (") for entry in texts(found.get("open"))]
        names = [name for name, _, _ in parts]
        reasons = [why.removesuffix(")") for _, _, why in parts]
    present = renamed(site, found.get("ids"))
    names = [present.get(name, name) for name in names]
    return str(found.get("at", "")), dict(zip(names, reasons, strict=True))


def _shown(problems: Mapping[str, str]) -> list[str]:
    return [f"{name} ({why})" for name, why in problems.items()]
