"""The node's own logs, called ``activelog`` in the CLI: the files of HOME/log."""

from __future__ import annotations

import fnmatch

from cucmsh.errors import MissingFileError
from cucmsh.layout import LOG_FOLDER
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


def log_names(site: Site) -> list[str]:
    """The sorted names of the logs; for completion."""
    return sorted(site.home.names(LOG_FOLDER))


@use_case("file list activelog")
def list_logs(site: Site, spec: str) -> list[str]:
    """The sorted names of logs that match ``spec`` (shell wildcards)."""
    return fnmatch.filter(log_names(site), spec)


@use_case("file view activelog")
def read_log(site: Site, name: str) -> tuple[str, int]:
    """The text of a log, and how many bytes before it are left out.

    Logs only grow: of one larger than a mebibyte it is the end, from a line's start.

    Raises:
        MissingFileError: there is no such log.
        StoreError: it cannot be read.
    """
    if name not in log_names(site):
        raise MissingFileError("File not found", "See `file list activelog *`.")
    raw, before = site.home.read_end(f"{LOG_FOLDER}/{name}")
    if before:
        cut = raw.find(b"\n") + 1
        raw, before = raw[cut:], before + cut
    return raw.decode(errors="surrogateescape"), before
