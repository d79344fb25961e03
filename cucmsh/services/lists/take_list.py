"""What a subscriber does with a list that the publisher made and signed for it.

The other end of ``member_lists``, run by ``cucmsh hook`` under this node's own lock.
The list is kept for the next TFTP start (``given_list``); only where nothing is served
yet it is served at once.
"""

from __future__ import annotations

import json
from hashlib import sha256

from cucmsh.errors import RefusedError
from cucmsh.layout import GIVEN_LIST
from cucmsh.services.lists.acceptance import (
    TRUST_RELEASE,
    common_signers,
    describe,
    who_refuses,
)
from cucmsh.services.lists.compose import compose_for_start
from cucmsh.services.lists.given_list import (
    given_bytes,
    held_here,
    latest_time,
    reached,
    read_given,
    require_given,
    require_ours,
    require_own_name,
)
from cucmsh.services.lists.served_lists import served_list
from cucmsh.services.outcome import State
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


@use_case("hook wanted-list")
def wanted_list(site: Site) -> str:
    """What ``given_list.WantedList`` says, as JSON.

    A node that makes its lists itself says it, too: another release may be tried.
    """
    history, served = held_here(site)
    held = reached(site, history, served)
    signers = None
    if any(record.public_key for kept in held for record in kept.trust_list.records):
        signers = sorted(sha256(der).hexdigest() for der in common_signers(held))
    return json.dumps({"timestamp": latest_time(site), "signers": signers})


@use_case("hook give-list", changes=True)
def take_list(site: Site, raw: bytes) -> State:
    """Keep a list for the next TFTP start; the same bytes again change nothing.

    Returns:
        UPDATED or UNCHANGED.

    Raises:
        RefusedError: it is none, or not to be served here; an earlier one stays.
    """
    return take(site, raw)


def take(site: Site, raw: bytes) -> State:
    """``take_list``, also for what is only tried."""
    require_given(site)
    trust_list = read_given(raw)
    with site.node_lock("the taking of a list"):
        history, served = held_here(site)
        require_ours(site, trust_list, history)
        require_own_name(site, trust_list)
        state = State.UNCHANGED
        if given_bytes(site) != raw:
            if trust_list.header.timestamp <= latest_time(site):
                raise RefusedError(
                    "the list is not later than the one that is there",
                    "It was handed over late; the later one stays.",
                )
            names = {kept.digests.sha256 for kept in reached(site, history, served)}
            refused = tuple(
                each
                for each in who_refuses(site, trust_list, history)
                if each.kept.digests.sha256 in names
            )
            if refused:
                raise RefusedError(
                    f"{describe(refused)}; `{TRUST_RELEASE}` on {site.node.name} gives "
                    "them up"
                )
            site.home.write(GIVEN_LIST, raw)
            state = State.UPDATED
    if site.node.has_tftp and served_list(site) is None:
        compose_for_start(site)
    return state
