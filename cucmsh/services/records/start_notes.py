"""What this node's last TFTP start, and its last signing of files, did not do."""

from __future__ import annotations

from cucmsh.errors import MissingFileError, StoreError
from cucmsh.layout import SIGNING, START, START_RESULT, TFTP_LOG, facts_file
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.records.work import (
    RESTART,
    SIGN,
    UNKNOWN,
    OpenWork,
    Work,
    now,
    texts,
)
from cucmsh.services.site import Site

SUCCESS = "success "
LONGEST_RESULT = 64  # characters of what systemd says of a unit


def note_start(site: Site, problem: str) -> None:
    """No list was composed at the TFTP start of now, and why.

    Raises:
        StoreError: it cannot be written.
    """
    _note(site, START, problem)


def settle_start(site: Site) -> None:
    """A list was composed; what a failed start left is settled.

    Raises:
        StoreError: it cannot be written.
    """
    _note(site, START, "")
    site.home.remove(START_RESULT)


def note_unsigned(site: Site, problem: str) -> None:
    """Files of this node could not be signed now, and why; empty: all are.

    Raises:
        StoreError: it cannot be written.
    """
    _note(site, SIGNING, problem)


def start_record(site: Site) -> tuple[object, object]:
    """What tells one TFTP start from the next: asked before one, and again after it.

    The first is None where no unit of ours writes how it ended.
    """
    return site.home.stamp(START_RESULT), site.home.stamp(facts_file(START))


def note_unrecorded_start(site: Site, before: tuple[object, object]) -> str:
    """A start was asked for and has ended: note it if it left no record of its own.

    The unit that runs our hook writes one however the hook ends, so then either it did
    not run, or nothing can be written there. A node that never had such a record says
    nothing: its service is not joined to the hook, which ``doctor`` tells.

    Args:
        site: this node.
        before: ``start_record`` before it was asked for.

    Returns:
        a line for a person where not even that could be noted, else empty.
    """
    if before[0] is None or start_record(site) != before:
        return ""
    why = (
        "nothing tells of one; cucmsh did not run before the service, or can write no "
        f"file here. {_where_to_look(site)}"
    )
    try:
        note_start(site, why)
    except StoreError as problem:
        return (
            f"No list was composed at this TFTP start, as far as is known: {why} Nor "
            f"can the next login be told: {problem.message}"
        )
    return ""


def open_starts(site: Site) -> list[OpenWork]:
    """The last TFTP start, if it could not compose a list.

    Raises:
        StoreError: its files cannot be read.
    """
    since, why = _noted(site, START)
    if why:
        when = since or UNKNOWN
        line = (
            f"No list was composed at the TFTP start of {when}: "
            f"{why.removesuffix('.')}. What lay there "
            f"is served. Mend it, then run `{RESTART}`."
        )
        return [OpenWork(Work.START, line, {site.node.name: why}, since, RESTART)]
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
        f"lay there is served. {_where_to_look(site)}"
    )
    return [OpenWork(Work.START, line, {site.node.name: result})]


def open_signings(site: Site) -> list[OpenWork]:
    """The last signing of all files, if not all could be signed.

    Raises:
        StoreError: its file cannot be read.
    """
    since, why = _noted(site, SIGNING)
    if not why:
        return []
    when = since or UNKNOWN
    line = f"Files of phones were not signed at {when}: {why}. Run `{SIGN}`."
    return [OpenWork(Work.SIGNING, line, {site.node.name: why}, since, SIGN)]


def _note(site: Site, name: str, problem: str) -> None:
    """Keep the problem of now, or that there is none any more."""
    if problem:
        remember(site.home, name, {"open": [problem], "at": now(site)})
    elif recall(site.home, name):
        forget(site.home, name)


def _noted(site: Site, name: str) -> tuple[str, str]:
    """When, if it is known, and why, of what is noted; empty if nothing is."""
    found = recall(site.home, name)
    what = texts(found.get("open"))
    return (str(found.get("at", "")), what[0]) if what else ("", "")


def _where_to_look(site: Site) -> str:
    if site.settings.lab:  # no systemd is there
        return f"Look at {site.home.root}/{TFTP_LOG}."
    return "Look at `journalctl -u cucmsh-list`."
