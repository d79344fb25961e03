"""The alarms of this node: the event view, and one alarm with what to do about it."""

from __future__ import annotations

from urllib.parse import urlencode

from cucmsh import services
from cucmsh.errors import MissingFileError
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown

MOST_ROWS = 500
SEVERITIES = (
    *("Emergency", "Alert", "Critical", "Error"),
    *("Warning", "Notice", "Informational", "Debug"),
)


def severity_name(alarm: services.SeenAlarm) -> str:
    """In the original's words; empty for a line of another form."""
    return "" if alarm.severity is None else SEVERITIES[alarm.severity]


def _find(site: Site, query: Query) -> Shown:
    found = services.seen_alarms(site)
    text = query.get("text", "")
    worst = query.get("severity", "")
    shown = [alarm for alarm in found if text.lower() in alarm.line.lower()]
    if worst in SEVERITIES:
        most = SEVERITIES.index(worst)
        shown = [
            each
            for each in shown
            if each.severity is not None and each.severity <= most
        ]
    follows = query.get("follow") == "yes"
    given = {"severity": worst, "text": text}
    values = {
        "rows": [(each, severity_name(each)) for each in shown[:MOST_ROWS]],
        "number": len(shown),
        "total": len(found),
        "most": MOST_ROWS,
        "severities": SEVERITIES,
        "severity": worst,
        "text": text,
        "follows": follows,
        "other_link": "?" + urlencode(given | ({} if follows else {"follow": "yes"})),
    }
    return Shown(
        values, {"node": site.node.name, "alarms": list(map(_document, shown))}
    )


def _find_one(site: Site, query: Query) -> Shown:
    for alarm in services.seen_alarms(site):
        if alarm.key == query.get("key", ""):
            values = {"alarm": alarm, "severity": severity_name(alarm)}
            return Shown(values, _document(alarm))
    raise MissingFileError(
        "That alarm is not in the log any more.",
        "Earlier logs: `file list activelog syslog/*`.",
    )


def _document(alarm: services.SeenAlarm) -> dict[str, object]:
    return {
        "key": alarm.key,
        "local_time": alarm.local or None,
        "utc_time": alarm.utc or None,
        "node": alarm.node or None,
        "application": alarm.application or None,
        "severity": None if alarm.severity is None else int(alarm.severity),
        "name": alarm.name or None,
        "parameters": dict(alarm.tags),
        "text": alarm.text,
        "action": alarm.action or None,
    }


PARTS = (
    Page("/alarms", "Alarms", "alarms.html", _find, ("severity", "text", "follow")),
    Page("/alarms/one", "", "alarm.html", _find_one, ("key",)),
)
