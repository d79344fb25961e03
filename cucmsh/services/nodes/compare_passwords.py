"""Whether other members have this node's security password, without sending it.

Each member has a copy of its own, which a person changes there. One that has changed
its own asks: a subscriber its publisher, a publisher everybody. What is sent is sealed
under the password, with a fresh salt; both sides then know, and note, whether the other
has the same. Whoever was not seen to have it is asked again by each round of the
Certificate Monitor.
"""

from __future__ import annotations

import hashlib
import json

from cucmsh.config.model import Node
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.services.deadlines import HEALTH_SECONDS
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.member_hooks import INPUT, hook_on
from cucmsh.services.nodes.other_passwords import (
    ANOTHER,
    has_another,
    has_the_same,
    not_seen,
    other_passwords,
)
from cucmsh.services.nodes.sealed import sealed, unsealed
from cucmsh.services.nodes.tell_names import others_to_tell
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.usecase import use_case

SAME = "the same"


# A look, as the round of the monitor is, with which it comes.
@use_case("hook monitor")
def compare_passwords(site: Site) -> list[NodeOutcome]:
    """The use-case of ``ask_others``."""
    return ask_others(site)


def ask_others(site: Site) -> list[NodeOutcome]:
    """Ask those that were not seen to have the same, if there are any.

    Returns:
        One outcome for each that was asked.

    Raises:
        StoreError: what they said cannot be noted.
    """
    noted = other_passwords(site)
    nodes = [node for node in others_to_tell(site) if node.name in noted]
    if not nodes:
        return []
    question = sealed(site, json.dumps({"is it the same as on": site.node.name}))
    argv = ("same-password", INPUT, hashlib.sha256(question).hexdigest())
    with Fleet(site, HEALTH_SECONDS) as fleet:

        def ask(node: Node) -> NodeOutcome:
            try:
                if node.ssh is None:
                    raise RefusedError("no way leads there")
                said = fleet.on(
                    node, lambda link: hook_on(link, node, *argv, given=question)
                )
            except CucmshError as problem:
                return NodeOutcome(node.name, State.PENDING, problem.message)
            if said == SAME:
                return NodeOutcome(node.name, State.UPDATED)
            return NodeOutcome(node.name, State.PENDING, ANOTHER)

        outcomes = list(side_by_side(ask, nodes))
    for each in outcomes:
        if each.is_done:
            has_the_same(site, each.name)
        elif each.reason == ANOTHER:
            has_another(site, each.name)
        else:
            not_seen(site, each.name, each.reason)
    return outcomes


@use_case("hook same-password", changes=True)
def answer_password(site: Site, raw: bytes) -> str:
    """Whether another member has this node's security password; both note it.

    Raises:
        RefusedError: what arrived is no such question.
    """
    try:
        unsealed(site, raw)
    except RefusedError:
        return ANOTHER
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise RefusedError("what arrived asks for no password") from problem
    return SAME
