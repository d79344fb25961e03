"""What a start, signing and pushing files left open, for the next login.

Decides nothing. A login reads it, so nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping

from cucmsh.errors import MissingFileError
from cucmsh.layout import REPLICAS, SIGNING, START, START_RESULT
from cucmsh.services.nodes.node_id import renamed, with_ids
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site

SUCCESS = "success "
LONGEST_RESULT = 64  # characters


def remember_replicas(site: Site, problems: Mapping[str, str]) -> None:
    """Keep which replicas do not serve what this node serves, and why; or none."""
    what = [f"{name} ({why})" for name, why in problems.items()]
    _keep(site, REPLICAS, what, with_ids(site, problems) if what else [])


def forget_replica(site: Site, name: str) -> None:
    """A replica that is no node any more is not waited for."""
    since, what = _open(site, REPLICAS)
    left = [entry for entry in what if not entry.startswith(f"{name} (")]
    if left and left != what:
        names = [entry.partition(" (")[0] for entry in left]
        ids = with_ids(site, names)
        remember(site.home, REPLICAS, {"open": left, "at": since, "ids": ids})
    elif not left:
        _keep(site, REPLICAS, [])


def remember_unsigned(site: Site, problem: str) -> None:
    """Keep why files of this node could not be signed at a start; empty: all were."""
    _keep(site, SIGNING, [problem] if problem else [])


def pending_replicas(site: Site) -> list[str]:
    """A line for the login if a replica serves something else; none if all is well."""
    since, what = _open(site, REPLICAS)
    if not what:
        return []
    line = (
        f"Not every replica serves what this publisher does, since {since}: "
        f"{', '.join(what)}. Run `utils tftp sign` when they answer."
    )
    return [line]


def unsigned_files(site: Site) -> list[str]:
    """A line for the login if files could not be signed at the last start."""
    since, what = _open(site, SIGNING)
    if not what:
        return []
    return [
        f"Files of phones were not signed at {since}: {what[0]}. Run `utils tftp sign`."
    ]


def remember_start(site: Site, problem: str) -> None:
    """Keep why no list was composed at the last TFTP start."""
    _keep(site, START, [problem])


def forget_start(site: Site) -> None:
    """A list was composed; what a failed start left is settled."""
    _keep(site, START, [])
    site.home.remove(START_RESULT)


def start_problems(site: Site) -> list[str]:
    """A line for the login if the last TFTP start could not compose a list."""
    since, what = _open(site, START)
    if what:
        line = (
            f"No list was composed at the TFTP start of {since}: {what[0]}. What lay "
            "there is served. Mend it, then run `utils service restart Cisco Tftp`."
        )
        return [line]
    try:
        raw = site.home.read(START_RESULT)
    except MissingFileError:
        return []
    result = " ".join(raw.decode(errors="replace").split())
    if not 0 < len(result) <= LONGEST_RESULT or not result.isprintable():
        result = "how it ended is not known"
    if result.startswith(SUCCESS) or result.endswith(" 3"):  # then the rest is told
        return []
    line = (
        f"cucmsh did not run as it should before the last TFTP start ({result}): what "
        "lay there is served. Look at `journalctl -u cucmsh-list`."
    )
    return [line]


def _keep(site: Site, name: str, what: list[str], ids: list[str] | None = None) -> None:
    if not what:
        if recall(site.home, name):
            forget(site.home, name)
        return
    now = site.clock.now().isoformat(timespec="seconds")
    facts: dict[str, object] = {"open": what, "at": now}
    remember(site.home, name, {**facts, "ids": ids} if ids else facts)


def _open(site: Site, name: str) -> tuple[str, list[str]]:
    found = recall(site.home, name)
    said = found.get("open")
    what = [str(entry) for entry in said] if isinstance(said, list) else []
    now = renamed(site, found.get("ids"))
    if now:
        parts = [entry.partition(" (") for entry in what]
        what = ["".join((now.get(name, name), *why)) for name, *why in parts]
    return str(found.get("at")), what
