"""The journal of this node's rename, which was begun and is not finished.

It has the SHA-256 of each certificate as it was, so that what is left to be made is
read off the certificates themselves: they decide, it explains. It is written before the
configuration, which is the first thing that changes, under the cluster's lock. Who was
not told of the new name is in ``waiting``.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.layout import RENAMING
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.records.work import UNKNOWN, OpenWork, Work, now
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
    facts = rename._replace(at=now(site))._asdict()
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


def open_renames(site: Site) -> list[OpenWork]:
    """The rename of this node that was begun and is not finished, if there is one.

    Raises:
        StoreError: its file cannot be read.
    """
    rename = read_rename(site)
    if rename is None:
        return []
    finish, since = rename.command, rename.at
    what = f"The rename of this node, `{finish}` of {since or UNKNOWN},"
    if rename.tvs_stays:
        line = (
            f"{what} left the TVS certificate under the earlier name, for "
            f"{rename.tvs_stays.removesuffix('.')}. Run it again when they hold a "
            "later ITL."
        )
    elif not is_called_so(site, rename):
        line = f"{what} was begun, and nothing has changed yet. Run it again."
    else:
        line = f"{what} is not finished. Run it again."
    return [OpenWork(Work.RENAME, line, {site.node.name: ""}, since, finish)]
