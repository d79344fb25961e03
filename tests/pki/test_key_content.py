"""Private keys are known by their content, as the tools write them."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from cucmsh.pki.key_content import holds_private_key

pytestmark = pytest.mark.thorough

PASS = ("-passout", "pass:a password for tests")
PASS_IN = ("-passin", "pass:a password for tests")


def run(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate in every form that openssl and ssh-keygen write."""
    folder = tmp_path_factory.mktemp("keys")
    openssl = "openssl"
    subject = ("-subj", "/CN=a", "-days", "9", "-nodes")
    run(
        folder,
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", *subject),
        *("-keyout", "key.pem", "-out", "public-certificate.pem"),
    )
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    run(
        folder,
        *(openssl, "req", "-x509", *ec, *subject),
        *("-keyout", "ec.pem", "-out", "public-ec-certificate.pem"),
    )
    for name in ("key", "ec"):
        given = ("-in", f"{name}.pem")
        der = ("-outform", "DER")
        run(folder, openssl, "pkey", *given, *der, "-out", f"{name}-traditional.der")
        run(
            folder,
            *(openssl, "pkcs8", "-topk8", "-nocrypt", *given, *der),
            *("-out", f"{name}-pkcs8.der"),
        )
        for form in ("PEM", "DER"):
            sealed = ("-outform", form, "-out", f"{name}-sealed.{form}")
            run(folder, openssl, "pkcs8", "-topk8", *given, *PASS, *sealed)
        scrypt = ("-scrypt", "-outform", "DER", "-out", f"{name}-scrypt.der")
        run(folder, openssl, "pkcs8", "-topk8", *given, *PASS, *scrypt)
    run(folder, openssl, "rsa", "-in", "key.pem", "-traditional", "-out", "old.pem")
    chosen = ("-inkey", "key.pem", "-in", "public-certificate.pem")
    run(folder, openssl, "pkcs12", "-export", *chosen, *PASS, "-out", "a.p12")
    run(folder, openssl, "pkcs12", *PASS_IN, *PASS, "-in", "a.p12", "-out", "both.xml")
    run(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id")
    (folder / "id.pub").rename(folder / "public-id")
    raw = (folder / "a.p12").read_bytes()
    (folder / "a.b64").write_bytes(base64.encodebytes(raw))
    (folder / "padded.p12").write_bytes(raw + bytes(5000))
    (folder / "indefinite.p12").write_bytes(b"\x30\x80\x02\x01\x03\x30\x80" + raw[9:])
    run(
        folder,
        *(openssl, "x509", "-in", "public-certificate.pem", "-outform", "DER"),
        *("-out", "public-certificate.der"),
    )
    for name, words in (
        ("public-key.der", ("pkey", "-in", "key.pem", "-pubout", "-outform", "DER")),
        ("public-key.pem", ("pkey", "-in", "key.pem", "-pubout")),
        ("public-request.der", ("req", "-new", "-key", "key.pem", "-subj", "/CN=a")),
    ):
        more = ("-outform", "DER") if name == "public-request.der" else ()
        run(folder, openssl, *words, *more, "-out", name)
    crl = ("crl2pkcs7", "-nocrl", "-certfile", "public-certificate.pem")
    run(folder, openssl, *crl, "-outform", "DER", "-out", "public-chain.p7b")
    return folder


def test_every_form_of_a_key_is_known_and_nothing_public_is(made: Path) -> None:
    found = {path.name: holds_private_key(path.read_bytes()) for path in made.iterdir()}
    assert len(found) > 20
    wrong = {
        name for name, is_key in found.items() if name.startswith("public") == is_key
    }
    assert wrong == set()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x30",
        b"\x30\x82",
        b"\x30\x03\x02\x01",
        b"<device/>",
        b"MIND THE GAP",
        b"\x01\x00\x02\x01\x00" + bytes(300),
        bytes(range(256)) * 40,
    ],
)
def test_other_bytes_are_no_key(raw: bytes) -> None:
    assert not holds_private_key(raw)


def test_java_and_putty_files_are_keys() -> None:
    assert holds_private_key(b"\xfe\xed\xfe\xed\0\0\0\2" + bytes(40))
    assert holds_private_key(b"PuTTY-User-Key-File-3: ssh-ed25519\r\n")
