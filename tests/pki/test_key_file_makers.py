"""Every key file that ``openssl pkcs12`` opens is opened, whoever made it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pexpect
import pytest

from cucmsh.errors import KeyFileError
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.pkcs12 import read_key_file, write_key_file
from cucmsh.pki.sandbox import ImportedKey, open_in_sandbox
from cucmsh.pki.wrapping import FROM_JAVA, FROM_PEM, ONE_OF_SEVERAL, PACK_ANEW
from cucmsh.remote.process import LocalRunner
from cucmsh.secret import Secret
from tests.pki import key_file_makers as makers
from tests.pki import key_files as made
from tests.rigs.draws import some
from tests.rigs.terminal import open_terminal

pytestmark = pytest.mark.thorough

NOW = datetime(2026, 2, 26, tzinfo=UTC)


@pytest.fixture(scope="session")
def recovery() -> Credential:
    # CUCM's own: the underscore makes the CN a T61String.
    name = "ITLRECOVERY_test10pub.joemar2.lab"
    return make_credential(Unit.ITL_RECOVERY, name, "O=x;C=US", NOW, key_bits=1024)


def opened(raw: bytes) -> ImportedKey:
    return open_in_sandbox(raw, Secret(made.PASSWORD), LocalRunner().feed)


def refused(raw: bytes) -> KeyFileError:
    with pytest.raises(KeyFileError) as refusal:
        opened(raw)
    return refusal.value


def assert_openssl_opens(raw: bytes) -> None:
    words = ["openssl", "pkcs12", "-noout", "-passin", f"pass:{made.PASSWORD}"]
    done = [
        subprocess.run([*words, *more], input=raw, capture_output=True, check=False)
        for more in ((), ("-legacy",))
    ]
    assert any(one.returncode == 0 for one in done), done[0].stderr.decode()


@pytest.mark.parametrize("maker", list(makers.SOUND))
def test_file_of_another_tool_opens_and_can_lie_on_the_node_as_it_is(
    recovery: Credential, tmp_path: Path, maker: str
) -> None:
    raw = makers.SOUND[maker](recovery.to_pem(), tmp_path)
    assert_openssl_opens(raw)
    found = opened(raw)
    assert found.credential.certificate == recovery.certificate
    assert not found.is_legacy
    assert found.is_der
    own = read_key_file(raw, made.PASSWORD)
    assert own.certificate == recovery.certificate


@pytest.mark.parametrize("maker", some(makers.LEGACY, 2))
def test_weakly_protected_file_of_another_tool_opens_and_is_told(
    recovery: Credential, tmp_path: Path, maker: str
) -> None:
    raw = makers.LEGACY[maker](recovery.to_pem(), tmp_path)
    assert_openssl_opens(raw)
    found = opened(raw)
    assert found.credential.certificate == recovery.certificate
    assert found.is_legacy


@pytest.mark.parametrize("maker", some(makers.OTHER_FORM, 4))
def test_file_that_is_not_plain_der_opens_and_is_told(
    recovery: Credential, tmp_path: Path, maker: str
) -> None:
    found = opened(makers.OTHER_FORM[maker](recovery.to_pem(), tmp_path))
    assert found.credential.certificate == recovery.certificate
    assert not found.is_der
    assert not found.is_legacy


@pytest.mark.parametrize("maker", list(makers.ODD))
def test_file_with_a_certificate_that_libraries_stumble_over_opens(
    tmp_path: Path, maker: str, recwarn: pytest.WarningsRecorder
) -> None:
    raw = makers.ODD[maker](b"", tmp_path)
    assert_openssl_opens(raw)
    found = opened(raw)
    assert found.is_der
    assert found.credential.certificate.subject_name.startswith("CN=")
    # What a legacy file goes through: it is written anew.
    anew = write_key_file(found.credential, made.PASSWORD)
    assert read_key_file(anew, made.PASSWORD).to_pem() == found.credential.to_pem()
    assert not recwarn.list


def test_what_openssl_reads_and_our_limits_do_not_is_left_to_openssl(
    recovery: Credential, tmp_path: Path
) -> None:
    """A process of its own opens it: our limits need not understand everything."""
    raw = made.exported(recovery.to_pem(), tmp_path, *made.AES)
    script = (
        "import sys; from cucmsh.pki import pkcs12_limits, sandbox_worker\n"
        "def inspect(raw): raise pkcs12_limits.UnreadableKeyFileError('no PKCS#12')\n"
        "pkcs12_limits.inspect = inspect; sys.exit(sandbox_worker.main())"
    )
    words = (sys.executable, "-I", "-c", script)
    found = open_in_sandbox(raw, Secret(made.PASSWORD), LocalRunner().feed, words)
    assert found.credential.certificate == recovery.certificate
    assert found.is_legacy  # written anew: what lies on the node is understood
    with pytest.raises(KeyFileError, match=r"no PKCS#12"):
        open_in_sandbox(b"x", Secret(made.PASSWORD), LocalRunner().feed, words)


def test_ber_that_lies_on_the_node_is_read_without_a_word(
    recovery: Credential, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    """Put there by hand. The library warns, which would stand on somebody's screen."""
    raw = makers.OTHER_FORM["pk12util"](recovery.to_pem(), tmp_path)
    assert_openssl_opens(raw)
    own = read_key_file(raw, made.PASSWORD)
    assert own.certificate == recovery.certificate
    assert not recwarn.list


# Another format: the error says which command converts it, and the command does


def run_in_a_shell(command: str, folder: Path) -> bytes:
    """The command as an administrator types it; every password is the same."""
    child = open_terminal(["sh", "-c", command], folder=str(folder), seconds=60)
    child.delaybeforesend = 0.05  # these programs drop what was typed before they ask
    try:
        while child.expect([r"(?i)password: *$", pexpect.EOF]) == 0:
            child.sendline(made.PASSWORD)
    finally:
        child.close()
    assert child.exitstatus == 0, child.before
    return (folder / "ITLRecovery.p12").read_bytes()


def test_java_keystore_is_named_with_the_command_that_converts_it(
    recovery: Credential, tmp_path: Path
) -> None:
    make = makers.by_java("-deststoretype", "JKS")
    (tmp_path / "FILE").write_bytes(make(recovery.to_pem(), tmp_path))
    refusal = refused((tmp_path / "FILE").read_bytes())
    assert refusal.message == "the file is a Java keystore (JKS), not PKCS#12"
    assert FROM_JAVA in refusal.advice
    found = opened(run_in_a_shell(FROM_JAVA, tmp_path))
    assert found.credential.certificate == recovery.certificate


def test_key_as_pem_is_named_with_the_command_that_converts_it(
    recovery: Credential, tmp_path: Path
) -> None:
    (tmp_path / "FILE").write_bytes(recovery.to_pem())
    refusal = refused(recovery.to_pem())
    assert "a key as PEM" in refusal.message
    assert FROM_PEM in refusal.advice
    found = opened(run_in_a_shell(FROM_PEM, tmp_path))
    assert found.credential.certificate == recovery.certificate


def test_several_keys_are_refused_with_the_command_that_takes_one_out(
    recovery: Credential, tmp_path: Path
) -> None:
    makers.by_java(alias="NAME")(recovery.to_pem(), tmp_path)
    store = tmp_path / "java"
    makers.tool(
        *("keytool", "-genkeypair", "-keystore", str(store), "-alias", "another"),
        *("-keyalg", "EC", "-dname", "CN=x", "-storepass", made.PASSWORD),
    )
    refusal = refused(store.rename(tmp_path / "FILE").read_bytes())
    assert refusal.message == "the key file holds more keys than one"
    assert ONE_OF_SEVERAL in refusal.advice
    found = opened(run_in_a_shell(ONE_OF_SEVERAL, tmp_path))
    assert found.credential.certificate == recovery.certificate


def test_file_that_proves_nothing_is_refused_with_the_command_that_packs_it_anew(
    recovery: Credential, tmp_path: Path
) -> None:
    nothing = ("-nomac", "-keypbe", "NONE", "-certpbe", "NONE")
    raw = made.exported(recovery.to_pem(), tmp_path, *nothing)
    (tmp_path / "FILE").write_bytes(raw)
    refusal = refused(raw)
    assert "no MAC, and its key is not encrypted" in refusal.message
    assert PACK_ANEW in refusal.advice
    found = opened(run_in_a_shell(PACK_ANEW, tmp_path))
    assert found.credential.certificate == recovery.certificate
    assert not (tmp_path / "k.pem").exists()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (makers.as_pem("CERTIFICATE", b"x"), "a certificate and no key"),
        (makers.as_pem("OPENSSH PRIVATE KEY", b"x"), "an SSH key"),
        (makers.as_pem("RSA PRIVATE KEY", b"x"), "a key as PEM"),
        (makers.as_pem("X509 CRL", b"x"), "neither a PKCS#12 nor a key"),
        (b"hello", "no PKCS#12 key file"),
        (b"aGVsbG8gd29ybGQhISEh", "no PKCS#12 key file"),
    ],
)
def test_what_is_no_key_file_is_told_as_what_it_is(raw: bytes, reason: str) -> None:
    assert reason in refused(raw).message
