"""What is open of names: this node's unfinished rename, and who was not told of one.

The journal of a rename has the SHA-256 of each certificate as it was, so that what is
left to be made is read off the certificates themselves: they decide, it explains. It is
written before the configuration, which is the first thing that changes. Both files are
written under the cluster's lock, and read at a login.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from cucmsh.layout import RENAMING, UNTOLD
from cucmsh.services.nodes.node_id import renamed, with_ids
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site


class OpenRename(NamedTuple):
    """A rename of this node that was begun.

    Attributes:
        command: how it was asked for.
        name: the host name to be.
        domain: the domain to be; may be empty.
        units: ``UNIT SHA256`` of each certificate that is to be made anew, as it was.
        at: when it was begun or last tried, ISO 8601.
        tvs_stays: all but the TVS certificate is done, which is still needed as it is,
            and by whom; empty while more is left.
    """

    command: str
    name: str
    domain: str
    units: tuple[str, ...]
    at: str = ""
    tvs_stays: str = ""


def write_rename(site: Site, rename: OpenRename) -> None:
    """Keep it; ``at`` is now.

    Raises:
        StoreError: it cannot be written.
    """
    facts = rename._replace(at=_now(site))._asdict()
    remember(site.home, RENAMING, {**facts, "units": list(rename.units)})


def read_rename(site: Site) -> OpenRename | None:
    """The one that was begun, if it can be understood.

    Raises:
        StoreError: its file cannot be read.
    """
    found = recall(site.home, RENAMING)
    units = found.get("units")
    names = ("command", "name", "domain", "at", "tvs_stays")
    texts = {name: found.get(name, "") for name in names}
    if not isinstance(units, list) or not (texts["command"] and texts["name"]):
        return None
    said = {name: str(text) for name, text in texts.items()}
    return OpenRename(units=tuple(map(str, units)), **said)


def forget_rename(site: Site) -> None:
    """Nothing is left of it.

    Raises:
        StoreError: it cannot be taken away.
    """
    if recall(site.home, RENAMING):
        forget(site.home, RENAMING)


def is_called_so(site: Site, rename: OpenRename) -> bool:
    """Whether the configuration has the new name already."""
    domain = site.settings.cluster.domain_of(site.node)
    return (site.node.name, domain) == (rename.name, rename.domain)


def add_untold(site: Site, names: Iterable[str], why: str = "not tried") -> None:
    """These members, too, do not know how each node is called now.

    Raises:
        StoreError: it cannot be written.
    """
    problems = dict(read_untold(site)[1]) | dict.fromkeys(names, why)
    _write_untold(site, problems)


def settle_untold(site: Site, told: Collection[str]) -> None:
    """These members know it, or have left; others still wait.

    Raises:
        StoreError: it cannot be written.
    """
    problems = read_untold(site)[1]
    left = {name: why for name, why in problems.items() if name not in told}
    if left != problems:
        _write_untold(site, left)


def read_untold(site: Site) -> tuple[str, Mapping[str, str]]:
    """Since when, and why each member was not told, by its name of now.

    Raises:
        StoreError: the file cannot be read.
    """
    found = recall(site.home, UNTOLD)
    names, reasons = found.get("names"), found.get("reasons")
    if not isinstance(names, list) or not isinstance(reasons, list):
        return "", {}
    now = renamed(site, found.get("ids"))
    problems = dict(zip(map(str, names), map(str, reasons), strict=False))
    at = str(found.get("at", ""))
    return at, {now.get(name, name): why for name, why in problems.items()}


def _write_untold(site: Site, problems: Mapping[str, str]) -> None:
    if not problems:
        if recall(site.home, UNTOLD):
            forget(site.home, UNTOLD)
        return
    facts: dict[str, object] = {
        "at": _now(site),
        "names": [*problems],
        "reasons": [*problems.values()],
        "ids": with_ids(site, problems),
    }
    remember(site.home, UNTOLD, facts)


def _now(site: Site) -> str:
    return site.clock.now().isoformat(timespec="seconds")
