"""What on this node's disk lies open to others and must not. Changes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cucmsh.cluster.local import LocalStore
from cucmsh.cluster.tree import tree_below
from cucmsh.services.joining.identity import IDENTITY
from cucmsh.services.keystore import CCM_VERIFIER, SECURITY_PASSWORD
from cucmsh.services.site import Site

OTHERS = 0o077  # mode bits of everybody but the owner
KEY_ENDS = (".p12", ".pem", ".key", ".pfx")
SECRETS = (SECURITY_PASSWORD, CCM_VERIFIER, IDENTITY)


def exposures(site: Site) -> Iterator[tuple[str, str]]:
    """Each one, and what to do about it.

    Raises:
        StoreError: the home, or the key of the way to a node, cannot be looked at.
    """
    home, served = site.settings.home, site.node.tftp_directory
    if site.home.mode() & OTHERS:
        yield f"{home} is open to others", f"Run `chmod 0700 {home}`."
    for name in tree_below(home).files:
        if _is_secret(name) and site.home.mode(name) & OTHERS:
            path = os.path.join(home, name)
            yield f"{path} is open to others", f"Run `chmod 0600 {path}`."
    ways = (node.ssh for node in site.settings.cluster.nodes if node.ssh)
    for path in sorted({way.identity for way in ways}):
        folder, name = os.path.split(path)
        if LocalStore(folder).mode(name) & OTHERS:
            yield f"{path} is open to others", f"Run `chmod 0600 {path}`."
    if not site.node.has_tftp:
        return
    if _is_inside(home, served):
        yield f"TFTP serves {home}, keys and all", "Serve another directory."
        return
    for name in tree_below(served).files:
        if name.lower().endswith(KEY_ENDS) or ".p12." in name.lower():
            path = os.path.join(served, name)
            yield f"TFTP serves {path} to everybody", "Move it out of there."


def _is_secret(name: str) -> bool:
    base = name.rpartition("/")[2]
    is_key = base == "private.pem" or ".p12" in base
    return is_key or name in SECRETS


def _is_inside(path: str, folder: str) -> bool:
    real = os.path.realpath(path)
    return f"{real}/".startswith(f"{os.path.realpath(folder)}/")
