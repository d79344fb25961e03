"""Root looks at a node in a home of root's: no key is opened, no node logged in to.

The configuration may be another account's word (it names homes, keys and hosts), and
root's keys open more than that account's. So what needs a key is a failed finding.

A lab that root started is another thing: nobody but root wrote its configuration, and
all that it names is on loopback (docs/decisions/039).
"""

from __future__ import annotations

import os

from cucmsh.config.model import Node
from cucmsh.config.settings import Settings
from cucmsh.errors import RefusedError
from cucmsh.ownership import Trail
from cucmsh.services.backends import Link
from cucmsh.services.lists.secret_files import is_secret
from cucmsh.services.nodes.account import ROOT
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore

ADVICE = (
    "Give the home to the node's account (chown -R cucmsh: HOME), or look as the owner "
    "of a home that is not root's."
)


class KeylessSite(Site):
    """A node without its keys and secrets, and without its ways to other nodes."""

    def _configure(self, settings: Settings) -> None:
        super()._configure(settings)
        self.home = _KeylessStore(settings.home)

    def open_link(self, node: Node) -> Link:
        """Refuse; see ``Site.open_link``.

        Raises:
            RefusedError: always.
        """
        if node.ssh is None:
            return super().open_link(node)
        raise RefusedError("as root no node is logged in to", ADVICE)


def is_lab_of_root(settings: Settings) -> bool:
    """Whether only root could have written this lab's configuration and home."""
    trail = Trail([ROOT])
    return bool(settings.lab) and not any(
        weak
        for path in (settings.path, settings.home)
        for weak in trail.weak_points(os.path.abspath(path))
    )


class _KeylessStore(LocalStore):
    def read(self, name: str) -> bytes:
        if is_secret(name):
            path = self._path(name)
            raise RefusedError(f"{path} is root's: as root no key is opened", ADVICE)
        return super().read(name)
