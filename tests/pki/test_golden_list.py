"""Lists of real keys with the story's names have the document's sizes, to the byte.

docs/formats.md#sizes: keys of 1024 bits, the subscriber's TVS of 2048.
"""

from datetime import UTC, datetime

import pytest

from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.trustlist.check import check
from cucmsh.trustlist.encode import full_record, hashed_record
from cucmsh.trustlist.sealing import reseal, seal
from cucmsh.trustlist.tags import Digest, Role

NOW = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
PUBLISHER = "test10pub.joemar2.lab"


def made(unit: Unit, name: str, bits: int = 1024) -> Credential:
    return make_credential(unit, name, SUBJECT, NOW, key_bits=bits)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("recovery_name", "certificate", "record", "before", "after"),
    [
        (f"ITLRECOVERY_{PUBLISHER}", 698, 1153, 5314, 5338),
        ("ITLRECOVERY_test10.joemar2.lab", 692, 1141, 5302, 5322),
    ],
    ids=["as-printed", "thirty-characters"],
)
def test_the_documents_list_has_its_sizes_before_and_after_the_reset(
    recovery_name: str, certificate: int, record: int, before: int, after: int
) -> None:
    call_manager = made(Unit.CALL_MANAGER, PUBLISHER)
    recovery = made(Unit.ITL_RECOVERY, recovery_name)
    assert len(call_manager.certificate.der) == 684
    assert len(recovery.certificate.der) == certificate
    records = [
        full_record(Role.SAST, call_manager.certificate),
        full_record(Role.TFTP, call_manager.certificate),
        hashed_record(Role.CAPF, made(Unit.CAPF, "CAPF-1a2b3c4d").certificate),
        hashed_record(Role.TVS, made(Unit.TVS, PUBLISHER).certificate),
        full_record(Role.SAST, recovery.certificate),
        hashed_record(
            Role.TVS, made(Unit.TVS, "test10sub.joemar2.lab", 2048).certificate
        ),
    ]
    assert [entry.length for entry in records] == [1115, 1115, 439, 455, record, 713]
    stamp = int(NOW.timestamp())
    signed = seal(records, call_manager, timestamp=stamp, digest=Digest.SHA1)
    reset = reseal(signed, recovery, timestamp=stamp + 1, digest=Digest.SHA1)
    assert (len(signed.raw), len(reset.raw)) == (before, after)
    assert reset.records == signed.records
    assert check(signed, SignatureVerifier()).is_valid
    assert check(reset, SignatureVerifier()).is_valid
