"""The sets that lie on a device: found, verified, and the oldest taken away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import NamedTuple

from cucmsh.errors import CucmshError, MissingFileError, RefusedError, UsageError
from cucmsh.layout import SET_MANIFEST
from cucmsh.services.backends import RemoteFolder
from cucmsh.services.nodes.node_id import kept_id
from cucmsh.services.recovery.devices import Device, find_device, folder_of
from cucmsh.services.recovery.manifest import (
    MAX_SIZE,
    NAME,
    STAMP,
    Manifest,
    SetFile,
    Signed,
    read_manifest,
)
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

Check = Callable[[int], object]  # told how many bytes were looked at


class FoundSet(NamedTuple):
    """A set as it lies there.

    Attributes:
        label: its stamp.
        host: whose it is, by its name.
        manifest: what it says, unverified; None where it cannot be read.
        problem: why it is not whole; empty if it is.
    """

    label: str
    host: str
    manifest: Manifest | None
    problem: str = ""


@use_case("utils disaster_recovery show_backupfiles")
def find_sets(site: Site, device: str) -> list[FoundSet]:
    """The sets on a device, the oldest first; opens none.

    Raises:
        UsageError: there is no such device.
        CucmshError: it cannot be reached.
    """
    with folder_of(site, find_device(site, device)) as folder:
        return list(sets_in(folder))


def sets_in(folder: RemoteFolder) -> Iterator[FoundSet]:
    """As ``find_sets``: every manifest counts, and what is whole by names and sizes."""
    sizes = folder.sizes()
    for name in sorted(sizes):
        match = NAME.fullmatch(name)
        if match is None:
            continue
        label, host = match.groups()
        try:
            manifest = fetch_manifest(folder, label, host).manifest
        except CucmshError as problem:
            yield FoundSet(label, host, None, problem.message)
            continue
        wrong = [
            each.name(label)
            for each in manifest.files
            if not each.problem and sizes.get(each.name(label)) != each.size
        ]
        problem_there = f"{wrong[0]} is missing or has another size" if wrong else ""
        yield FoundSet(label, host, manifest, problem_there)


def fetch_manifest(folder: RemoteFolder, label: str, host: str) -> Signed:
    """The manifest of that set, parsed and not verified.

    Raises:
        UsageError: no label of a set.
        MissingFileError: there is no such set.
        RefusedError: it cannot be read as one.
    """
    if not re.fullmatch(STAMP, label):
        raise UsageError(
            f"{label} is no backup", "See `utils disaster_recovery show_backupfiles`."
        )
    name = SET_MANIFEST.format(stamp=label, host=host)
    try:
        return read_manifest(read_bounded(folder, name), name)
    except MissingFileError as problem:
        raise MissingFileError(
            f"there is no backup {label} of {host}",
            "See `utils disaster_recovery show_backupfiles DEVICE`.",
        ) from problem


def read_bounded(folder: RemoteFolder, name: str) -> bytes:
    """A small file of a server; at most a mebibyte."""
    raw = b""
    for piece in folder.pieces(name):
        raw += piece
        if len(raw) > MAX_SIZE:
            raise RefusedError(f"{name} is larger than {MAX_SIZE} bytes")
    return raw


def checked_pieces(
    folder: RemoteFolder, stamp: str, file: SetFile, looked: Check = lambda _: None
) -> Iterator[bytes]:
    """The bytes of a file of a set, and at its end whether they are the signed ones.

    Raises:
        RefusedError: they are not; what was handed on is to be thrown away.
        MissingFileError: it is not there.
    """
    name, digest, size = file.name(stamp), sha256(), 0
    for piece in folder.pieces(name):
        digest.update(piece)
        size += len(piece)
        if size > file.size:
            break
        looked(len(piece))
        yield piece
    if (size, digest.hexdigest()) != (file.size, file.sha256):
        raise RefusedError(
            f"{name} is not the file that its manifest names: it is cut, was changed, "
            "or is of another set",
            "Take another set; this one is damaged.",
        )


def retain(site: Site, folder: RemoteFolder, device: Device, made: str) -> list[str]:
    """Remove this node's sets beyond the device's number, the oldest first.

    Kept is the one that was just made, whatever the clock called it, and of the others
    the last whole ones, which say of every component that it is there; by manifests
    with this node's name and id. What is older than those goes. The manifest goes
    first: what is half removed is no set any more.

    Args:
        site: this node.
        folder: of the device.
        device: says how many are kept.
        made: the label of the set that was just made, which is whole.

    Returns:
        The labels of those that were removed.
    """
    ours = [
        each
        for each in sets_in(folder)
        if each.manifest
        and each.host == site.node.name
        and each.manifest.node == kept_id(site)
        and each.label != made
    ]
    whole = [each.label for each in ours if not each.problem and _has_all(each)]
    beside = device.number - 1
    if len(whole) < beside:
        return []
    kept = whole[len(whole) - beside :]
    going = [each for each in ours if not kept or each.label < kept[0]]
    for each in going:
        if each.manifest:
            folder.remove(each.manifest.name)
            for file in each.manifest.files:
                folder.remove(file.name(each.label))
    return [each.label for each in going]


def _has_all(found: FoundSet) -> bool:
    files = found.manifest.files if found.manifest else ()
    return not any(file.problem for file in files)
