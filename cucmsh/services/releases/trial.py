"""What the next TFTP start of one node would serve under another release.

Tried on a draft of the node, by the code of the start itself: nothing on its disk
changes, and nothing is served. A member answers the publisher by a hook, with the lists
that its phones may hold, for only it has their history (docs/decisions/036).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from cucmsh.config.model import Node
from cucmsh.errors import (
    CucmshError,
    RefusedError,
    ServiceError,
    TrustListError,
    UsageError,
)
from cucmsh.release import profile_of
from cucmsh.services.adoption.draft import DraftSite
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.take_list import take
from cucmsh.services.phones.takers import KnownHere, Listed, known_here
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList

MOST_BYTES = 600_000  # of lists in an answer, which may be a mebibyte (remote.ssh)


class Trial(NamedTuple):
    """One node under another release.

    Attributes:
        release: the one that it has now.
        raw: what its next start would serve; None for nothing.
        is_kept: the present list stays, or what the publisher would give is refused.
        remark: what an administrator is told about it; empty if nothing.
        known: the lists that its phones may hold.
        left_out: how many more of these there are, of which the answer says nothing.
    """

    release: str
    raw: bytes | None
    is_kept: bool
    remark: str
    known: KnownHere
    left_out: int = 0


def under_release(site: Site, release: str) -> DraftSite:
    """This node in memory, configured so.

    Raises:
        UsageError: there is no such release.
    """
    try:
        profile_of(release)
    except ValueError as problem:
        raise UsageError(f"the release {problem}") from problem
    return DraftSite(site, site.settings._replace(release=release), asks=True)


def tried(site: Site, release: str, given: bytes = b"") -> Trial:
    """This node under that release.

    Args:
        site: this node.
        release: the one to be.
        given: the list that the publisher would hand over first; empty for none.

    Raises:
        UsageError: there is no such release.
        StoreError: what lies here cannot be read.
    """
    draft, refused = under_release(site, release), ""
    present, known = site.settings.release, known_here(site)
    if not site.node.has_tftp:
        return Trial(present, None, is_kept=False, remark="", known=known)
    if given:
        try:
            take(draft, given)
        except RefusedError as refusal:
            refused = refusal.message
    try:
        composed = compose_for_start(draft)
    except CucmshError as problem:  # and nothing lies there
        remark = refused or problem.message
        return Trial(present, None, is_kept=True, remark=remark, known=known)
    return Trial(
        present,
        composed.raw,
        is_kept=composed.is_kept or bool(refused),
        remark=refused or composed.remark,
        known=known,
    )


@use_case("hook release")
def read_release(site: Site) -> str:
    """Which one this node has by its configuration."""
    return site.settings.release


@use_case("hook try-release")
def try_release(site: Site, release: str, given: bytes) -> str:
    """``tried``, for the publisher: as JSON, for ``read_trial``."""
    trial = tried(site, release, given)
    names: dict[int, list[str]] = {}
    lists: dict[int, Listed] = {}
    for name, listed in trial.known.itls.items():
        lists[id(listed)] = listed
        names.setdefault(id(listed), []).append(name)
    rows, left = [], MOST_BYTES
    for key, listed in lists.items():
        left -= len(listed.trust_list.raw)
        if left >= 0:
            rows.append(
                {
                    "label": listed.label,
                    "list": _text(listed.trust_list.raw),
                    "names": names[key],
                    "is_given_up": listed.is_given_up,
                    "is_only_if_counted": listed.is_only_if_counted,
                }
            )
    ctl = next(iter(trial.known.ctls.values()), None)
    return json.dumps(
        {
            "release": trial.release,
            "list": None if trial.raw is None else _text(trial.raw),
            "is_kept": trial.is_kept,
            "remark": trial.remark,
            "lists": rows,
            "left_out": len(lists) - len(rows),
            "ctl": None if ctl is None else _text(ctl.raw),
            "ctl_names": [*trial.known.ctls],
        }
    )


def read_trial(node: Node, said: str) -> Trial:
    """Parse what ``try_release`` of that node said.

    Raises:
        ServiceError: it said something else.
    """
    try:
        found = json.loads(said)
        itls: dict[str, Listed] = {}
        for row in found["lists"]:
            listed = _listed(row)
            itls.update((str(name), listed) for name in row["names"])
        ctls: dict[str, TrustList] = {}
        if found["ctl"] is not None:
            ctl = decode(_raw(found["ctl"]))
            ctls = {str(name): ctl for name in found["ctl_names"]}
        raw = None if found["list"] is None else _raw(found["list"])
        if raw is not None:
            decode(raw)
        return Trial(
            str(found["release"]),
            raw,
            is_kept=bool(found["is_kept"]),
            remark=str(found["remark"]),
            known=KnownHere(itls, ctls),
            left_out=int(found["left_out"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, TrustListError) as problem:
        raise ServiceError(
            f"{node.name} does not say what it would serve",
            "Install the same version of cucmsh on both nodes.",
        ) from problem


def _listed(row: Mapping[str, Any]) -> Listed:
    return Listed(
        str(row["label"]),
        decode(_raw(row["list"])),
        is_given_up=bool(row["is_given_up"]),
        is_only_if_counted=bool(row["is_only_if_counted"]),
    )


def _text(raw: bytes) -> str:
    return b64encode(raw).decode()


def _raw(text: str) -> bytes:
    return b64decode(text, validate=True)
