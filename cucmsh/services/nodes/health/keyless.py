"""Root looks at a node in a home of root's: no key is opened, no node logged in to.

The configuration may be another account's word (it names homes, keys and hosts), and
root's keys open more than that account's. So what needs a key is a failed finding.
"""

from __future__ import annotations

from typing import Any, NoReturn, cast

from cucmsh.errors import RefusedError
from cucmsh.services.backends import Backends
from cucmsh.services.lists.secret_files import is_secret
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore

ADVICE = (
    "Give the home to the node's account (chown -R cucmsh: HOME), or look as the owner "
    "of a home that is not root's."
)


class KeylessSite(Site):
    """``site``, but for its secrets and its ways to other nodes."""

    def __init__(self, site: Site) -> None:
        super().__init__(
            site.settings, site.clock, cast(Backends, _Backends(site.backends))
        )
        self.home = _Store(site.settings.home)


class _Store(LocalStore):
    def read(self, name: str) -> bytes:
        if is_secret(name):
            path = self._path(name)
            raise RefusedError(f"{path} is root's: as root no key is opened", ADVICE)
        return super().read(name)


class _Backends:
    def __init__(self, backends: Backends) -> None:
        self._doors = backends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._doors, name)

    def open_node(self, _: object) -> NoReturn:
        raise RefusedError("as root no node is logged in to", ADVICE)
