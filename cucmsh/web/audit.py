"""Who did what on this node, by the prompt, the page, an exec request or a hook."""

from __future__ import annotations

from cucmsh import services
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown

MOST_ROWS = 500


def _find(site: Site, query: Query) -> Shown:
    found = services.seen_audit(site)
    text = query.get("text", "")
    shown = [each for each in found if text.lower() in each.line.lower()]
    rows = [
        (
            each.text("at"),
            each.text("user", "uid"),
            each.text("ip", "ssh"),
            each.text("entry"),
            each.text("event"),
            " ".join(part for part in (each.text("words"), each.text("values")) if part)
            or (each.line if not each.facts else ""),
            each.text("outcome"),
        )
        for each in shown[:MOST_ROWS]
    ]
    values = {"rows": rows, "text": text, "number": len(shown), "most": MOST_ROWS}
    lines = [each.facts or {"line": each.line} for each in shown]
    return Shown(values, {"node": site.node.name, "audit": lines})


PARTS = (Page("/audit", "Audit", "audit.html", _find, ("text",)),)
