"""The JSON documents, schema cucmsh/1: every key, and what stands in it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cucmsh.pki.model import Certificate
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.services.lists.plan_reset import ResetPlan
from cucmsh.services.lists.show_list import HeldList, Mismatch
from cucmsh.services.nodes.own_services import ServiceState
from cucmsh.services.nodes.service_list import ServiceList
from cucmsh.services.outcome import NodeOutcome, Report, State
from cucmsh.trustlist.check import SignatureVerdict, check
from cucmsh.trustlist.decode import decode
from cucmsh.views.certificate_documents import certificates_document
from cucmsh.views.documents import (
    list_document,
    reset_document,
)
from cucmsh.views.services import services_document
from cucmsh.views.times_and_sizes import iso_time

VECTORS = Path(__file__).parents[1] / "vectors"
NODE = "test10pub"
CERTIFICATE = Certificate(
    der=b"der",
    subject_name="CN=pub;O=cisco",
    issuer_name="CN=ca;O=cisco",
    serial=b"\x01\xab",
    public_key=b"",
    signature=b"",
    key_bits=2048,
    key_type="RSA",
    signature_algorithm="SHA256withRSA (1.2.840.113549.1.1.11)",
    not_before=datetime(2014, 2, 26, 18, 24, 27, 900, tzinfo=UTC),
    not_after=datetime(2019, 2, 25, 18, 24, 26, tzinfo=UTC),
)


def plain(document: dict[str, object]) -> dict[str, Any]:
    """What a program reads; fails for values that JSON has not."""
    return dict(json.loads(json.dumps(document)))


def held(name: str) -> HeldList:
    raw = (VECTORS / name).read_bytes()
    trust_list = decode(raw)
    return HeldList(
        raw, 1393439067.9, trust_list, check(trust_list, SignatureVerifier())
    )


def test_a_list_has_every_key_and_its_records_say_who_signed() -> None:
    mismatches = [Mismatch("branch1", "ab" * 20), Mismatch("branch2", "", "no answer")]
    document = plain(list_document(NODE, held("cucm10-sha1.itl"), mismatches))
    records = document.pop("records")
    sha1, sha256 = document.pop("sha1"), document.pop("sha256")
    assert (len(sha1), len(sha256), len(document.pop("md5"))) == (40, 64, 32)
    assert document == {
        "node": NODE,
        "length": (VECTORS / "cucm10-sha1.itl").stat().st_size,
        "modified": "2014-02-26T18:24:27Z",
        "version": "1.2",
        "file_name": held("cucm10-sha1.itl").trust_list.header.file_name,
        "timestamp": iso_time(held("cucm10-sha1.itl").trust_list.header.timestamp),
        "digest": "sha1",
        "signer": {
            "name": held("cucm10-sha1.itl").trust_list.header.signer_name,
            "issuer": held("cucm10-sha1.itl").trust_list.header.ca_name,
            "serial": held("cucm10-sha1.itl").trust_list.header.serial.hex(),
        },
        "verified": True,
        "reason": None,
        "foreign": None,
        "other_lists": [
            {"node": "branch1", "sha1": "ab" * 20, "problem": None},
            {"node": "branch2", "sha1": None, "problem": "no answer"},
        ],
    }
    assert {tuple(record) for record in records} == {
        (
            *("number", "role", "dns_name", "ip_address", "subject", "issuer"),
            *("serial", "certificate_sha1", "certificate_sha256", "hash"),
            *("hash_algorithm", "is_signer"),
        )
    }
    (signer,) = [record for record in records if record["is_signer"]]
    assert signer["role"] == "SAST"
    assert signer["serial"] == document["signer"]["serial"]
    assert [record["number"] for record in records] == list(range(1, len(records) + 1))


def test_a_hashed_record_has_its_hash_and_no_certificate() -> None:
    records = plain(list_document(NODE, held("cucm10-sha1.itl"), []))["records"]
    hashed = [record for record in records if record["hash"]]
    assert {record["hash_algorithm"] for record in hashed} == {"sha1"}
    assert {record["certificate_sha1"] for record in hashed} == {None}
    assert all(
        (record["hash"] is None) == (record["hash_algorithm"] is None)
        for record in records
    )


@pytest.mark.parametrize("path", sorted(VECTORS.glob("cucm10*")), ids=lambda p: p.stem)
def test_every_list_that_decodes_has_a_document(path: Path) -> None:
    document = plain(list_document(NODE, held(path.name), []))
    assert document["records"]


def test_a_list_that_does_not_verify_says_why() -> None:
    verdict = SignatureVerdict(is_valid=False, reason="it does not fit", signer=None)
    document = list_document(
        NODE, held("cucm10-sha1.itl")._replace(verdict=verdict), []
    )
    assert (document["verified"], document["reason"]) == (False, "it does not fit")


def test_a_certificate_has_every_key() -> None:
    assert plain(certificates_document(NODE, [("CallManager", CERTIFICATE)])) == {
        "node": NODE,
        "certificates": [
            {
                "unit": "CallManager",
                "subject": "CN=pub;O=cisco",
                "issuer": "CN=ca;O=cisco",
                "serial": "01ab",
                "self_signed": False,
                "not_before": "2014-02-26T18:24:27Z",
                "not_after": "2019-02-25T18:24:26Z",
                "key_type": "RSA",
                "key_bits": 2048,
                "signature_algorithm": "SHA256withRSA (1.2.840.113549.1.1.11)",
                "sha1": CERTIFICATE.sha1_fingerprint.hex(),
                "sha256": CERTIFICATE.sha256_fingerprint.hex(),
            }
        ],
    }


def test_a_service_has_a_state_and_a_reason_if_it_does_not_run() -> None:
    entries = tuple((state.name, state) for state in ServiceState)
    found = ServiceList(entries[:1], entries, is_primary=True)
    assert plain(services_document(NODE, found)) == {
        "node": NODE,
        "is_primary": True,
        "platform_services": [{"name": "STARTED", "state": "started", "reason": None}],
        "services": [
            {"name": "STARTED", "state": "started", "reason": None},
            {
                "name": "STOPPED",
                "state": "stopped",
                "reason": "Commanded Out of Service",
            },
            {
                "name": "NOT_ACTIVATED",
                "state": "stopped",
                "reason": "Service Not Activated",
            },
        ],
    }


def test_a_reset_has_an_outcome_a_node() -> None:
    given = held("cucm10-sha1.itl")
    plan = ResetPlan(
        given.trust_list, b"secret key file", CERTIFICATE, CERTIFICATE, (), ()
    )
    outcomes = [NodeOutcome(state.name, state, "why") for state in State]
    document = plain(reset_document(NODE, plan, Report(tuple(outcomes))))
    nodes = document.pop("nodes")
    assert document == {
        "node": NODE,
        "length": len(given.raw),
        "sha1": list_document(NODE, given, [])["sha1"],
        "sha256": plan.sha256,
        "signer": "CN=pub;O=cisco",
    }
    assert [(node["state"], node["done"]) for node in nodes] == [
        ("updated", True),
        ("unchanged", True),
        ("stopped", True),
        ("unproven", False),
        ("unknown", False),
        ("pending", False),
    ]
    assert {tuple(node) for node in nodes} == {("name", "state", "done", "reason")}
