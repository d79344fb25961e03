"""`set password user admin`: one's own, once a day, none of the last ten."""

from __future__ import annotations

import pytest

from cucmsh.errors import RefusedError
from cucmsh.secret import Secret
from cucmsh.services.accounts.lockout import Who
from cucmsh.services.accounts.login import lets_in
from cucmsh.services.accounts.own_password import set_own_password
from cucmsh.services.accounts.store import create_account
from cucmsh.services.caller import Caller, Privilege, WayIn
from cucmsh.services.site import Site
from tests.services.accounts.test_accounts import in_lab
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

PASSWORD = "some words of ann"
ANN = Who("ann", "ssh", "192.0.2.7")
DAY = 24 * 3600


@pytest.fixture
def site(cluster: MadeCluster) -> Site:
    made = in_lab(cluster.site)
    create_account(made, "ann", Privilege.CHANGE, Secret(PASSWORD))
    return made


def as_ann(site: Site) -> Site:
    return called(site, Caller(WayIn.PROMPT, "ann", level=Privilege.CHANGE))


def test_ones_own_password_is_changed_and_none_of_the_last_ten_is_taken(
    site: Site, cluster: MadeCluster
) -> None:
    ann, present = as_ann(site), PASSWORD
    used = [present]
    for number in range(11):
        new = f"words number {number} of ann"
        set_own_password(ann, Secret(present), Secret(new))
        cluster.clock.pass_seconds(DAY)
        used.append(present := new)
    with pytest.raises(RefusedError, match="one of the last 10"):
        set_own_password(ann, Secret(present), Secret(used[2]))
    set_own_password(ann, Secret(present), Secret(used[1]))
    assert lets_in(site, ANN, Secret(used[1]))
    assert not lets_in(site, ANN, Secret(present))


def test_a_wrong_old_one_counts(site: Site) -> None:
    ann = as_ann(site)
    for _ in range(3):
        with pytest.raises(RefusedError, match="not correct"):
            set_own_password(ann, Secret("wrong"), Secret("two other words"))
    with pytest.raises(RefusedError, match="not correct"):
        set_own_password(ann, Secret(PASSWORD), Secret("two other words"))


def test_an_account_of_the_system_is_told_who_changes_it(site: Site) -> None:
    other = called(site, Caller(WayIn.PROMPT, "sysadmin"))
    with pytest.raises(RefusedError) as refused:
        set_own_password(other, Secret("x"), Secret("two other words"))
    assert refused.value.advice == "As root, run `passwd sysadmin`."
