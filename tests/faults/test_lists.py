"""F19: whatever list the publisher serves when it is to be signed anew."""

from __future__ import annotations

import random

import pytest

from tests.faults import judge
from tests.faults.cluster import ANSWERS, CCM, LIST_FILE, PUBLISHER, RESET, Cluster
from tests.faults.second_verifier import read
from tests.faults.test_logins import assert_unchanged
from tests.faults.test_network import assert_rerun_converges
from tests.rigs.draws import draw

pytestmark = [pytest.mark.faults, pytest.mark.loopback]

CUTS = 2  # of the list, at random; each is a whole reset
YES = f"{ANSWERS}yes\nyes\nyes\n"


def serve(cluster: Cluster, raw: bytes) -> None:
    """Let the publisher have this list in its directory."""
    path = cluster.tftp / LIST_FILE
    path.write_bytes(raw)


def test_f19_a_publisher_without_a_list_composes_one_and_resets(
    cluster: Cluster,
) -> None:
    (cluster.tftp / LIST_FILE).unlink()
    result = cluster.call()
    assert result.status == 0, result.transcript
    judge.check_words(result, judge.check(cluster, cluster.old, result), cluster.old)


def test_f19_a_list_that_is_cut_anywhere_is_signed_by_nobody(
    cluster: Cluster, seed: int
) -> None:
    dice = random.Random(seed)
    cuts = [0, 1, *draw(dice, range(2, len(cluster.old)), CUTS)]
    for cut in [*cuts, len(cluster.old) - 1]:
        serve(cluster, cluster.old[:cut])
        before = cluster.snapshot()
        result = cluster.call(answers=YES)
        where = f"cut at {cut}, CUCMSH_SEED={seed}: {result.transcript}"
        assert judge.TRACEBACK not in result.transcript, where
        # A cut between two records is a list, with a signature that is not its own.
        if result.status == 1:
            assert_unchanged(cluster, before)
        else:
            assert "does not verify" in result.said, where
            cluster.restore()
            cluster.configure(cluster.nodes[:2])
        for node in cluster.members:
            read(node.list_file.read_bytes())


@pytest.mark.parametrize("at", ["signature", "record", "timestamp"])
def test_f19_a_list_that_does_not_verify_needs_a_typed_yes(
    cluster: Cluster, at: str
) -> None:
    places = {"signature": 200, "record": -40, "timestamp": 325}
    place = places[at] % len(cluster.old)
    forged = bytearray(cluster.old)
    forged[place] ^= 1
    serve(cluster, bytes(forged))
    before = cluster.snapshot()
    result = cluster.call(answers=f"{CCM}\nno\n")
    assert result.status == 1, result.transcript
    assert "does not verify" in result.said
    assert_unchanged(cluster, before)


def test_f19_a_list_that_was_reset_already_is_reset_again(cluster: Cluster) -> None:
    assert cluster.call().status == 0
    first = read((cluster.tftp / LIST_FILE).read_bytes())
    result = cluster.call()
    assert result.status == 0, result.transcript
    second = read((cluster.tftp / LIST_FILE).read_bytes())
    assert second.is_reset
    assert second.body == first.body  # the records, to the byte
    assert second.timestamp >= first.timestamp
    assert len({*judge.check(cluster, cluster.old, result).values()}) == 1


def test_f19_the_records_stay_as_they_are_and_the_header_fits_its_signer(
    cluster: Cluster,
) -> None:
    assert cluster.call().status == 0
    old, new = read(cluster.old), read((cluster.tftp / LIST_FILE).read_bytes())
    assert new.body == old.body
    assert new.signer != old.signer
    assert new.timestamp > old.timestamp


def test_cscun18578_a_publisher_that_has_no_tftp_service_resets_the_others(
    cluster: Cluster,
) -> None:
    text = cluster.config.read_text()
    services = 'services = ["tftp", "tvs", "capf"]'
    assert services in text
    text = text.replace(services, 'services = ["tvs", "capf"]')
    directory = f'tftp_directory = "{cluster.tftp}"\n'
    assert directory in text
    cluster.config.write_text(text.replace(directory, ""))
    cluster.service.stop()
    (cluster.tftp / LIST_FILE).unlink()
    result = cluster.call(RESET)
    assert result.status == 0, result.transcript
    lists = {node.list_file.read_bytes() for node in cluster.members}
    assert len(lists) == 1
    assert read(lists.pop()).is_reset
    assert PUBLISHER not in judge.pending_in(result)


def test_cscun18578_a_reset_after_a_reset_after_a_restart_converges(
    cluster: Cluster,
) -> None:
    assert_rerun_converges(cluster)
    done = cluster.call("utils service restart Cisco Tftp", "")
    assert done.status == 0, done.transcript
    assert not read((cluster.tftp / LIST_FILE).read_bytes()).is_reset
    result = cluster.call()
    assert result.status == 0, result.transcript
    assert len(set(judge.lists_served(cluster).values())) == 1
