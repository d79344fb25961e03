"""Opens the store of claims that the configuration names, for those who need it.

A node of which nobody ever recorded a claim has none: then nothing is imported and
nothing is said, since every dangerous command asks (``holders``).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from cucmsh.config.inventory import why_no_url
from cucmsh.errors import StoreError
from cucmsh.layout import PHONES
from cucmsh.secret import Secret
from cucmsh.services.phones.store import PhoneStore
from cucmsh.services.site import Site

MOST_BYTES = 4096  # of a file with a URL or password


def has_inventory(site: Site) -> bool:
    """Whether a database is configured, or claims were recorded in the home's."""
    named = site.settings.inventory.is_named
    return named or os.path.exists(_own_path(site))


@contextmanager
def open_inventory(site: Site) -> Iterator[PhoneStore]:
    """The store, made if it is not there, for the body.

    Raises:
        StoreError: it cannot be opened, or a file with its password or URL cannot be
            read, or others can read that file.
        ServiceError: the extra ``inventory`` is not installed.
    """
    said = site.settings.inventory
    url = said.url or f"sqlite:///{_own_path(site)}"
    if said.url_file:
        url = line_of(said.url_file)
        problem, advice = why_no_url(url)
        if problem:
            raise StoreError(f"the URL in {said.url_file}: {problem}", advice)
    named = said.password_file
    password = Secret(line_of(named)) if named else None
    store = site.backends.inventory(Secret(url), password)
    try:
        yield store
    finally:
        store.close()


def _own_path(site: Site) -> str:
    return os.path.join(site.settings.home, PHONES)


def line_of(path: str) -> str:
    """The one line in a file that nobody else can read.

    Raises:
        StoreError: it cannot be read, holds no line, or others can read it.
    """
    try:
        with open(path, encoding="utf-8") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(MOST_BYTES + 1).strip()
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or "it is not UTF-8"
        raise StoreError(f"{path}: {said}") from problem
    if mode & 0o077:
        raise StoreError(
            f"others may read {path}, which holds a password",
            f"Run `chmod 600 {path}` and change the password.",
        )
    if not text or "\n" in text or len(text) > MOST_BYTES:
        raise StoreError(f"{path} does not hold one line")
    return text
