"""``utils tftp sign``: what it says and returns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cucmsh.cli import hook
from cucmsh.errors import HalfDoneError, RefusedError, StoreError
from cucmsh.pki.model import Unit
from cucmsh.services.certificates.regenerate import regenerate
from cucmsh.services.site import Site
from tests.commands.calls import GRAMMAR, call
from tests.services.made_cluster import MadeCluster
from tests.services.replica_boxes import Box, with_boxes

SIGN = "utils tftp sign"
WAIT = "Signing the files of the phones, please wait...\n"
FAILED = "Executed command unsuccessfully\n"


def put(site: Site, *names: str) -> None:
    for name in names:
        Path(site.tftp.root, name).write_bytes(b"<device/>")


@pytest.mark.thorough
def test_counts_are_said_and_a_second_run_says_unchanged(cluster: MadeCluster) -> None:
    put(cluster.site, "SEP1.cnf.xml", "Ringlist.xml")
    first = call(cluster.site, SIGN)
    assert (first.status, first.text) == (0, WAIT + "2 signed, 0 unchanged, 0 failed\n")
    second = call(cluster.site, SIGN)
    assert (second.status, second.text) == (
        0,
        WAIT + "0 signed, 2 unchanged, 0 failed\n",
    )


def test_control_c_between_two_files_is_partly_done_and_says_so(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    put(cluster.site, "SEP1.cnf.xml")
    monkeypatch.setattr("cucmsh.services.lists.sign_and_bring.sign_chosen", interrupted)
    called = call(cluster.site, SIGN)
    said = "Control-C pressed: what was begun is finished, the rest is not.\n"
    assert (called.status, called.text) == (3, WAIT + said + FAILED)


def test_nothing_to_sign_is_no_failure(cluster: MadeCluster) -> None:
    assert call(cluster.site, SIGN).text == WAIT + "0 signed, 0 unchanged, 0 failed\n"


def test_specs_choose(cluster: MadeCluster) -> None:
    put(cluster.site, "SEP1.cnf.xml", "SEP2.cnf.xml", "Ringlist.xml")
    called = call(cluster.site, f"{SIGN} SEP* Ringlist.xml")
    assert called.text == WAIT + "3 signed, 0 unchanged, 0 failed\n"


def test_partly_done_is_3_and_nothing_done_is_1(cluster: MadeCluster) -> None:
    put(cluster.site, "SEP1.cnf.xml")
    called = call(cluster.site, f"{SIGN} SEP1.cnf.xml no.xml")
    assert (called.status, called.text) == (
        3,
        WAIT + "1 signed, 0 unchanged, 1 failed\n"
        "Not signed: no.xml: there is no such file in the TFTP directory\n" + FAILED,
    )
    assert call(cluster.site, f"{SIGN} no.xml").status == 1


def test_many_failures_are_shortened(cluster: MadeCluster) -> None:
    for number in range(30):
        Path(cluster.site.tftp.root, f"{number}.xml").symlink_to("/etc/passwd")
    called = call(cluster.site, SIGN)
    assert "0 signed, 0 unchanged, 30 failed" in called.text
    assert "... and 10 more like these\n" in called.text


@pytest.mark.thorough
def test_refusal_between_regeneration_and_restart_changes_nothing(
    cluster: MadeCluster,
) -> None:
    put(cluster.site, "SEP1.cnf.xml")
    regenerate(cluster.site, Unit.CALL_MANAGER)
    before = cluster.tree()
    with pytest.raises(RefusedError) as refused:
        call(cluster.site, SIGN)
    assert "utils service restart Cisco Tftp" in refused.value.advice
    assert cluster.tree() == before


def test_subscriber_signs_its_own_files(cluster: MadeCluster) -> None:
    put(cluster.subscriber.site, "SEP1.cnf.xml")
    assert call(cluster.subscriber.site, SIGN).status == 0


@pytest.mark.thorough
def test_replicas_are_told_and_a_pending_one_makes_it_3(
    cluster: MadeCluster, tmp_path: Path
) -> None:
    box = Box(str(tmp_path / "branch1"), "branch1", 7001)
    site = with_boxes(cluster, box)
    put(site, "SEP1.cnf.xml")
    called = call(site, SIGN)
    assert (
        called.text
        == WAIT + "1 signed, 0 unchanged, 0 failed\nbranch1: 2 files brought\n"
    )
    assert called.status == 0
    box.is_dead = True
    called = call(site, SIGN)
    assert called.status == 3
    assert "branch1: pending: branch1 does not answer\n" in called.text


@pytest.mark.thorough
@pytest.mark.parametrize("problem", [StoreError("a full disk"), KeyError("odd")])
def test_push_that_breaks_off_does_not_hide_what_was_signed(
    cluster: MadeCluster, problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Site) -> None:
        raise problem

    monkeypatch.setattr("cucmsh.services.lists.sign_and_bring.push", broken)
    monkeypatch.setattr(hook, "open_own_site", lambda _: cluster.site)
    put(cluster.site, "SEP1.cnf.xml", "SEP2.cnf.xml")
    with pytest.raises(HalfDoneError, match="The files are signed, and") as half:
        call(cluster.site, f"{SIGN} SEP1.cnf.xml")
    assert half.value.exit_status == 3
    name = os.path.join(cluster.site.tftp.root, "SEP2.cnf.xml")
    with pytest.raises(HalfDoneError):
        hook.run_at("", ["sign", name])
    # Nothing is signed any more: then nothing was done.
    with pytest.raises(type(problem)):
        call(cluster.site, SIGN)


def test_candidates_are_the_files_that_are_signed(cluster: MadeCluster) -> None:
    put(cluster.site, "SEP1.cnf.xml", "firmware.sbn")
    entry = GRAMMAR.parse(SIGN).command
    assert list(entry.candidates["spec"](cluster.site)) == ["SEP1.cnf.xml"]
