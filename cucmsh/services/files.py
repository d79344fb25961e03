"""The files that ``file list`` and ``file get`` know under ``tftp/``.

``ITLRecovery.p12`` is called ``tftp/ITLRecovery.p12`` in the CLI and lives outside the
directory that TFTP serves (design decision 18). Goes nowhere else on the disk.
"""

from __future__ import annotations

import fnmatch
from typing import NamedTuple

from cucmsh.errors import MissingFileError, RefusedError
from cucmsh.services.compose import sha256_of
from cucmsh.services.doors import AcceptHostKey, BackupServer
from cucmsh.services.keystore import RECOVERY_FILE
from cucmsh.services.site import Site
from cucmsh.services.state import recall, remember

RECOVERY_NAME = "ITLRecovery.p12"


class Sent(NamedTuple):
    """Where a file went, and where an earlier file of that name was moved, if so."""

    path: str
    earlier: str


def list_files(site: Site, spec: str) -> list[str]:
    """The sorted names that match ``spec`` (shell wildcards)."""
    names = set(site.tftp.names()) if site.node.has_tftp else set()
    names.discard(RECOVERY_NAME)  # a file planted there is not the key file
    if site.node.is_publisher:
        names.add(RECOVERY_NAME)
    return sorted(fnmatch.filter(names, spec))


def read_file(site: Site, name: str) -> bytes:
    """The bytes of one file.

    Raises:
        MissingFileError: it is not there; on a subscriber, the key file never is.
    """
    if name not in list_files(site, "*"):
        raise MissingFileError("File not found", "See `file list tftp *`.")
    if name == RECOVERY_NAME:
        return site.home.read(RECOVERY_FILE)
    return site.tftp.read(name)


def read_text(site: Site, name: str) -> str:
    """The text of one file; line ends are LF.

    Raises:
        MissingFileError: it is not there.
        RefusedError: it holds something else than text, as lists and PKCS#12 files do.
    """
    raw = read_file(site, name)
    if b"\0" in raw or name == RECOVERY_NAME:
        raise RefusedError(
            f"{name} is not a text file",
            f"`file get tftp {name}` sends it to an SFTP server.",
        )
    return raw.replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")


def send_file(
    site: Site,
    server: BackupServer,
    place: tuple[str, str],
    raw: bytes,
    accept: AcceptHostKey,
) -> Sent:
    """Put a file into a directory of an SFTP server; it was read back when this ends.

    An earlier file of that name there is kept as ``NAME.1``, ``NAME.2`` and so on: it
    may be the only copy of an earlier key.

    Args:
        site: this node.
        server: where to.
        place: the directory on the server, and the file's name in it.
        raw: the file.
        accept: asked about the key of a host that was never seen before.
    """
    directory, name = place
    link = site.doors.open_backup(server, site.known_hosts, accept)
    try:
        store = site.doors.store_on(link, directory)
        earlier = ""
        names = store.names()
        if name in names and (present := store.read(name)) != raw:
            number = 1
            while f"{name}.{number}" in names:
                number += 1
            earlier = f"{name}.{number}"
            store.write(earlier, present)
        store.write(name, raw)
        store.close()
    finally:
        link.close()
    if name == RECOVERY_NAME:
        when = site.clock.now().isoformat(timespec="seconds")
        remember(site.home, "backup", {"sha256": sha256_of(raw), "at": when})
    return Sent(f"{directory.rstrip('/')}/{name}", earlier)


def is_backed_up(site: Site) -> bool:
    """Whether the present key file was saved by ``file get`` once."""
    kept = recall(site.home, "backup").get("sha256")
    return kept == sha256_of(site.home.read(RECOVERY_FILE))


def fetch_file(
    site: Site, server: BackupServer, path: str, accept: AcceptHostKey
) -> bytes:
    """The bytes of one file of an SFTP server, in memory only."""
    directory, _, name = path.rpartition("/")
    link = site.doors.open_backup(server, site.known_hosts, accept)
    try:
        store = site.doors.store_on(
            link, directory or ("/" if path.startswith("/") else ".")
        )
        try:
            return store.read(name)
        finally:
            store.close()
    finally:
        link.close()
