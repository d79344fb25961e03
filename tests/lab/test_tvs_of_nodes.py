"""Every node of a lab runs TVS, which knows the signers of all and no old one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.app import open_site
from cucmsh.config.settings import read_settings
from cucmsh.errors import TvsError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.testing import Node
from cucmsh.tvs.client import ask
from cucmsh.tvs.codec import QueryAnswer, QueryRequest
from tests.rigs.lab import Lab
from tests.rigs.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.loopback]

TVS = "Cisco Trust Verification Service"
QUESTION_ANSWERED = "yes\n"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.stop()


def certificate(node: Node, unit: Unit = Unit.CALL_MANAGER) -> Certificate:
    return Keystore(open_site(read_settings(str(node.config)))).certificate(unit)


def asked(node: Node, signer: Certificate) -> QueryAnswer:
    """What a phone is told that knows this TVS by its list."""
    names = signer.subject_name, signer.issuer_name
    request = QueryRequest(1001, "CP-7965-SEP001122334455", *names, signer.serial)
    shown = certificate(node, Unit.TVS).der
    answer = ask(*node.tvs, request, trust=lambda der: der == shown)
    assert isinstance(answer, QueryAnswer)
    return answer


def test_each_knows_the_signers_of_all_and_a_replaced_one_nobody(lab: Lab) -> None:
    for owner in lab.nodes:
        signer = certificate(owner)
        for node in lab.nodes:
            answer = asked(node, signer)
            assert (answer.certificate, answer.roles) == (signer.der, (0, 3))
    old = certificate(lab.publisher)
    line = "set cert regen CallManager"
    done = lab.call(lab.publisher, line, QUESTION_ANSWERED)
    assert done.returncode == 0, done.stdout
    new = certificate(lab.publisher)
    for node in lab.nodes:
        assert not asked(node, old).is_known
        assert asked(node, new).roles == (0, 3)


def test_service_is_controlled_from_the_shell(lab: Lab) -> None:
    node = lab.subscriber
    for verb, is_running in (("stop", False), ("start", True), ("restart", True)):
        done = lab.call(node, f"utils service {verb} {TVS}")
        assert done.returncode == 0, done.stdout
        state = "STARTED" if is_running else "STOPPED"
        assert f"{TVS}[{state}]" in lab.call(node, "utils service list").stdout
        if is_running:
            assert asked(node, certificate(node)).is_known
        else:
            with pytest.raises(TvsError, match="TVS on"):
                asked(node, certificate(node))


def test_new_certificate_of_tvs_is_shown_at_once(lab: Lab) -> None:
    before = certificate(lab.subscriber, Unit.TVS)
    done = lab.call(lab.subscriber, "set cert regen TVS", QUESTION_ANSWERED)
    assert done.returncode == 0, done.stdout
    assert certificate(lab.subscriber, Unit.TVS) != before
    assert asked(lab.subscriber, certificate(lab.publisher)).is_known


def test_log_of_a_node_says_whom_it_did_not_know(lab: Lab) -> None:
    stranger = certificate(lab.publisher)._replace(serial=b"\x01\x02")
    assert not asked(lab.publisher, stranger).is_known
    log = Path(lab.publisher.home, "log", "tvs")
    words = "'CP-7965-SEP001122334455' asked for"
    until(lambda: words in log.read_text(), "no line")
