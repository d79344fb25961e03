"""Files of this node that other accounts or TFTP clients can read and must not."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cucmsh.errors import StoreError
from cucmsh.services.lists.secret_files import (
    is_key_name,
    is_secret,
    secrets_of,
    why_kept,
)
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from cucmsh.storage.tree import tree_below

OTHERS = 0o077  # mode bits of everybody but the owner


def exposures(site: Site) -> Iterator[tuple[str, str]]:
    """A finding for each of them, with the command that mends it.

    Raises:
        StoreError: the home cannot be looked at.
    """
    home = site.settings.home
    if site.home.mode() & OTHERS:
        yield f"{home} is open to others", f"Run `chmod 0700 {home}`."
    for name in tree_below(home).files:
        if is_secret(name) and site.home.mode(name) & OTHERS:
            path = os.path.join(home, name)
            yield f"{path} is open to others", f"Run `chmod 0600 {path}`."
    ways = (node.ssh for node in site.settings.cluster.nodes if node.ssh)
    for path in sorted({way.identity for way in ways}):
        folder, name = os.path.split(path)
        try:
            is_open = LocalStore(folder).mode(name) & OTHERS
        except StoreError as problem:  # the rest is still reported
            yield problem.message, "Name the key of the way there in the configuration."
            continue
        if is_open:
            yield f"{path} is open to others", f"Run `chmod 0600 {path}`."
    if not site.node.has_tftp:
        return
    if _is_inside(home, site.tftp.root):
        yield f"TFTP serves {home}, keys and all", "Serve another directory."
        return
    yield from _served_keys(site)


def _served_keys(site: Site) -> Iterator[tuple[str, str]]:
    """Keys in the TFTP directory, under whatever name (links and copies too)."""
    served = site.tftp.root
    secrets, tree = secrets_of(site), tree_below(served)
    for name in tree.files:
        why = why_kept(site, secrets, name)
        if why or is_key_name(name):
            path = os.path.join(served, name)
            what = f"TFTP serves {path} to everybody: {why or 'its name is a key file'}"
            yield what, "Move it out of there."
    for name in tree.links:
        path = os.path.join(served, name)
        if secrets.is_one(path) or _is_inside(path, site.settings.home):
            what = f"TFTP serves {path} to everybody: the link leads to a secret"
            yield what, "Remove the link."


def _is_inside(path: str, folder: str) -> bool:
    real = os.path.realpath(path)
    return f"{real}/".startswith(f"{os.path.realpath(folder)}/")
