"""What is said of phones: ``show itl phones``, and one of them with its history."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from cucmsh import services, views
from cucmsh.errors import MissingFileError, UsageError
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown

STATES = ("match", "mismatch", "unknown", "stale", "no-recovery")
MOST_DIGITS = 9


def _find(site: Site, query: Query) -> Shown:
    state, node, part = (
        query.get(key, "").strip() for key in ("state", "node", "search")
    )
    if state not in ("", *STATES):
        raise UsageError(f"{state} is no state", f"States are {', '.join(STATES)}.")
    values: dict[str, Any] = {
        "states": STATES,
        "node_names": [each.name for each in site.settings.cluster.nodes],
        "asked": {"state": state, "node": node, "search": part},
        "groups": [],
        "phones": [],
    }
    try:
        shown = services.phones_by_state(
            site, services.phone_state(state), node, _page(query), part
        )
    except MissingFileError as nothing:
        told = {"nothing": nothing.message, "advice": nothing.advice or ""}
        return Shown(
            {**values, **told}, {"node": site.node.name, "phones": [], "found": 0}
        )
    found: dict[str, Any] = views.phones_document(site.node.name, shown)
    given = {"node": node, "search": part}
    values |= {
        "nothing": "",
        "document": found,
        "groups": [
            (name, number, _link({**given, "state": name}))
            for name, number in zip(("", *STATES), shown.counts, strict=True)
        ],
        "phones": [(each, _words(shown, each["itl"])) for each in found["phones"]],
        "earlier": _link({**given, "state": state, "page": str(shown.page - 1)})
        if shown.page > 1
        else "",
        "later": _link({**given, "state": state, "page": str(shown.page + 1)})
        if shown.page < shown.pages
        else "",
    }
    return Shown(values, found)


def _page(query: Query) -> int:
    word = query.get("page", "") or "1"
    is_number = word.isascii() and word.isdecimal() and len(word) <= MOST_DIGITS
    if not is_number or not int(word):
        raise UsageError("page must be a number from 1 on")
    return int(word)


def _link(fields: dict[str, str]) -> str:
    kept = {key: value for key, value in fields.items() if value}
    return f"/phones?{urlencode(kept)}" if kept else "/phones"


def _words(shown: services.PhonesShown | services.PhoneShown, itl: str | None) -> str:
    return views.itl_words(itl or "", shown.lists.by_digest.get(itl or ""))


def _find_one(site: Site, query: Query) -> Shown:
    shown = services.one_phone(site, query.get("name", ""))
    document: dict[str, Any] = views.phone_history_document(site.node.name, shown)
    phone, history = document["phone"], document["history"]
    values = {
        "phone": phone,
        "words": _words(shown, phone["itl"]),
        "history": [(each, _words(shown, each["itl"])) for each in history],
    }
    return Shown(values, document)


PARTS = (
    Page("/phones", "Phones", "phones.html", _find),
    Page("/phones/one", "", "phone.html", _find_one),
)
