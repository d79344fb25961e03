"""What each node serves: ``show itl all``."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown


def _find(site: Site, _: Query) -> Shown:
    now = site.clock.now().timestamp()
    found = views.every_list_document(site.node.name, services.every_list(site), now)
    return Shown({"nodes": found["nodes"]}, found)


PARTS = (Page("/nodes", "Nodes", "nodes.html", _find),)
