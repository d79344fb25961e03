"""Accounts of a node: who may log in, and what each may do."""

from __future__ import annotations

from pathlib import Path

import pytest

from cucmsh.errors import RefusedError, UsageError
from cucmsh.layout import ACCOUNTS
from cucmsh.secret import Secret
from cucmsh.services.accounts.admission import require_may_log_in
from cucmsh.services.accounts.kept import level_of
from cucmsh.services.accounts.lockout import Who
from cucmsh.services.accounts.login import lets_in
from cucmsh.services.accounts.store import (
    create_account,
    delete_account,
    ensure_account,
    set_account_enabled,
    show_accounts,
)
from cucmsh.services.caller import Caller, Privilege, WayIn
from cucmsh.services.lists.secret_files import is_secret
from cucmsh.services.site import Site
from tests.services.callers import called
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.thorough

PASSWORD = "some words of ann"
ANN = Who("ann", "ssh", "192.0.2.7")


def in_lab(site: Site) -> Site:
    """The node as one of a lab, whose SSH server asks it about passwords."""
    return site.with_settings(site.settings._replace(lab="lab"))


@pytest.fixture
def site(cluster: MadeCluster) -> Site:
    ensure_account(cluster.site, "admin", Secret("the first password"))
    made = in_lab(cluster.site)
    create_account(made, "ann", Privilege.READ, Secret(PASSWORD))
    return made


def test_the_right_password_lets_in_and_the_level_is_the_accounts(site: Site) -> None:
    assert lets_in(site, ANN, Secret(PASSWORD))
    assert not lets_in(site, ANN, Secret("another"))
    assert level_of(site, "ann") == Privilege.READ
    assert level_of(site, "admin") == Privilege.ALL
    assert [at.name for at in show_accounts(site)] == ["admin", "ann"]


def test_a_name_that_is_not_there_is_refused_and_counted_nowhere(site: Site) -> None:
    for _ in range(9):
        assert not lets_in(site, Who("nobody", "ssh"), Secret(PASSWORD))
    assert "nobody" not in Path(site.settings.home, ACCOUNTS).read_text()


def test_a_disabled_account_may_not_log_in_by_any_way(site: Site) -> None:
    set_account_enabled(site, "ann", is_enabled=False)
    assert not lets_in(site, ANN, Secret(PASSWORD))
    with pytest.raises(RefusedError, match="may not log in now"):
        require_may_log_in(site, "ann")
    set_account_enabled(site, "ann", is_enabled=True)
    require_may_log_in(site, "ann")
    assert lets_in(site, ANN, Secret(PASSWORD))


def test_a_locked_account_may_not_log_in_by_any_way(
    site: Site, cluster: MadeCluster
) -> None:
    for _ in range(3):
        lets_in(site, ANN, Secret("wrong"))
    assert not lets_in(site, ANN, Secret(PASSWORD))
    with pytest.raises(RefusedError, match="may not log in now"):
        require_may_log_in(site, "ann")
    cluster.clock.pass_seconds(300)
    assert lets_in(site, ANN, Secret(PASSWORD))


def test_a_removed_account_does_not_come_back_with_all_rights(site: Site) -> None:
    delete_account(site, "ann")
    assert not lets_in(site, ANN, Secret(PASSWORD))
    assert level_of(site, "ann") == Privilege.READ
    with pytest.raises(RefusedError, match="may not log in now"):
        require_may_log_in(site, "ann")
    create_account(site, "ann", Privilege.CHANGE, Secret(PASSWORD))
    assert lets_in(site, ANN, Secret(PASSWORD))


def test_the_administrator_and_oneself_stay(site: Site) -> None:
    for change in (delete_account, set_account_enabled):
        with pytest.raises(RefusedError, match="logged in"):
            change(site, "admin")
        root = called(site, Caller(WayIn.PROMPT, "root"))
        with pytest.raises(RefusedError, match="the administrator of this node"):
            change(root, "admin")
        with pytest.raises(RefusedError, match="There is no account bob"):
            change(site, "bob")


@pytest.mark.parametrize(
    "name", ["", "Joe", "1st", "a:b", "a b", "../x", "x" * 33, "j\u00f6", "-x", "a\n"]
)
def test_no_account_of_such_a_name(site: Site, name: str) -> None:
    with pytest.raises(UsageError):
        create_account(site, name, Privilege.READ, Secret(PASSWORD))


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaa", "x1" * 16, "12345678"])
def test_no_account_with_such_a_password(site: Site, password: str) -> None:
    with pytest.raises(RefusedError) as refused:
        create_account(site, "bob", Privilege.READ, Secret(password))
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "raw", [b"x", b"[]", b'{"ann": 3}', b'{"ann": {}}', b'{"ann": {"level": 9}}']
)
def test_a_damaged_store_gives_nobody_more_rights(site: Site, raw: bytes) -> None:
    site.home.write(ACCOUNTS, raw)
    for look in (lambda: level_of(site, "ann"), lambda: lets_in(site, ANN, Secret(""))):
        with pytest.raises(RefusedError, match="cannot be read"):
            look()


@pytest.mark.parametrize("name", ["root", "cucmsh", "admin"])
def test_who_must_keep_all_rights_gets_no_level(
    cluster: MadeCluster, name: str
) -> None:
    site = called(cluster.site, Caller(WayIn.PROMPT, "admin"))
    with pytest.raises(RefusedError, match="keeps them"):
        create_account(site, name, Privilege.READ, Secret(PASSWORD))
    assert level_of(site, name) == Privilege.ALL


def test_the_store_is_a_secret_and_holds_no_password(site: Site) -> None:
    assert is_secret(ACCOUNTS)
    assert site.home.mode(ACCOUNTS) == 0o600
    assert PASSWORD.encode() not in site.home.read(ACCOUNTS)


def test_production_keeps_no_password_of_an_account(cluster: MadeCluster) -> None:
    create_account(cluster.site, "ann", Privilege.READ, Secret(PASSWORD))
    assert b"verifier" not in cluster.site.home.read(ACCOUNTS)
    assert not lets_in(cluster.site, ANN, Secret(PASSWORD))
