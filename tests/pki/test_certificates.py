"""Certificates and keys: the sizes of the source document, and pairs that fit."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cucmsh.errors import CertificateError, KeyFileError
from cucmsh.pki.certificates import make_certificate, read_certificate, to_pem
from cucmsh.pki.credential import (
    Credential,
    make_credential,
    make_ssh_identity,
    read_own,
)
from cucmsh.pki.model import Certificate, Unit
from cucmsh.pki.pkcs12 import read_key_file, write_key_file
from cucmsh.pki.verify import SignatureVerifier
from cucmsh.trustlist.public_key import read_key

NOW = datetime(2014, 2, 26, 18, 24, 27, tzinfo=UTC)
SUBJECT = "OU=tac;O=cisco;L=rtp;ST=nc;C=US"
PUBLISHER = "test10pub.joemar2.lab"
PASSWORD = "one long security password"


@pytest.fixture(scope="session")
def small() -> Credential:
    """A CallManager key of 1024 bits, the source document's size."""
    return make_credential(Unit.CALL_MANAGER, PUBLISHER, SUBJECT, NOW, key_bits=1024)


@pytest.fixture(scope="session")
def recovery() -> Credential:
    name = f"ITLRECOVERY_{PUBLISHER}"
    return make_credential(Unit.ITL_RECOVERY, name, SUBJECT, NOW, key_bits=1024)


def openssl(*arguments: str, stdin: bytes) -> str:
    done = subprocess.run(
        ["openssl", *arguments], input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode()


def assert_is_pair(credential: Credential) -> None:
    signature = credential.sign(b"bytes", "sha512")
    assert read_own(credential.to_pem()).certificate == credential.certificate
    key = read_key(credential.certificate.public_key)
    verifier = SignatureVerifier()
    assert verifier.verifies(key, signature, b"bytes", "sha512")
    assert not verifier.verifies(key, signature, b"bytez", "sha512")
    assert not verifier.verifies(key, signature, b"bytes", "sha1")
    unknown = key._replace(algorithm="EC")
    assert not verifier.verifies(unknown, signature, b"bytes", "sha512")


def test_callmanager_certificate_has_the_documents_684_bytes(small: Credential) -> None:
    assert len(small.certificate.der) == 684
    assert small.certificate.subject_name == f"CN={PUBLISHER};{SUBJECT}"
    assert len(small.certificate.serial) == 16
    assert len(small.certificate.public_key) == 140
    assert len(small.certificate.signature) == 128


@pytest.mark.parametrize(
    ("common_name", "size"),
    [(f"ITLRECOVERY_{PUBLISHER}", 698), ("ITLRECOVERY_test10.joemar2.lab", 692)],
)
def test_recovery_certificate_has_the_predicted_size(
    small: Credential, common_name: str, size: int
) -> None:
    certificate = make_certificate(
        small.private_key, Unit.ITL_RECOVERY, common_name, SUBJECT, NOW
    )
    assert len(certificate.der) == size


@pytest.mark.thorough
def test_openssl_reads_the_profile_of_each_unit(small: Credential) -> None:
    for unit in Unit:
        certificate = make_certificate(small.private_key, unit, "x_y", SUBJECT, NOW)
        text = openssl(
            "x509", "-inform", "DER", "-noout", "-text", stdin=certificate.der
        )
        assert "critical" not in text
        assert "sha256WithRSAEncryption" in text
        assert ("Certificate Sign" in text) is (unit is not Unit.ITL_RECOVERY)
        assert ("Key Agreement" in text) is (unit is not Unit.CAPF)
        assert ("IPSec End System" in text) is (unit is not Unit.ITL_RECOVERY)
        assert "Subject Key Identifier" in text


def test_underscore_makes_a_t61string_and_the_rest_is_printable(
    recovery: Credential,
) -> None:
    text = openssl("asn1parse", "-inform", "DER", "-i", stdin=recovery.certificate.der)
    assert text.count("T61STRING") == 2
    assert "UTF8STRING" not in text


def test_certificate_lasts_five_years_less_a_second(small: Credential) -> None:
    certificate = small.certificate
    assert (certificate.not_after - certificate.not_before).total_seconds() == (
        1825 * 86400 - 1
    )


def test_own_file_gives_the_same_pair_back(small: Credential) -> None:
    assert_is_pair(small)
    assert read_own(small.to_pem()).certificate == small.certificate
    assert read_certificate(to_pem(small.certificate)) == small.certificate


def test_key_of_another_certificate_is_refused(
    small: Credential, recovery: Credential
) -> None:
    with pytest.raises(CertificateError, match="does not belong"):
        Credential(small.private_key, recovery.certificate)


def test_repr_of_a_credential_shows_no_key(small: Credential) -> None:
    assert repr(small) == f"<Credential CN={PUBLISHER};{SUBJECT}>"


@pytest.mark.thorough
def test_key_file_opens_with_its_password_only(recovery: Credential) -> None:
    raw = write_key_file(recovery, PASSWORD)
    assert read_key_file(raw, PASSWORD).certificate == recovery.certificate
    with pytest.raises(KeyFileError, match="security password"):
        read_key_file(raw, "another password")


@pytest.mark.thorough
def test_openssl_opens_the_key_file_and_reads_its_protection(
    recovery: Credential, tmp_path: Path
) -> None:
    raw = write_key_file(recovery, PASSWORD)
    (tmp_path / "word").write_text(PASSWORD)
    passin = f"file:{tmp_path / 'word'}"
    done = subprocess.run(
        ["openssl", "pkcs12", "-noenc", "-info", "-passin", passin],
        input=raw,
        capture_output=True,
        check=True,
    )
    assert b"PRIVATE KEY" in done.stdout
    assert b"AES-256-CBC, Iteration 600000, PRF hmacWithSHA256" in done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("cipher", ["PBE-SHA1-3DES", "PBE-SHA1-RC2-40"])
def test_legacy_key_files_are_readable(
    recovery: Credential, tmp_path: Path, cipher: str
) -> None:
    (tmp_path / "pair.pem").write_bytes(recovery.to_pem())
    (tmp_path / "word").write_text(PASSWORD)
    raw = subprocess.run(
        [
            *("openssl", "pkcs12", "-export", "-legacy", "-macalg", "sha1"),
            *("-certpbe", cipher, "-keypbe", "PBE-SHA1-3DES"),
            *("-in", str(tmp_path / "pair.pem")),
            *("-passout", f"file:{tmp_path / 'word'}"),
        ],
        capture_output=True,
        check=True,
    ).stdout
    assert read_key_file(raw, PASSWORD).certificate == recovery.certificate


@pytest.mark.parametrize("raw", [b"", b"hello", b"\x30\x80", b"x" * 70_000])
def test_other_bytes_are_no_key_file(raw: bytes) -> None:
    with pytest.raises(KeyFileError):
        read_key_file(raw, PASSWORD)


def test_ssh_identity_is_one_that_openssh_reads(tmp_path: Path) -> None:
    private, public = make_ssh_identity()
    path = tmp_path / "id"
    path.touch(mode=0o600)
    path.write_bytes(private)
    shown = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(path)], capture_output=True, check=True
    ).stdout.decode()
    assert shown.split()[:2] == public.split()[:2]


def test_certificate_values_know_name_and_expiry(small: Credential) -> None:
    certificate: Certificate = small.certificate
    assert certificate.common_name == PUBLISHER
    assert certificate.is_self_signed
    assert certificate.has_expired(datetime(2030, 1, 1, tzinfo=UTC))
    assert not certificate.has_expired(NOW)
