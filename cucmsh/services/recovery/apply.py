"""What a set or a subscriber holds, brought back to a draft; takes nothing away.

What is missing is written. What is there stays, with two exceptions on a publisher that
was made anew (it has another id than the set's): the set's keys and way to other nodes
take the place of the new ones, which are kept, numbered or in ``earlier/restore-N``.
Histories are united, and the TIMESTAMP of lists goes on from the later one, so that
whatever is composed next is held against every list that anybody may hold.

``put_back`` plans it all on a draft of the node, and then replaces the files that are
other ones there, as one (``records.as_one``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from cucmsh.config.model import FurtherRecord, NodeRole
from cucmsh.config.settings import read_settings
from cucmsh.errors import CucmshError, MissingFileError, TrustListError
from cucmsh.layout import (
    ADOPTED_FOLDER,
    CCM_VERIFIER,
    EARLIER,
    HISTORY,
    IDENTITY,
    IDENTITY_PUBLIC,
    IMPORTED_FOLDER,
    KNOWN_HOSTS,
    LIST_FILE,
    NODE,
    NODES,
    PUBLIC_MODE,
    PUBLISHED,
    RECOVERY_FILE,
    RESTORE_KEPT,
    SERVED_TIMES,
    TRUST_FOLDER,
    facts_file,
    pair_file,
    request_file,
)
from cucmsh.pki.model import Unit
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.certificates.keystore import ImportedKey, Keystore
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.identity import identity_path
from cucmsh.services.nodes.node_id import kept_id, learn
from cucmsh.services.records import as_one
from cucmsh.services.records.as_one import CONFIGURATION
from cucmsh.services.records.history import History
from cucmsh.services.records.state import (
    recall,
    recalled,
    remember,
)
from cucmsh.services.recovery.contents import HOME
from cucmsh.services.site import Site
from cucmsh.storage import unpack
from cucmsh.storage.draft import Written

NOTHING: Mapping[str, bytes] = MappingProxyType({})


class PutBack(NamedTuple):
    """What was done.

    Attributes:
        site: the node, with the configuration as it is then.
        files: how many of the phones' files were written.
        kept_in: where files that were replaced are, relative to the home; empty if
            none was.
    """

    site: Site
    files: int
    kept_in: str


class Brought(NamedTuple):
    """What is brought back.

    Attributes:
        files: of a node, by their names in a set (``home/...``).
        entries: of nodes, for the configuration.
        ids: of nodes, by name.
        records: further records of lists: role and certificate (PEM).
        sast_records: as the configuration has it.
        recovery: the recovery key, opened; None if there is none.
    """

    files: Mapping[str, bytes]
    entries: Iterable[Mapping[str, Any]]
    ids: Mapping[str, str]
    records: Iterable[tuple[int, str]] = ()
    sast_records: int = 0
    recovery: ImportedKey | None = None


def planned(site: Site, whole: Iterable[Brought], kept: str) -> DraftSite:
    """The node as it would be with all of that; it stays as it is.

    Args:
        site: the node.
        whole: what is brought.
        kept: the folder, below the home, for copies of what is replaced.

    Raises:
        ConfigurationError: the nodes make no possible cluster.
    """
    draft = DraftSite(site, asks=True)
    for brought in whole:
        draft = _bring(draft, brought, kept)
    return draft


def put_back(
    site: Site,
    whole: Sequence[Brought],
    label: str,
    phone_files: str = "",
    beside: Mapping[str, bytes] = NOTHING,
) -> PutBack:
    """Bring it all back: the node is as it was, or has all of it.

    Killed once it is decided, it is finished by the next command of the node.

    Args:
        site: the node.
        whole: what is brought.
        label: of the set, or whose it is.
        phone_files: the folder with the phones' files, if there are some.
        beside: further files of the home that are written then.

    Raises:
        ConfigurationError: the nodes make no possible cluster; nothing was changed.
        StoreError: a full disk, for instance: nothing was changed, or it is decided;
            the message says so.
    """
    kept = earlier_folder(site)
    count, restore = 0, as_one.Restore(label)
    if phone_files:
        copies = os.path.join(site.settings.home, RESTORE_KEPT)
        count = unpack.prepare(phone_files, site.tftp.root, copies)
        restore = as_one.Restore(label, f"{kept}/tftp")
    with site.node_lock("a restore"):
        changed = _changed(site, planned(site, whole, kept))
        files = {name: written.raw for name, written in changed.items()}
        modes = {name: written.mode for name, written in changed.items()}
        as_one.replace(site, {**files, **beside}, modes, restore)
    is_kept = kept.rpartition("/")[2] in site.home.folders(EARLIER)
    if CONFIGURATION in files:
        site = site.with_settings(read_settings(site.settings.path))
    return PutBack(site, count, kept if is_kept else "")


def _changed(site: Site, draft: DraftSite) -> dict[str, Written]:
    """The files of the node that the draft has other bytes of."""
    found = {
        name: written
        for name, written in draft.home.written.items()
        if written is not None and _present(site, name) != written.raw
    }
    for name, written in draft.configuration.written.items():
        if written is not None and site.configuration.read(name) != written.raw:
            # It may lie where this account cannot write: that is seen before.
            site.configuration.discard(site.configuration.stage(name, written.raw))
            found[CONFIGURATION] = written
    return found


def _bring(site: DraftSite, brought: Brought, kept: str) -> DraftSite:
    now = _configure(site, brought, kept)
    _unite(now, brought)
    _add_missing(now, brought)
    _go_on_with_timestamp(now, brought)
    is_anew = _is_anew(now, brought)
    if is_anew:
        _restore_way(now, brought, kept)
    _restore_keys(now, brought, kept, is_anew=is_anew)
    if is_anew:
        remember(now.home, NODE, {"id": _id_in(brought)})
    for name, node_id in brought.ids.items():
        if name != now.node.name:
            with suppress(CucmshError):
                learn(now, name, node_id)
    return now


def _configure(site: DraftSite, brought: Brought, kept: str) -> DraftSite:
    """Add the nodes and records that the configuration does not have."""
    from cucmsh.config import editing  # noqa: PLC0415 - tomlkit

    there = {node.name for node in site.settings.cluster.nodes}
    missing = [
        dict(at)
        for at in brought.entries
        # Of a set of another host, its publisher is what this node is now.
        if at["name"] not in there and at["role"] != NodeRole.PUBLISHER.value
    ]
    for entry in missing:
        if "ssh" in entry:  # the key is ours, where this home is
            entry["ssh"] = {**entry["ssh"], "identity": identity_path(site)}
    records = [FurtherRecord(*each) for each in brought.records]
    known = set(site.settings.cluster.records)
    if not missing and known.issuperset(records):
        return site

    def change(text: str, path: str) -> str:
        for entry in missing:
            text = editing.with_node(text, path, entry)
        if not records:
            return text
        return editing.with_records(text, path, records, brought.sast_records)

    name = os.path.basename(site.settings.path)
    present = site.configuration.read(name)
    _write_missing(site, f"{kept}/{name}", present, 0o600)
    return site.with_settings(edit(site, change))


def _unite(site: Site, brought: Brought) -> None:
    history = History(site)
    for name, raw in brought.files.items():
        if name.startswith(f"{HOME}{HISTORY}/"):
            history.unite(raw)
    served = brought.files.get(LIST_FILE)
    if served is not None and history.find(served) is None:
        with suppress(TrustListError):  # it is no phone's
            history.note_held(served)


def _add_missing(site: Site, brought: Brought) -> None:
    folders = (TRUST_FOLDER, IMPORTED_FOLDER, ADOPTED_FOLDER)
    whole = (CCM_VERIFIER, SERVED_TIMES, facts_file(NODES))
    own = f"{TRUST_FOLDER}/{site.node.name}/"
    for at, raw in brought.files.items():
        name = at.removeprefix(HOME)
        is_added = name in whole or name.startswith(tuple(f"{f}/" for f in folders))
        if not at.startswith(HOME) or not is_added or name.startswith(own):
            continue
        mode = PUBLIC_MODE if name.startswith(f"{TRUST_FOLDER}/") else 0o600
        if name.endswith("/id"):
            mode = 0o600
        _write_missing(site, name, raw, mode)
    known = brought.files.get(f"{HOME}{KNOWN_HOSTS}", b"")
    if known:
        _write_missing(site, KNOWN_HOSTS, known, 0o600)


def _go_on_with_timestamp(site: Site, brought: Brought) -> None:
    raw = brought.files.get(f"{HOME}{facts_file(PUBLISHED)}")
    facts = recalled(raw) if raw else {}
    said = facts.get("timestamp")
    if not isinstance(said, int):
        return
    present = recall(site.home, PUBLISHED)
    if not present:
        remember(site.home, PUBLISHED, facts)
    elif isinstance(present.get("timestamp"), int) and said > present["timestamp"]:  # type: ignore[operator]
        remember(site.home, PUBLISHED, {**present, "timestamp": said})


def _restore_way(site: Site, brought: Brought, kept: str) -> None:
    """The SSH key of the lost publisher, which the other nodes let in."""
    pair = [(IDENTITY_PUBLIC, PUBLIC_MODE), (IDENTITY, 0o600)]
    files = [brought.files.get(f"{HOME}{name}") for name, _ in pair]
    for (name, mode), raw in zip(pair, files, strict=True):
        if raw is None or None in files:
            return
        if _present(site, name) != raw:
            _keep_earlier(site, name, kept)
            site.home.write(name, raw, mode)


def _restore_keys(site: Site, brought: Brought, kept: str, *, is_anew: bool) -> None:
    """The node's own keys; those of a living node stay, and the set's are kept."""
    keystore = Keystore(site)
    if f"{HOME}{pair_file(Unit.TVS)}" not in brought.files:
        return  # told by a member: no private keys
    for unit in keystore.units:
        raw = brought.files.get(f"{HOME}{pair_file(unit)}")
        is_key_file = unit is Unit.ITL_RECOVERY and site.node.is_publisher
        if raw is not None and not is_key_file:
            _restore_pair(site, unit, raw, kept if is_anew else "")
        waiting = brought.files.get(f"{HOME}{request_file(unit)}")
        if waiting is not None:  # its certificate may still come
            _write_missing(site, request_file(unit), waiting, 0o600)
    for at, raw in brought.files.items():
        name = at.removeprefix(HOME)
        if _is_numbered(name):
            keystore.keep_also(name.rpartition(".")[0], raw)
    if brought.recovery is not None and site.node.is_publisher:
        _restore_recovery(site, keystore, brought.recovery, is_anew=is_anew)


def _restore_pair(site: Site, unit: Unit, raw: bytes, kept: str) -> None:
    """Install it where the node was made anew, whose present one goes to ``kept``."""
    keystore, name = Keystore(site), pair_file(unit)
    present = _present(site, name)
    if present is not None and not kept:
        if unit is Unit.CALL_MANAGER:
            keystore.keep_also(name, raw)
        return
    if present is not None and present != raw:
        _keep_earlier(site, name, kept)
    keystore.install(unit, site.backends.keys().read_own(raw))


def _restore_recovery(
    site: Site, keystore: Keystore, key: ImportedKey, *, is_anew: bool
) -> None:
    certificate = key.credential.certificate
    present = _present(site, RECOVERY_FILE)
    if present is None or is_anew:
        with suppress(CucmshError):
            if keystore.recovery().certificate == certificate:
                return
        keystore.install_recovery(key.key_file, certificate)
        return
    with suppress(CucmshError):
        kept = [keystore.recovery(), *keystore.earlier(Unit.ITL_RECOVERY)]
        if certificate not in [each.certificate for each in kept]:
            keystore.keep_also(RECOVERY_FILE, key.key_file)


def _is_numbered(name: str) -> bool:
    base, _, number = name.rpartition(".")
    return number.isdecimal() and base == pair_file(Unit.CALL_MANAGER)


def _is_anew(site: Site, brought: Brought) -> bool:
    theirs = _id_in(brought)
    return bool(theirs) and theirs != kept_id(site)


def _id_in(brought: Brought) -> str:
    raw = brought.files.get(f"{HOME}{facts_file(NODE)}")
    return str(recalled(raw).get("id", "")) if raw else ""


def _write_missing(site: Site, name: str, raw: bytes, mode: int) -> None:
    if _present(site, name) is None:
        site.home.write(name, raw, mode)


def _present(site: Site, name: str) -> bytes | None:
    try:
        return site.home.read(name)
    except MissingFileError:
        return None


def _keep_earlier(site: Site, name: str, kept: str) -> None:
    """Copy a file of the home that is about to be replaced."""
    present = _present(site, name)
    if present is not None:
        _write_missing(site, f"{kept}/{name}", present, 0o600)


def earlier_folder(site: Site) -> str:
    """Where the next restore keeps what it replaces, relative to the home."""
    taken = [name.removeprefix("restore-") for name in site.home.folders(EARLIER)]
    last = max((int(at) for at in taken if at.isdecimal()), default=0)
    return f"{EARLIER}/restore-{last + 1}"
