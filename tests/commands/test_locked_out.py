"""With ``keep_trust`` on, a typed yes before phones are lost that the rule cannot see.

The rule looks at what this node served since it is on. A phone may be said to hold a
list of before: it takes the list of a reset, and would not take the one of the next
start.
"""

from __future__ import annotations

from hashlib import sha1

import pytest

from cucmsh.errors import CancelledError
from cucmsh.phones.claims import Claim, Source
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.lists.plan_reset import plan_local_reset
from cucmsh.services.phones.open_store import open_inventory
from cucmsh.services.site import Site
from tests.commands.calls import TO_CCM, call
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

RESTART = "utils service restart Cisco Tftp"
LOST = "Phones that hold one of these ITLs would be locked out:"
CONTINUE = "Do you want to continue (yes/no)? "


def said_to_hold(site: Site, raw: bytes) -> None:
    claim = Claim(
        "SEP001122334455",
        Source.PAGE,
        1000,
        node=site.node.name,
        itl=sha1(raw).hexdigest(),
        model="8845",
    )
    with open_inventory(site) as store:
        store.record([claim], 2000)


@pytest.fixture
def reset_after_loss(cluster: MadeCluster) -> tuple[MadeCluster, Site, bytes]:
    """Trust was lost and came back by a reset; then ``keep_trust`` was turned on.

    Returns:
        The cluster without any TVS, its publisher's site, and the list of before.
    """
    before = cluster.publisher.raw
    for unit in (Unit.CALL_MANAGER, Unit.TVS):
        regenerate(cluster.site, unit)
        cluster.clock.pass_seconds(301)
    cluster.publisher.start()
    for member in cluster.members.values():
        member.tvs_is_stopped = True
    cluster.apply(plan_local_reset(cluster.site))
    site = cluster.site.with_settings(cluster.site.settings._replace(keep_trust=True))
    return cluster, site, before


@pytest.mark.parametrize("helpful", [True, False])
def test_a_restart_that_would_lose_phones_is_asked_about(
    reset_after_loss: tuple[MadeCluster, Site, bytes], *, helpful: bool
) -> None:
    cluster, site, before = reset_after_loss
    said_to_hold(site, before)
    present = cluster.publisher.raw
    with pytest.raises(CancelledError):
        call(site, RESTART, [(CONTINUE, "no")], helpful=helpful)
    assert cluster.publisher.raw == present
    done = call(site, RESTART, [(CONTINUE, "yes")], helpful=helpful)
    assert LOST in done.lines
    assert "    1 phone of model 8845" in done.lines
    assert cluster.publisher.raw != present
    # They are lost now, and the next start is not to blame.
    assert not call(site, RESTART).questions


def test_nothing_is_asked_where_nobody_is_said_to_hold_another_list(
    reset_after_loss: tuple[MadeCluster, Site, bytes],
) -> None:
    cluster, site, _ = reset_after_loss
    said_to_hold(site, cluster.publisher.raw)
    assert not call(site, RESTART).questions


def test_a_reset_that_would_lose_phones_is_asked_about(
    reset_after_loss: tuple[MadeCluster, Site, bytes],
) -> None:
    """The recovery key was made anew: who holds its list refuses the old one's."""
    cluster, site, before = reset_after_loss
    regenerate(site, Unit.ITL_RECOVERY)
    assert before != cluster.publisher.raw
    said_to_hold(site, before)
    present = cluster.publisher.raw
    line = "utils itl reset localkey"
    answers = [TO_CCM, (CONTINUE, "yes"), (CONTINUE, "yes"), (CONTINUE, "no")]
    with pytest.raises(CancelledError):
        call(site, line, answers)
    assert cluster.publisher.raw == present
