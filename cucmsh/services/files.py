"""The files that ``file list``, ``file view`` and ``file get`` know under ``tftp/``.

``ITLRecovery.p12`` is called ``tftp/ITLRecovery.p12`` in the CLI and lives outside the
directory that TFTP serves (docs/decisions/018). No other place of the disk is read.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from cucmsh.errors import MissingFileError, RefusedError, UsageError
from cucmsh.layout import BACKUP, RECOVERY_FILE, RECOVERY_NAME
from cucmsh.remote.file_transfer import OutgoingFile, SentFile
from cucmsh.services.backends import AcceptHostKey, BackupServer
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates import rekeying
from cucmsh.services.lists.secret_files import secrets_of, why_kept
from cucmsh.services.records.state import recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.storage.local import OpenFile
from cucmsh.storage.store import MAX_FILE_SIZE
from cucmsh.storage.tree import tree_below

WILD = frozenset("*?[")


class Outgoing(NamedTuple):
    """A file that is sent.

    Attributes:
        directory: on the server.
        path: in ``tftp/``. Its last part is the file's name on the server.
        file: its bytes.
    """

    directory: str
    path: str
    file: OpenFile


class Listing(NamedTuple):
    """The sorted names in one folder, without the path of the folder."""

    folders: tuple[str, ...]
    files: tuple[str, ...]


@use_case("file list tftp")
def list_files(site: Site, spec: str) -> Listing:
    """What matches ``spec``: a path, whose last part may have wildcards (shell's).

    A path that names a folder stands for everything in it.

    Raises:
        UsageError: there are wildcards before the last part.
        StoreError: a folder cannot be read, or a link is on the way.
    """
    folder, _, pattern = spec.rpartition("/")
    if WILD & set(folder):
        raise UsageError(
            f"'*' and '?' may stand in the last part only, not in {folder}",
            "Name the folder in full.",
        )
    folders, files = _entries(site, folder)
    if not WILD & set(pattern) and pattern in folders:
        folders, files = _entries(site, spec)
        pattern = "*"
    return Listing(
        *(tuple(sorted(fnmatch.filter(names, pattern))) for names in (folders, files))
    )


def missing_folder(site: Site, spec: str) -> str:
    """The folder that ``spec`` names and that is not there; empty if there is none."""
    folder = spec.rpartition("/")[0]
    if not folder:
        return ""
    parent, _, name = folder.rpartition("/")
    is_there = not missing_folder(site, folder) and name in _entries(site, parent)[0]
    return "" if is_there else folder


def paths(site: Site) -> list[str]:
    """Every file by its path, hidden ones left out; for completion."""
    below = set(tree_below(site.tftp.root).files) if site.node.has_tftp else set()
    below.discard(RECOVERY_NAME)
    if site.node.is_publisher:
        below.add(RECOVERY_NAME)
    return sorted(below)


def open_file(site: Site, path: str) -> AbstractContextManager[OpenFile]:
    """One regular file, of any size; folders and links are not opened.

    Raises:
        MissingFileError: it is not there; on a subscriber, the key file never is.
        RefusedError: it is a private key under another name.
    """
    folder, _, name = path.rpartition("/")
    if name not in _entries(site, folder).files:
        raise MissingFileError("File not found", "See `file list tftp *`.")
    if path == RECOVERY_NAME:
        return site.home.opened(rekeying.current_name(site.home, RECOVERY_FILE))
    kept = why_kept(site, secrets_of(site), path)
    if kept:
        raise RefusedError(
            f"{path} is neither shown nor sent: {kept}",
            "It does not belong into the TFTP directory: move it out of there.",
        )
    return site.tftp.opened(path)


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

    def choose(self, size: int) -> Destination:
        """It has so many bytes: ask where to."""

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
    present = rekeying.read(site.home, RECOVERY_FILE)
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


def _entries(site: Site, folder: str) -> Listing:
    """Everything in a folder; the key file is a file of the first one."""
    if any(part in ("", ".", "..") for part in folder.split("/")) and folder:
        return Listing((), ())
    folders: list[str] = []
    files: set[str] = set()
    if site.node.has_tftp:
        folders = site.tftp.folders(folder)
        files = set(site.tftp.names(folder))
    if not folder:
        files.discard(RECOVERY_NAME)  # a file planted there is not the key file
        if site.node.is_publisher:
            files.add(RECOVERY_NAME)
    return Listing(tuple(folders), tuple(sorted(files)))


def _own_name(name: str, when: str) -> str:
    """A name that nobody else uses, and that tells people what the file is."""
    stem, extension = os.path.splitext(name)
    return f"{stem}.{when}-{os.urandom(4).hex()}{extension}"
