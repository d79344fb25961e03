"""``file list``, ``file view`` and ``file get`` in the places of ``file_areas``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import NamedTuple, Protocol

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.layout import BACKUP, RECOVERY_FILE, RECOVERY_NAME
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.services.backends import AcceptHostKey, BackupServer
from cucmsh.services.caller import Privilege
from cucmsh.services.file_areas import (
    ACTIVELOG,
    TFTP,
    Listing,
    area_of,
    files_of,
    matching,
    not_found,
    open_in,
)
from cucmsh.services.file_span import Span, written_in
from cucmsh.services.records import as_one
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.local import OpenFile
from cucmsh.storage.store import MAX_FILE_SIZE


class Outgoing(NamedTuple):
    """A file that is sent.

    Attributes:
        directory: on the server.
        path: in its place. Its last part is the file's name on the server.
        file: its bytes.
    """

    directory: str
    path: str
    file: OpenFile


class Entry(NamedTuple):
    """A name in a folder with what a detailed list says of it.

    Attributes:
        name: of a file or folder.
        size: bytes; None for a folder.
        modified: when it was last written, Unix time.
    """

    name: str
    size: int | None
    modified: float


@use_case("file list")
def list_files(site: Site, spec: str, area: str = TFTP) -> Listing:
    """What matches ``spec`` there; see ``file_areas.matching``."""
    return matching(area_of(site, area), spec)[1]


@use_case("file list detail")
def list_in_detail(site: Site, spec: str, area: str = TFTP) -> list[Entry]:
    """The same with size and time of each; folders first. What is gone is left out."""
    place = area_of(site, area)
    folder, listing = matching(place, spec)
    found = []
    for name in (*listing.folders, *listing.files):
        store, at = place.place(f"{folder}/{name}" if folder else name)
        with suppress(MissingFileError):
            stamp = store.stamp(at)
            if stamp is not None:
                size = None if name in listing.folders else stamp[2]
                found.append(Entry(name, size, stamp[3] / 1e9))
    return found


def missing_folder(site: Site, spec: str, area: str = TFTP) -> str:
    """The folder that ``spec`` names and that is not there; empty if there is none."""
    folder = spec.rpartition("/")[0]
    if not folder:
        return ""
    parent, _, name = folder.rpartition("/")
    place = area_of(site, area)
    is_there = not missing_folder(site, folder, area)
    return "" if is_there and name in place.entries(parent)[0] else folder


def paths(site: Site, area: str = TFTP) -> list[str]:
    """Every file by its path, hidden ones left out; for completion."""
    return area_of(site, area).paths()


def open_file(
    site: Site, path: str, area: str = TFTP
) -> AbstractContextManager[OpenFile]:
    """``file_areas.open_in``."""
    return open_in(area_of(site, area), path)


@use_case("file view tftp")
def read_text(site: Site, path: str) -> str:
    """The text of one file; line ends are LF.

    Raises:
        MissingFileError: it is not there.
        RefusedError: it holds something else than text, as lists and PKCS#12 files do,
            or too much of it.
    """
    advice = f"`file get tftp {path}` sends it to an SFTP server."
    with open_file(site, path) as file:
        if file.size > MAX_FILE_SIZE:
            raise RefusedError(
                f"{path} has {file.size} bytes, and at most {MAX_FILE_SIZE} are shown",
                advice,
            )
        raw = b"".join(file.pieces())
    if b"\0" in raw or path == RECOVERY_NAME:
        raise RefusedError(f"{path} is not a text file", advice)
    return raw.replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")


@use_case("file view activelog")
def read_log(site: Site, path: str) -> tuple[str, int]:
    """The text of a log, and how many bytes before it are left out.

    Logs only grow: of one larger than a mebibyte it is the end, from a line's start.

    Raises:
        MissingFileError: there is no such log.
        StoreError: it cannot be read.
    """
    with open_file(site, path, ACTIVELOG):
        store, name = area_of(site, ACTIVELOG).place(path)
        raw, before = store.read_end(name)
    if before:
        cut = raw.find(b"\n") + 1
        raw, before = raw[cut:], before + cut
    return raw.decode(errors="surrogateescape"), before


class Destination(NamedTuple):
    """Where a file goes, and who says whether an unknown host there is the right one.

    Attributes:
        server: and how to log in.
        directory: on the server.
        accept: asked about the key of a host that was never seen before.
    """

    server: BackupServer
    directory: str
    accept: AcceptHostKey


class SendDialog(Protocol):
    """Who wants a file sent, as far as it is told and asked on the way, in this order.

    What a method raises ends it; nothing was sent then.
    """

    def gathering(self) -> AbstractContextManager[None]:
        """The file is looked for in the body."""

    def choose(self, size: int, number: int = 1) -> Destination:
        """So many files have so many bytes in all: ask where to."""

    def sending(
        self, to: Destination, size: int
    ) -> AbstractContextManager[Callable[[int], object]]:
        """It is sent in the body, which tells how many bytes were sent so far."""


# The original gives it to level 0. Here it can carry the recovery key away, and it
# leaves a receipt, so a caller who may only look does not get it.
@use_case("file get tftp", level=Privilege.CHANGE)
def get_file(site: Site, path: str, dialog: SendDialog) -> SentFile:
    """Send a file of ``tftp/`` to an SFTP server.

    Raises:
        MissingFileError: it is not there, or the directory on the server is not.
        RefusedError: see ``open_file``.
        StoreError, ConnectionFailedError: see ``send_file``.
    """
    with dialog.gathering():
        opened = open_file(site, path)
    with opened as file:
        to = dialog.choose(file.size)
        with dialog.sending(to, file.size) as progress:
            outgoing = Outgoing(to.directory, path, file)
            return send_file(site, to.server, outgoing, to.accept, progress)


@use_case("file get activelog", level=Privilege.CHANGE)
def get_logs(  # noqa: PLR0913 - what is typed, a word each
    site: Site,
    spec: str,
    dialog: SendDialog,
    *,
    is_recursive: bool = False,
    span: Span | None = None,
    expression: str = "",
) -> dict[str, SentFile]:
    """Send the logs that match to an SFTP server, each under its name.

    A log is sent as far as it goes when it is opened: it may grow meanwhile.

    Args:
        site: this node.
        spec: which logs.
        dialog: asks where to.
        is_recursive: those in folders below, too.
        span: only those that were written last then.
        expression: only those in whose name it is found.

    Returns:
        What became of each, by its path.

    Raises:
        MissingFileError: none matches, or the directory on the server is not there.
        StoreError, ConnectionFailedError: see ``send_file``; those before it are sent.
    """
    with dialog.gathering():
        place = area_of(site, ACTIVELOG)
        names = files_of(place, spec, is_recursive=is_recursive)
        names = _named_so(site, written_in(place, names, span), expression)
        if not names:
            raise not_found(place, spec)
    with ExitStack() as stack:
        opened = [
            stack.enter_context(open_file(site, name, ACTIVELOG)) for name in names
        ]
        total = sum(file.size for file in opened)
        to = dialog.choose(total, len(names))
        sent: dict[str, SentFile] = {}
        before = 0
        with dialog.sending(to, total) as progress:
            for name, file in zip(names, opened, strict=True):

                def tell(part: int, before: int = before) -> object:
                    return progress(before + part)

                outgoing = Outgoing(to.directory, f"{ACTIVELOG}/{name}", file)
                sent[name] = send_file(site, to.server, outgoing, to.accept, tell)
                before += file.size
    return sent


def _named_so(site: Site, names: list[str], expression: str) -> list[str]:
    if not (names and expression):
        return names
    lasts = "\n".join({name.rpartition("/")[2] for name in names})
    found = site.backends.search([lasts.encode()], expression, ignores_case=False)
    return [name for name in names if name.rpartition("/")[2] in found.lines[0]]


def send_file(
    site: Site,
    server: BackupServer,
    outgoing: Outgoing,
    accept: AcceptHostKey,
    progress: Callable[[int], object] = lambda _sent: None,
) -> SentFile:
    """Put a file into a directory of an SFTP server, and lose none that is there.

    An earlier file of that name is moved to ``NAME.1``, ``NAME.2`` and so on: it may
    be the only copy of an earlier key. The receipt that quiets the warning about a key
    file without a backup is written only if the file was read back.

    Args:
        site: this node.
        server: where to.
        outgoing: what is sent, and where it is put.
        accept: asked about the key of a host that was never seen before.
        progress: told how many bytes were sent so far.

    Raises:
        MissingFileError: the directory is not there.
        StoreError, ConnectionFailedError: the file was not taken; the message says
            what is left of it there, if anything is.
    """
    directory, path, file = outgoing
    name = path.rpartition("/")[2]
    now = site.clock.now()
    own_name = _own_name(name, f"{now:%Y%m%dT%H%M%SZ}")
    sent_as = OutgoingFile(name, own_name, file.size, file.pieces)
    link = site.backends.open_backup(server, site.known_hosts, accept)
    try:
        sent = site.backends.transfer(link, directory, sent_as, progress)
    finally:
        link.close()
    if path == RECOVERY_NAME and not sent.why_unproven:
        when = now.isoformat(timespec="seconds")
        remember(site.home, BACKUP, {"sha256": sent.sha256, "at": when})
    return sent


def is_backed_up(site: Site) -> bool:
    """Whether the present key file was saved by ``file get`` once."""
    kept = recall(site.home, BACKUP).get("sha256")
    present = as_one.read(site.home, RECOVERY_FILE)
    return kept == hashlib.sha256(present).hexdigest()


def fetch_file(
    site: Site, server: BackupServer, path: str, accept: AcceptHostKey
) -> bytes:
    """The bytes of one file of an SFTP server; nothing is written here."""
    directory, _, name = path.rpartition("/")
    link = site.backends.open_backup(server, site.known_hosts, accept)
    try:
        store = site.backends.store_on(
            link, directory or ("/" if path.startswith("/") else ".")
        )
        return store.read(name)
    finally:
        link.close()


def _own_name(name: str, when: str) -> str:
    """A name that nobody else uses, and that tells people what the file is."""
    stem, extension = os.path.splitext(name)
    return f"{stem}.{when}-{os.urandom(4).hex()}{extension}"
