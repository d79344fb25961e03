"""Which members were not seen to have this node's security password.

Noted when the password changes here, and when a member is met that has another one;
until it is seen to have the same. A person reads it at the login, and in ``doctor``.
"""

from __future__ import annotations

from collections.abc import Collection

from cucmsh.alarms import CLM_MSG_INT_CHK_ERROR
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.waiting import add_waiting, read_waiting, settle_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site

ANOTHER = "another one"


def other_passwords(site: Site) -> dict[str, str]:
    """Those members, by name, and why.

    Raises:
        StoreError: what was noted cannot be read.
    """
    return read_waiting(site, Work.PASSWORDS)


def expect_others(site: Site, names: Collection[str]) -> None:
    """The password is about to change here: these members have to follow.

    The caller holds the node's lock.
    """
    add_waiting(site, Work.PASSWORDS, names, "not asked yet")


def has_another(site: Site, name: str) -> None:
    """That member was met, and its password is another one; an alarm tells it once."""
    is_new = other_passwords(site).get(name) != ANOTHER
    not_seen(site, name, ANOTHER)
    if is_new:
        tell(site, CLM_MSG_INT_CHK_ERROR, name)


def not_seen(site: Site, name: str, why: str) -> None:
    """That member was not seen to have the same, and why."""
    with site.node_lock("a note of passwords"):
        if other_passwords(site).get(name) != why:
            add_waiting(site, Work.PASSWORDS, (name,), why)


def has_the_same(site: Site, name: str) -> None:
    """That member was met, and has the same."""
    if name in other_passwords(site):
        with site.node_lock("a note of passwords"):
            settle_waiting(site, Work.PASSWORDS, (name,))
