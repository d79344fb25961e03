"""Keys in PEM and PKCS#12 that lists were signed with elsewhere, by openssl."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from cucmsh.errors import KeyFileError, WrongPasswordError
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Certificate, Unit
from cucmsh.pki.pem_key import is_pem_key, needs_password
from cucmsh.pki.sandbox import open_any_in_sandbox
from cucmsh.remote.process import LocalRunner
from cucmsh.secret import Secret
from tests.pki import key_files as made
from tests.pki.test_foreign import NOW
from tests.rigs.keys import make_key

pytestmark = pytest.mark.thorough

OLD_ENCRYPTION = ("rsa", "-traditional", "-des3")
ENCRYPTIONS = {
    "pkcs8": ("pkcs8", "-topk8", "-v2", "aes-256-cbc"),
    "pkcs8-3des": ("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"),
    "openssl-3des": OLD_ENCRYPTION,
    "openssl-aes": ("rsa", "-traditional", "-aes256"),
}


@pytest.fixture(scope="session")
def signer() -> Credential:
    return make_credential(Unit.CALL_MANAGER, "old.example", "", NOW, key_bits=1024)


def opened(
    raw: bytes, password: str = "", known: Iterable[Certificate] = ()
) -> tuple[Credential, ...]:
    return open_any_in_sandbox(raw, Secret(password), known, LocalRunner().feed)


def refused(raw: bytes, password: str = "") -> KeyFileError:
    with pytest.raises(KeyFileError) as refusal:
        opened(raw, password)
    return refusal.value


def key_of(signer: Credential) -> bytes:
    return signer.to_pem().partition(b"-----BEGIN CERTIFICATE")[0]


def certificate_of(signer: Credential) -> bytes:
    return signer.to_pem().removeprefix(key_of(signer))


def by_openssl(pem: bytes, folder: Path, *words: str) -> bytes:
    """The key in another form; under ``made.PASSWORD`` where the form is encrypted."""
    source, target = folder / "key.pem", folder / "out.pem"
    source.write_bytes(pem)
    argv = ["openssl", *words, "-in", str(source), "-out", str(target)]
    argv += ["-passout", f"pass:{made.PASSWORD}"]
    subprocess.run(argv, check=True, capture_output=True)
    return target.read_bytes()


@pytest.mark.parametrize("is_first", [False, True], ids=["key", "certificate"])
def test_key_and_certificate_open_in_either_order(
    signer: Credential, is_first: bool
) -> None:
    parts = [key_of(signer), b"subject=/CN=old\n", certificate_of(signer)]
    (found,) = opened(b"".join(parts[::-1] if is_first else parts))
    assert found.certificate == signer.certificate
    assert found.sign(b"x", "sha512") == signer.sign(b"x", "sha512")


def test_a_key_alone_is_found_in_the_lists(signer: Credential) -> None:
    other = make_credential(Unit.TVS, "x.example", "", NOW, key_bits=1024)
    known = [other.certificate, signer.certificate]
    (found,) = opened(key_of(signer), known=known)
    assert found.certificate == signer.certificate
    problem = refused(key_of(signer))
    assert "no list names the key" in problem.message
    assert "--adopt-list" in problem.advice


def test_a_certificate_of_another_key_beside_it_is_left_alone(
    signer: Credential,
) -> None:
    other = make_credential(Unit.TVS, "x.example", "", NOW, key_bits=1024)
    pem = certificate_of(other) + signer.to_pem()
    (found,) = opened(pem)
    assert found.certificate == signer.certificate


@pytest.mark.parametrize("form", ENCRYPTIONS)
def test_an_encrypted_key_opens_with_its_password_only(
    signer: Credential, form: str, tmp_path: Path
) -> None:
    raw = by_openssl(key_of(signer), tmp_path, *ENCRYPTIONS[form])
    raw += certificate_of(signer)
    assert is_pem_key(raw)
    assert needs_password(raw)
    (found,) = opened(raw, made.PASSWORD)
    assert found.certificate == signer.certificate
    for wrong in ("", "short"):
        assert isinstance(refused(raw, wrong), WrongPasswordError)


def test_a_plain_key_needs_no_password(signer: Credential, tmp_path: Path) -> None:
    raw = by_openssl(key_of(signer), tmp_path, "rsa", "-traditional")
    assert raw.startswith(b"-----BEGIN RSA PRIVATE KEY")
    assert not needs_password(raw)
    assert opened(raw + certificate_of(signer), "whatever")


@pytest.mark.parametrize("form", ["3des", "rc2-40", "aes-256"])
@pytest.mark.parametrize("name", ["old.example", "ITLRECOVERY_old.example"])
def test_pkcs12_of_any_age_opens_whatever_its_name_is_written_in(
    form: str, name: str, tmp_path: Path
) -> None:
    signer = make_credential(Unit.ITL_RECOVERY, name, "", NOW, key_bits=1024)
    # An underscore makes a T61String of the name, as in a CUCM's recovery key.
    assert (b"\x14\x17ITLRECOVERY_" in signer.certificate.der) is ("_" in name)
    words = {**made.LEGACY, **made.MODERN}[form]
    raw = made.exported(signer.to_pem(), tmp_path, *words)
    assert not is_pem_key(raw)
    (found,) = opened(raw, made.PASSWORD)
    assert found.certificate == signer.certificate
    assert isinstance(refused(raw, "cisco"), WrongPasswordError)


def test_a_password_that_is_no_text_is_a_wrong_one(
    signer: Credential, tmp_path: Path
) -> None:
    raw = made.exported(signer.to_pem(), tmp_path, *made.AES)
    assert isinstance(refused(raw, "\udcff"), WrongPasswordError)


def test_what_holds_no_usable_key_says_so(signer: Credential) -> None:
    key, certificate = key_of(signer), certificate_of(signer)
    assert "2 keys" in refused(key + key + certificate).message
    assert "17 certificates" in refused(key + 17 * certificate).message
    broken = key.replace(b"MII", b"MIB")
    assert "damaged" in refused(broken + certificate).message
    bad = certificate.replace(b"MII", b"MIB")
    assert "certificate beside the key" in refused(key + bad).message


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    for words in (
        ("genpkey", "-algorithm", "ed25519"),
        ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    ):
        path = tmp_path / "key.pem"
        argv = ["openssl", *words, "-out", path]
        subprocess.run(argv, check=True, capture_output=True)
        assert "no RSA key" in refused(path.read_bytes()).message
    path = tmp_path / "ssh"
    make_key(path)
    assert "SSH key" in refused(path.read_bytes()).message
