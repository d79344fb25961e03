"""What would be, as a form: ``utils itl preview``, and the choice that the map has.

The form is sent by GET: a question changes nothing, and its answer has an address.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from cucmsh import services, views
from cucmsh.errors import UsageError, WrongPasswordError
from cucmsh.release import RELEASES
from cucmsh.services.site import Site
from cucmsh.web.pages import Page, Query, Shown

# By what is typed behind `utils itl preview`: the words of the form, and which of its
# fields says more.
RELEASE, REMOTE_KEY = "release", "remotekey"
CHANGES = {
    "restart": ("Restart Cisco Tftp", ""),
    "regen": ("Regenerate a certificate", "unit"),
    "hostname": ("Rename the host", "name"),
    "domain": ("Another domain", "name"),
    "localkey": ("Reset with the local key", ""),
    REMOTE_KEY: ("Reset with a saved recovery key", "file"),
    RELEASE: ("Another release", "release"),
}


class Wanted(NamedTuple):
    """The change that a query asks about; both are empty for none."""

    change: str
    value: str


def wanted(query: Query) -> Wanted:
    """What the form asks.

    Raises:
        UsageError: there is no such change, or the field that says more is empty.
    """
    change = query.get("what", "")
    if not change:
        return Wanted("", "")
    if change not in CHANGES:
        raise UsageError(f"{change} is no change", "Choose one of the form.")
    name, field = CHANGES[change]
    value = query.get(field, "").strip() if field else ""
    if field and not value:
        raise UsageError(f"{name}: which {field}?", "Fill that field of the form.")
    return Wanted(change, value)


def form_values(site: Site, query: Query, *, with_files: bool) -> dict[str, Any]:
    """What the form shows.

    Args:
        site: this node.
        query: what was asked.
        with_files: whether a saved recovery key can be chosen.
    """
    changes = [(key, name) for key, (name, _) in CHANGES.items()]
    fields = ("what", "unit", "name", "file", "release")
    return {
        "changes": [each for each in changes if with_files or each[0] != REMOTE_KEY],
        "units": services.own_units(site),
        "files": services.saved_keys(site) if with_files else [],
        "releases": list(RELEASES),
        "asked": {field: query.get(field, "") for field in fields},
    }


def is_lost(holders: Iterable[services.Holders]) -> bool:
    """Whether somebody is locked out whom nobody gave up."""
    return any(
        each.way is services.Way.LOCKED_OUT and not each.is_given_up for each in holders
    )


def _find(site: Site, query: Query) -> Shown:
    change, value = wanted(query)
    values = form_values(site, query, with_files=True)
    node = site.node.name
    if not change:
        document: views.Document = {"node": node, "change": None}
        return Shown({**values, "change": "", "previews": ()}, document)
    if change == RELEASE:
        found = services.preview_release(site, value)
        shown = views.release_preview_document(node, found)
        told: dict[str, Any] = {
            "previews": found.previews,
            "silent": found.silent,
            "is_locking_out": found.is_locking_out,
            "is_lost": any(is_lost(each.holders) for each in found.previews),
            "change": found.change,
        }
        return Shown({**values, **told}, shown)
    key = None
    if change == REMOTE_KEY:
        key = services.SavedKey(services.saved_key(site, value), _refuse)
        value = ""
    one = services.preview(site, change, value, key=key)
    told = {
        "previews": (one,),
        "silent": {},
        "is_locking_out": one.is_locking_out,
        "is_lost": is_lost(one.holders),
        "change": one.change,
    }
    return Shown({**values, **told}, views.preview_document(node, one))


def _refuse(refusal: WrongPasswordError, _: object) -> Any:
    """No form here asks for the password of another cluster's key file."""
    raise WrongPasswordError(
        refusal.message,
        "`utils itl preview remotekey` at the prompt asks for its password.",
    ) from refusal


PARTS = (Page("/preview", "Preview", "preview.html", _find),)
