"""The trust map: a picture, and a table of the same facts."""

from __future__ import annotations

from cucmsh import services, views
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown
from cucmsh.web.previews import form_values, is_lost, wanted
from cucmsh.web.svg import COLUMNS, HEIGHT, PITCH, WIDTH, drawn, rows_of


def _find(site: Site, query: Query) -> Shown:
    change, value = wanted(query)
    found = services.trust_map(site, change, value)
    rows = rows_of(found.lists)
    values = {
        **form_values(site, query, with_files=False),
        "found": found,
        "is_lost": any(is_lost(each.holders) for each in found.lists),
        "rows": rows,
        "picture": drawn(rows),
        "columns": COLUMNS,
        "box": {"width": WIDTH, "height": HEIGHT, "pitch": PITCH},
    }
    return Shown(values, views.trust_map_document(site.node.name, found))


PARTS = (Page("/map", "Map", "map.html", _find),)
