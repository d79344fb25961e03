"""Signed files by real keys, and openssl's word on the bytes that were cut out."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsh.pki.certificates import to_pem
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.trustlist.encode import full_record
from cucmsh.trustlist.sealing import seal
from cucmsh.trustlist.signed import decode_signed, seal_signed
from cucmsh.trustlist.signed_trust import judge_signed
from cucmsh.trustlist.tags import Digest, Role

NOW = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
STAMP = int(NOW.timestamp())
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
PAYLOAD = b"<device/>\n"


@pytest.fixture(scope="module", params=[1024, 2048, 4096])
def signer(request: pytest.FixtureRequest) -> Credential:
    return make_credential(
        Unit.CALL_MANAGER, "test10pub", SUBJECT, NOW, key_bits=request.param
    )


@pytest.mark.thorough
@pytest.mark.parametrize("digest", [Digest.SHA1, Digest.SHA512])
def test_openssl_verifies_the_cut_out_bytes(
    signer: Credential, digest: Digest, tmp_path: Path
) -> None:
    record = full_record(Role.TFTP, signer.certificate)
    path = "Desktops/320x212x12/List.xml.sgn"
    raw = seal_signed(
        PAYLOAD, path, (signer, record), timestamp=STAMP, digest=digest
    ).raw
    # The field is found by its own frame, not by the code that wrote it.
    size = signer.certificate.key_bits // 8
    start = raw.index(b"\x0c" + size.to_bytes(2, "big"))
    (tmp_path / "signature").write_bytes(raw[start + 3 : start + 3 + size])
    (tmp_path / "signed").write_bytes(raw[:start] + raw[start + 3 + size :])
    (tmp_path / "certificate.pem").write_bytes(to_pem(signer.certificate))
    public = ["openssl", "x509", "-in", "certificate.pem", "-noout", "-pubkey"]
    key = subprocess.run(public, cwd=tmp_path, capture_output=True, check=True).stdout
    (tmp_path / "key.pem").write_bytes(key)
    words = ["openssl", "dgst", f"-{digest.hash_name}", "-verify", "key.pem"]
    words += ["-signature", "signature", "signed"]
    done = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "Verified OK\n", done.stderr


@pytest.mark.thorough
def test_holder_of_the_nodes_list_takes_it(signer: Credential) -> None:
    records = [full_record(role, signer.certificate) for role in (Role.SAST, Role.TFTP)]
    held = seal(records, signer, timestamp=STAMP, digest=Digest.SHA512)
    signed = seal_signed(
        PAYLOAD,
        "SEP001122334455.cnf.xml.sgn",
        (signer, held.records[1]),
        timestamp=STAMP,
        digest=Digest.SHA512,
    )
    verdict = judge_signed(held, decode_signed(signed.raw), SignatureVerifier())
    assert verdict.accepted, verdict.reason
