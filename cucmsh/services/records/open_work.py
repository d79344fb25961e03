"""What was begun and is not done: for whom, since when, and how it is finished.

``open_work`` answers for everything: a reset, a push to the replicas, a list that is
not proven, a start or a signing that failed. It explains; the hashes decide. A login
reads it, so nothing heavy is imported.

A reset and a push have a file each in ``state/`` (docs/decisions/026): a TFTP start,
which holds no lock of the cluster, writes the one while a reset writes the other, and
earlier versions read both. Each is written before anything is changed, so that after a
crash it names too many nodes, never too few.

Names of nodes are those of the configuration now, whatever they were when the work was
begun (``services.nodes.node_id``). A reset whose file is unreadable, of a newer version
or of another cluster is ignored, and the next login says so (docs/security.md F23).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from cucmsh.config.model import TVS
from cucmsh.errors import MissingFileError, StoreError, one_line
from cucmsh.layout import (
    ADOPTION,
    CERTIFICATES,
    JOURNAL,
    LISTS,
    PHONE_RESETS,
    REPLICAS,
    RESTORING,
    SIGNING,
    START,
    START_RESULT,
    TFTP_LOG,
    facts_file,
)
from cucmsh.services.nodes.node_id import kept_id, renamed, with_ids
from cucmsh.services.records.open_names import (
    is_called_so,
    read_rename,
    read_untold,
    settle_untold,
)
from cucmsh.services.records.state import (
    forget,
    keep_mark,
    read_published,
    recall,
    remember,
)
from cucmsh.services.site import Site

VERSION = 1  # of the file of a reset
SUCCESS = "success "
LONGEST_RESULT = 64  # characters of what systemd says of a unit
SIGN = "utils tftp sign"
ADOPT = "cucmsh adopt"
RESTORE = "utils disaster_recovery restore network"
RESTART = "utils service restart Cisco Tftp"
UNKNOWN = "an unknown time"  # where a note that was damaged or edited has none


class Kind(StrEnum):
    """What was begun."""

    RESET = "reset"
    PUSH = "push to the replicas"
    PROOF = "proof of a reset's list"
    COMPOSE = "composing the list"
    START = "TFTP start"
    SIGNING = "signing of the phones' files"
    ADOPTION = "adoption of another tool's lists"
    RESTORE = "restore of a backup"
    CERTIFICATES = "bringing certificates to members"
    PHONES = "reset of phones"
    LISTS = "handing lists over to subscribers"
    RENAME = "rename of this node"
    NAMES = "telling members how a node is called"


class OpenWork(NamedTuple):
    """One thing that was begun and is not done.

    Attributes:
        kind: what was begun.
        line: all of it for a person, who reads it at the login.
        nodes: the names of those that it is not done for, and the reason of each, which
            is empty where nobody noted it.
        since: when it was begun or last tried, ISO 8601; empty where nobody noted it.
        finish: the command that goes on with it; empty where ``line`` says what to do.
    """

    kind: Kind
    line: str
    nodes: Mapping[str, str]
    since: str = ""
    finish: str = ""


def open_work(site: Site) -> list[OpenWork]:
    """All that is open, in the order in which a login tells it. Reads thirteen files.

    Raises:
        StoreError: a file cannot be read.
    """
    recall(site.home, JOURNAL)  # what it raises is told
    return [
        *(open_resets(site) or _ignored_resets(site)),
        *_open_proofs(site),
        *_open_remarks(site),
        *open_starts(site),
        *open_pushes(site),
        *open_signings(site),
        *open_adoptions(site),
        *open_renames(site),
        *open_tellings(site),
        *open_restores(site),
        *open_deliveries(site),
        *open_lists(site),
        *open_phone_resets(site),
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
    settle_deliveries(site, (name,))
    settle_lists(site, (name,))
    settle_untold(site, (name,))
    since, problems = _read_push(site)
    left = {known: why for known, why in problems.items() if known != name}
    if left != problems or not left:
        _write_push(site, left, since)
    reset = read_reset(site)
    if reset is None or name not in (*reset.pending, *reset.active):
        return
    reset = reset._replace(
        pending=tuple(other for other in reset.pending if other != name),
        active=tuple(other for other in reset.active if other != name),
    )
    _write_or_forget(site, reset)


# --- A reset. Written under the cluster's lock.


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
    _write_reset(site, reset._replace(at=_now(site)))


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
    _write_or_forget(site, reset._replace(at=_now(site)))


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
    now = renamed(site, found.get("ids"))
    names, ran = (
        tuple(now.get(name, name) for name in map(str, said))
        for said in (pending, active)
    )
    given_up = tuple(_texts(found.get("given_up")))
    return OpenReset(command, before, sha256, key, names, ran, at, given_up)


def unfinished_list(site: Site) -> str:
    """SHA-256 of the list of a reset that was not finished, or empty."""
    reset = read_reset(site)
    return reset.sha256 if reset else ""


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
    return [OpenWork(Kind.RESET, line, nodes, reset.at, finish)]


def _ignored_resets(site: Site) -> Iterator[OpenWork]:
    folder, _, name = facts_file(JOURNAL).rpartition("/")
    if name in site.home.names(folder):
        line = (
            "The journal of the last ITL reset cannot be read, or is not of this "
            "version and cluster; it is ignored."
        )
        yield OpenWork(Kind.RESET, line, {})


# --- A push to the replicas. Written under the cluster's lock, and by a TFTP start.
#
# Kept as two lists, ``names`` and ``reasons``; beside them ``open`` has both as
# ``NAME (WHY)``, which is all that earlier versions read and write.


def note_push(site: Site, problems: Mapping[str, str]) -> None:
    """Replicas do not serve what this node serves, and why; or none is left.

    Raises:
        StoreError: it cannot be written.
    """
    _write_push(site, problems, _now(site))


def settle_push(
    site: Site, sha256: str, done: Collection[str], problems: Mapping[str, str]
) -> None:
    """A push is over. Called under the cluster's lock, as a reset is.

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
    note_push(site, problems)


def _write_push(site: Site, problems: Mapping[str, str], at: str) -> None:
    if not problems:
        _forget_if_there(site, REPLICAS)
        return
    facts: dict[str, object] = {
        "open": _shown(problems),
        "at": at,
        "names": [*problems],
        "reasons": [*problems.values()],
    }
    ids = with_ids(site, problems)
    remember(site.home, REPLICAS, {**facts, "ids": ids} if ids else facts)


def _read_push(site: Site) -> tuple[str, dict[str, str]]:
    """Since when, if it is known; the reason for each replica by its name of now."""
    found = recall(site.home, REPLICAS)
    names, reasons = _texts(found.get("names")), _texts(found.get("reasons"))
    if not names or len(names) != len(reasons):  # an earlier version wrote it
        parts = [entry.partition(" (") for entry in _texts(found.get("open"))]
        names = [name for name, _, _ in parts]
        reasons = [why.removesuffix(")") for _, _, why in parts]
    now = renamed(site, found.get("ids"))
    names = [now.get(name, name) for name in names]
    return str(found.get("at", "")), dict(zip(names, reasons, strict=True))


def _shown(problems: Mapping[str, str]) -> list[str]:
    return [f"{name} ({why})" for name, why in problems.items()]


def open_pushes(site: Site) -> list[OpenWork]:
    """The open push, if a replica serves something else.

    Raises:
        StoreError: its file cannot be read.
    """
    since, problems = _read_push(site)
    if not problems:
        return []
    line = (
        f"Not every replica serves what this publisher does, since {since or UNKNOWN}: "
        f"{', '.join(_shown(problems))}. Run `{SIGN}` when they answer."
    )
    return [OpenWork(Kind.PUSH, line, problems, since, SIGN)]


# --- This node alone: its list, its TFTP start, its signed files.


def note_start(site: Site, problem: str) -> None:
    """No list was composed at the TFTP start of now, and why.

    Raises:
        StoreError: it cannot be written.
    """
    remember(site.home, START, {"open": [problem], "at": _now(site)})


def settle_start(site: Site) -> None:
    """A list was composed; what a failed start left is settled.

    Raises:
        StoreError: it cannot be written.
    """
    _forget_if_there(site, START)
    site.home.remove(START_RESULT)


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


def note_unsigned(site: Site, problem: str) -> None:
    """Files of this node could not be signed now, and why; empty: all are.

    Raises:
        StoreError: it cannot be written.
    """
    if problem:
        remember(site.home, SIGNING, {"open": [problem], "at": _now(site)})
    else:
        _forget_if_there(site, SIGNING)


def _open_proofs(site: Site) -> Iterator[OpenWork]:
    if read_reset(site) is None and keep_mark(site.home):
        line = (
            "The reset ITL of this node was not read back through TFTP yet; "
            "every TFTP start keeps it until it is."
        )
        yield OpenWork(Kind.PROOF, line, {site.node.name: ""}, finish=RESTART)


def _open_remarks(site: Site) -> Iterator[OpenWork]:
    published = read_published(site.home)
    if published and published.remark:
        line = f"The ITL of this node: {published.remark}"
        yield OpenWork(Kind.COMPOSE, line, {site.node.name: published.remark})


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
            f" is served. Mend it, then run `{RESTART}`."
        )
        return [OpenWork(Kind.START, line, {site.node.name: why}, since, RESTART)]
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
    return [OpenWork(Kind.START, line, {site.node.name: result})]


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
    return [OpenWork(Kind.SIGNING, line, {site.node.name: why}, since, SIGN)]


def open_adoptions(site: Site) -> list[OpenWork]:
    """The adoption that was begun and broke off, if there is one.

    Raises:
        StoreError: its file cannot be read.
    """
    found = recall(site.home, ADOPTION)
    if not found:
        return []
    since = str(found.get("at", ""))
    line = (
        f"An adoption was begun at {since or UNKNOWN} and not finished; nothing that "
        f"is served has changed. Run `{ADOPT}` again with the same options."
    )
    return [OpenWork(Kind.ADOPTION, line, {site.node.name: ""}, since, ADOPT)]


def open_restores(site: Site) -> list[OpenWork]:
    """The restore of a backup that was begun and broke off, if there is one.

    Raises:
        StoreError: its file cannot be read.
    """
    found = recall(site.home, RESTORING)
    if not found:
        return []
    since = str(found.get("at", ""))
    words = [str(found.get(key, "")) for key in ("host", "label", "device")]
    finish = f"{RESTORE} {' '.join(words)}"
    line = (
        f"A restore was begun at {since or UNKNOWN} and not finished. Run `{finish}` "
        "again: it does what is left."
    )
    return [OpenWork(Kind.RESTORE, line, {site.node.name: ""}, since, finish)]


# --- Certificates of this node that a member does not have yet. Written under the
# cluster's lock.


def note_deliveries(site: Site, problems: Mapping[str, str]) -> None:
    """Members do not have this node's present certificates, and why; or none is left.

    Raises:
        StoreError: it cannot be written.
    """
    _note_nodes(site, CERTIFICATES, problems)


def settle_deliveries(site: Site, done: Collection[str]) -> None:
    """These members have all of them, or have left; others still wait.

    Raises:
        StoreError: it cannot be written.
    """
    _settle_nodes(site, CERTIFICATES, done)


def _note_nodes(site: Site, name: str, problems: Mapping[str, str]) -> None:
    if not problems:
        _forget_if_there(site, name)
        return
    facts: dict[str, object] = {
        "at": _now(site),
        "names": [*problems],
        "reasons": [*problems.values()],
    }
    ids = with_ids(site, problems)
    remember(site.home, name, {**facts, "ids": ids} if ids else facts)


def _settle_nodes(site: Site, name: str, done: Collection[str]) -> None:
    problems = _noted_nodes(site, name)[1]
    left = {node: why for node, why in problems.items() if node not in done}
    if left != problems:
        _note_nodes(site, name, left)


def _noted_nodes(site: Site, name: str) -> tuple[str, dict[str, str]]:
    found = recall(site.home, name)
    names, reasons = _texts(found.get("names")), _texts(found.get("reasons"))
    now = renamed(site, found.get("ids"))
    problems = dict(zip(names, reasons, strict=False))
    return str(found.get("at", "")), {now.get(n, n): w for n, w in problems.items()}


def open_deliveries(site: Site) -> list[OpenWork]:
    """The members that do not have this node's present certificates.

    Raises:
        StoreError: its file cannot be read.
    """
    since, problems = _noted_nodes(site, CERTIFICATES)
    if not problems:
        return []
    finish = RESTART if site.node.has_tftp else f"utils service restart {TVS}"
    line = (
        f"Certificates of this node were not brought, since {since or UNKNOWN}, to "
        f"{', '.join(_shown(problems))}: TVS there does not know them. "
        f"Run `{finish}` when they answer."
    )
    return [OpenWork(Kind.CERTIFICATES, line, problems, since, finish)]


# --- Names; ``records.open_names`` writes them.


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
    return [OpenWork(Kind.RENAME, line, {site.node.name: ""}, since, finish)]


def open_tellings(site: Site) -> list[OpenWork]:
    """The members that do not know how a node is called now.

    Raises:
        StoreError: its file cannot be read.
    """
    since, problems = read_untold(site)
    if not problems:
        return []
    finish = RESTART if site.node.has_tftp else f"utils service restart {TVS}"
    line = (
        f"A node of this cluster was renamed, and since {since or UNKNOWN} not told: "
        f"{', '.join(_shown(problems))}. Run `{finish}` when they answer."
    )
    return [OpenWork(Kind.NAMES, line, problems, since, finish)]


def _where_to_look(site: Site) -> str:
    if site.settings.lab:  # no systemd is there
        return f"Look at {site.home.root}/{TFTP_LOG}."
    return "Look at `journalctl -u cucmsh-list`."


def _noted(site: Site, name: str) -> tuple[str, str]:
    """When, if it is known, and why, of what is noted; empty if nothing is."""
    found = recall(site.home, name)
    what = _texts(found.get("open"))
    return (str(found.get("at", "")), what[0]) if what else ("", "")


def _forget_if_there(site: Site, name: str) -> None:
    if recall(site.home, name):
        forget(site.home, name)


def _now(site: Site) -> str:
    return site.clock.now().isoformat(timespec="seconds")


def _texts(said: object) -> list[str]:
    return [str(entry) for entry in said] if isinstance(said, list) else []


# --- Resets of phones; ``services.phones.reset_journal`` writes them.


def open_phone_resets(site: Site) -> list[OpenWork]:
    """Phones that were to be reset and were not told, if there are some.

    Raises:
        StoreError: the note cannot be read.
    """
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
    return [OpenWork(Kind.PHONES, line, {site.node.name: ""}, since, command)]


# --- Lists that this publisher makes for subscribers (``lists.member_lists``).


def note_lists(site: Site, problems: Mapping[str, str]) -> None:
    """Subscribers do not have the list that is made for them, and why; or none is left.

    Raises:
        StoreError: it cannot be written.
    """
    _note_nodes(site, LISTS, problems)


def settle_lists(site: Site, done: Collection[str]) -> None:
    """These subscribers have theirs, or have left; others still wait.

    Raises:
        StoreError: it cannot be written.
    """
    _settle_nodes(site, LISTS, done)


def open_lists(site: Site) -> list[OpenWork]:
    """The subscribers that were not given the list that is made for them.

    Raises:
        StoreError: its file cannot be read.
    """
    since, problems = _noted_nodes(site, LISTS)
    if not problems:
        return []
    line = (
        "Not every subscriber was given the ITL that this publisher signs for it, "
        f"since {since or UNKNOWN}: {', '.join(_shown(problems))}. Run `{RESTART}` "
        "there when it answers."
    )
    return [OpenWork(Kind.LISTS, line, problems, since)]
