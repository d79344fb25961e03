"""Rewrites this node's own configuration, whole or not at all.

The edited text is parsed and checked as a configuration before it replaces the old one;
comments stay (``config.editing``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable

from cucmsh.config.settings import Settings, parse_settings, with_stamp
from cucmsh.errors import ConfigurationError, StoreError
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore

Change = Callable[[str, str], str]


def split_path(path: str) -> tuple[LocalStore, str]:
    """The folder of a configuration as a store, and the name of the file in it."""
    folder, name = os.path.split(os.path.abspath(path))
    return LocalStore(folder), name


def edit(site: Site, change: Change) -> Settings:
    """Replace the configuration by what ``change`` makes of its text and path.

    Raises:
        ConfigurationError: the result describes no possible cluster; the file is as it
            was.
        StoreError: it could not be read or written; the same.
    """
    path = site.settings.path
    store, (_, name) = site.configuration, os.path.split(path)
    with site.node_lock("the writing of the configuration"):
        raw = store.read(name)
        try:
            text = raw.decode()
        except UnicodeDecodeError as problem:
            raise ConfigurationError(f"{path}: {problem}") from problem
        edited = change(text, path).encode()
        settings = parse_settings(edited, path)
        if edited != raw:
            store.sweep()  # what a writer left that was killed
            store.write(name, edited, _mode(path))
        return with_stamp(settings)


def _mode(path: str) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except OSError as problem:
        raise StoreError(f"{path}: {problem.strerror}") from problem
