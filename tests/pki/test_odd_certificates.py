"""Certificates that other tools make and X.509 libraries stumble over."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from cucmsh.errors import CertificateError
from cucmsh.pki.certificates import read_certificate, to_pem
from tests.pki import odd_certificates as odd
from tests.pki.key_files import made_pair, openssl


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("serial", "raw"),
    [
        ("-1", "ff"),
        ("-128", "80"),
        ("-129", "ff7f"),
        ("-256", "ff00"),
        ("-32768", "8000"),
        ("0", "00"),
        ("128", "80"),
        ("255", "ff"),
    ],
)
def test_serial_has_the_bytes_of_the_certificate_but_for_the_sign_byte(
    tmp_path: Path, serial: str, raw: str
) -> None:
    der = odd.with_serial(tmp_path, serial)
    certificate = read_certificate(der)
    assert certificate.serial.hex() == raw
    assert bytes((2, len(raw) // 2)) + certificate.serial in der or serial[0] != "-"
    assert certificate.subject_name == "CN=odd;O=x;C=US"


@pytest.mark.thorough
def test_name_in_latin_1_is_read_as_openssl_shows_it(tmp_path: Path) -> None:
    der = odd.with_latin_1(tmp_path)
    certificate = read_certificate(der)
    assert certificate.subject_name == "CN=Müller;O=Käserei;C=CH"
    assert certificate.issuer_name == certificate.subject_name
    shown = openssl(
        *("x509", "-inform", "DER", "-noout", "-subject"),
        *("-nameopt", "utf8,sep_comma_plus,show_type"),
        stdin=der,
    ).decode()
    assert "CN=T61STRING:Müller" in shown
    assert read_certificate(to_pem(certificate)) == certificate


def test_certificate_of_another_version_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    der = odd.with_another_version(odd.with_serial(tmp_path, "1"))
    with pytest.raises(CertificateError, match="64 is not a valid X509 version"):
        read_certificate(der)


@pytest.mark.thorough
def test_any_changed_byte_gives_a_certificate_or_the_one_error(tmp_path: Path) -> None:
    _, pem = made_pair("rsa:512", tmp_path)
    der = bytearray(openssl("x509", "-outform", "DER", stdin=pem))
    for at in range(len(der)):
        for other in (0x00, 0x80, 0xFF, der[at] ^ 1, der[at] ^ 0x40):
            kept, der[at] = der[at], other
            with suppress(CertificateError):
                assert read_certificate(bytes(der)).serial
            der[at] = kept
