"""The rig's encoder, held against a vector and against a reader of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tests.faults import second_verifier
from tests.rigs import foreign_lists as rig

pytestmark = pytest.mark.thorough

VECTOR = Path(__file__).parents[2] / "vectors" / "certutils-sha512.itl"
SIGNATURE = 12


def cut(raw: bytes) -> bytes:
    """The file without the value of its SIGNATURE."""
    size = int.from_bytes(raw[8:10])
    at = raw.index(bytes([SIGNATURE, 1, 0]), 0, size)
    return raw[: at + 3] + raw[at + 3 + 256 :]


def test_it_writes_what_certutils_writes() -> None:
    vector = VECTOR.read_bytes()
    read = second_verifier.read(vector)
    key = rig.identity("any", 2048)

    def listed(der: bytes) -> rig.Identity:
        return key._replace(certificate=x509.load_der_x509_certificate(der))

    made = rig.build_list(
        rig.CERTUTILS,
        listed(read.signed_by.certificate),
        [
            rig.record(rig.CERTUTILS, at.role, listed(at.certificate))
            for at in read.records
        ],
        digest="sha512",
        time=read.timestamp,
    )
    assert len(made) == len(vector)
    assert cut(made) == cut(vector)


def test_sizes_of_a_cucm_list_are_those_of_the_page() -> None:
    """docs/formats.md#sizes: a record is the sum of its fields."""
    found = rig.identity("test10pub", name=rig.CUCM_NAME)
    full = rig.record(rig.CUCM, rig.SAST, found)
    name = len(b"CN=test10pub;OU=tac;O=cisco;C=US\0")
    sizes = (2, name, 2, name, 16, 140, 128, len(found.der))
    assert len(full) == 5 + sum(3 + size for size in sizes)
    hashed = rig.record(rig.CUCM, rig.CAPF, found, is_hash=True)
    assert len(hashed) == len(full) - 3 - len(found.der) + 23 + 4


@pytest.mark.parametrize("dialect", [rig.CERTUTILS, rig.CUCM])
@pytest.mark.parametrize("digest", ["sha1", "sha512"])
@pytest.mark.parametrize("bits", [1024, 2048, 4096])
def test_a_second_reader_finds_the_signature_good(
    dialect: rig.Dialect, digest: str, bits: int
) -> None:
    signer = rig.identity(f"signer of {bits}", bits)
    records = [
        rig.record(dialect, rig.SAST, signer),
        rig.record(dialect, rig.APPLICATION, rig.identity("app", "ec")),
        rig.record(dialect, rig.CAPF, rig.identity("capf"), is_hash=True),
    ]
    read = second_verifier.read(rig.build_list(dialect, signer, records, digest=digest))
    assert read.signed_by.certificate == signer.der
    assert [at.role for at in read.records] == [rig.SAST, rig.APPLICATION, rig.CAPF]


def test_a_recovery_certificate_has_a_t61string() -> None:
    found = rig.recovery_identity("ITLRECOVERY_old")
    words = ["openssl", "asn1parse", "-inform", "DER"]
    shown = subprocess.run(words, input=found.der, capture_output=True, check=True)
    assert shown.stdout.count(b"T61STRING         :ITLRECOVERY_old") == 2


@pytest.mark.parametrize("cipher", ["3DES", "RC2"])
def test_a_recovery_file_is_as_old_as_a_cucm_s(cipher: str, tmp_path: Path) -> None:
    raw = rig.recovery_file(rig.recovery_identity("ITLRECOVERY_old"), "cisco", cipher)
    path = tmp_path / "ITLRecovery.p12"
    path.write_bytes(raw)
    words = ["openssl", "pkcs12", "-legacy", "-info", "-noout", "-passin", "pass:cisco"]
    shown = subprocess.run([*words, "-in", path], capture_output=True, check=True)
    assert b"MAC: sha1" in shown.stderr
    assert {"3DES": b"3-KeyTripleDES", "RC2": b"40BitRC2"}[cipher] in shown.stderr
