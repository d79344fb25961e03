"""What a start, signing and pushing files left open, for the next login.

Decides nothing. A login reads it, so nothing heavy is imported.

Replicas are kept as two lists, ``names`` and ``reasons``; beside them ``open`` has both
as ``NAME (WHY)``, which is all that earlier versions read and write.
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
    now = site.clock.now().isoformat(timespec="seconds")
    _keep_replicas(site, problems, now)


def forget_replica(site: Site, name: str) -> None:
    """A replica that is no node any more is not waited for."""
    since, problems = _open_replicas(site)
    left = {known: why for known, why in problems.items() if known != name}
    if left != problems or not left:
        _keep_replicas(site, left, since)


def remember_unsigned(site: Site, problem: str) -> None:
    """Keep why files of this node could not be signed at a start; empty: all were."""
    _keep(site, SIGNING, [problem] if problem else [])


def pending_replicas(site: Site) -> list[str]:
    """A line for the login if a replica serves something else; none if all is well."""
    since, problems = _open_replicas(site)
    if not problems:
        return []
    what = ", ".join(_shown(problems))
    line = (
        f"Not every replica serves what this publisher does, since {since}: "
        f"{what}. Run `utils tftp sign` when they answer."
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


def _keep(site: Site, name: str, what: list[str]) -> None:
    if not what:
        _settle(site, name)
        return
    now = site.clock.now().isoformat(timespec="seconds")
    remember(site.home, name, {"open": what, "at": now})


def _settle(site: Site, name: str) -> None:
    if recall(site.home, name):
        forget(site.home, name)


def _open(site: Site, name: str) -> tuple[str, list[str]]:
    found = recall(site.home, name)
    return str(found.get("at")), _texts(found.get("open"))


def _keep_replicas(site: Site, problems: Mapping[str, str], at: str) -> None:
    if not problems:
        _settle(site, REPLICAS)
        return
    facts: dict[str, object] = {
        "open": _shown(problems),
        "at": at,
        "names": [*problems],
        "reasons": [*problems.values()],
    }
    ids = with_ids(site, problems)
    remember(site.home, REPLICAS, {**facts, "ids": ids} if ids else facts)


def _open_replicas(site: Site) -> tuple[str, dict[str, str]]:
    """Since when, and the reason for each replica by the name that it has now."""
    found = recall(site.home, REPLICAS)
    names, reasons = _texts(found.get("names")), _texts(found.get("reasons"))
    if not names or len(names) != len(reasons):  # an earlier version wrote it
        parts = [entry.partition(" (") for entry in _texts(found.get("open"))]
        names = [name for name, _, _ in parts]
        reasons = [why.removesuffix(")") for _, _, why in parts]
    now = renamed(site, found.get("ids"))
    names = [now.get(name, name) for name in names]
    return str(found.get("at")), dict(zip(names, reasons, strict=True))


def _shown(problems: Mapping[str, str]) -> list[str]:
    return [f"{name} ({why})" for name, why in problems.items()]


def _texts(said: object) -> list[str]:
    return [str(entry) for entry in said] if isinstance(said, list) else []
