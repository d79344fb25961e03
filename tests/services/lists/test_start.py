"""A TFTP start whose hook meets trouble: a good list is served, and it is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cucmsh.errors import CucmshError, StoreError
from cucmsh.layout import LIST_FILE, START_RESULT
from cucmsh.services.lists.tftp_start import Started, keep, start
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.site import Site
from cucmsh.storage.local import LocalStore
from tests.services.made_cluster import MadeCluster

Break = Callable[[pytest.MonkeyPatch, Site], None]


def start_or_keep(site: Site) -> Started:
    try:
        return start(site)
    except CucmshError as problem:
        return keep(site, problem)


def refuse_writes(patch: pytest.MonkeyPatch, *roots: str) -> None:
    """As a directory of root's, a full disk and a read-only one do."""
    plain = LocalStore.stage

    def stage(self: LocalStore, name: str, raw: bytes, mode: int = 0o600) -> str:
        if self.root in roots:
            raise StoreError(f"{name}: No space left on device")
        return plain(self, name, raw, mode)

    patch.setattr(LocalStore, "stage", stage)


def tftp_directory(patch: pytest.MonkeyPatch, site: Site) -> None:
    refuse_writes(patch, site.tftp.root)


def home(patch: pytest.MonkeyPatch, site: Site) -> None:
    refuse_writes(patch, site.home.root)


def everything(patch: pytest.MonkeyPatch, site: Site) -> None:
    refuse_writes(patch, site.home.root, site.tftp.root)


@pytest.mark.thorough
@pytest.mark.parametrize("what", [tftp_directory, home, everything])
def test_good_list_goes_on_being_served_and_it_is_told(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch, what: Break
) -> None:
    site = cluster.publisher.again()
    raw = cluster.publisher.raw
    what(monkeypatch, site)
    started = start_or_keep(site)
    assert started.status == (3 if what is tftp_directory else 1)
    assert started.done[0].startswith("kept ")
    assert "No space left on device" in started.problems[0]
    assert cluster.publisher.raw == raw
    told = login_notice(site)
    if what is tftp_directory:
        assert "No list was composed at the TFTP start of" in told
        assert "No space left on device" in told
    else:
        # Then the unit's line of shell or `systemctl --failed` is what tells; it says
        # nothing of a 3.
        assert any("the next login cannot be told" in each for each in started.problems)
    monkeypatch.undo()
    assert start(site).status == 0
    assert login_notice(site) == ""


@pytest.mark.parametrize("raw", [None, b"garbage"])
def test_without_a_good_list_the_status_says_so(
    cluster: MadeCluster, raw: bytes | None
) -> None:
    site = cluster.subscriber.again()
    site.home.remove("security/trust/test10pub/ITLRecovery.pem")
    site.tftp.remove(LIST_FILE)
    if raw is not None:
        site.tftp.write(LIST_FILE, raw)
    started = start_or_keep(site)
    assert (started.status, started.done) == (1, [])
    assert "no good list is there to be served" in "\n".join(started.problems)
    assert "No list was composed at the TFTP start of" in login_notice(site)


def test_list_that_somebody_changed_is_no_good_list(cluster: MadeCluster) -> None:
    site = cluster.subscriber.again()
    raw = bytearray(cluster.subscriber.raw)
    raw[-30] ^= 1
    site.tftp.write(LIST_FILE, bytes(raw))
    assert keep(site, CucmshError("the disk is full")).status == 1


def test_kept_list_is_a_failure_of_the_unit(cluster: MadeCluster) -> None:
    """The administrator wanted another one; after a reset it is what is wanted."""
    site = cluster.subscriber.again()
    site.home.remove("security/trust/test10pub/ITLRecovery.pem")
    started = start(site)
    assert (started.status, started.done[0][:5]) == (3, "kept ")


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("success exited 0\n", ""),
        ("exit-code exited 3\n", ""),  # what was wrong is remembered elsewhere
        ("exit-code exited 203\n", "(exit-code exited 203)"),
        ("exit-code exited 1\n", "(exit-code exited 1)"),
        ("timeout killed TERM\n", "(timeout killed TERM)"),
        ("", "(how it ended is not known)"),
        ("\x1b]0;x\n y", "(how it ended is not known)"),
    ],
)
def test_end_of_the_unit_is_told_although_python_could_not(
    cluster: MadeCluster, result: str, told: str
) -> None:
    site = cluster.publisher.again()
    site.home.write(START_RESULT, result.encode())
    notice = login_notice(site)
    assert told in notice
    assert bool(notice) == bool(told)
    assert "\n" not in notice
    assert start(site).status == 0
    assert login_notice(site) == ""
