"""Certificates that X.509 libraries stumble over, made by openssl.

All have the same key size and are self-signed; the first ones can be read, the others
cannot, each for another class of exception or place in the library.
"""

from __future__ import annotations

from pathlib import Path

from tests.pki.key_files import openssl

# What `-nameopt` calls T61STRING: bytes that are Latin-1 and no UTF-8.
_LATIN_1 = """\
[req]
string_mask = nombstr
prompt = no
distinguished_name = name
[name]
CN = M\xfcller
O = K\xe4serei
C = CH
"""
VERSION_3 = b"\xa0\x03\x02\x01\x02"


def with_serial(folder: Path, serial: str) -> bytes:
    return _made(folder, "-subj", "/CN=odd/O=x/C=US", "-set_serial", serial)


def with_latin_1(folder: Path) -> bytes:
    (folder / "latin-1").write_bytes(_LATIN_1.encode("latin-1"))
    return _made(folder, "-config", str(folder / "latin-1"))


def _made(folder: Path, *words: str) -> bytes:
    key = ("-newkey", "rsa:1024", "-noenc", "-keyout", str(folder / "odd.key"))
    return openssl("req", "-x509", *key, "-days", "9", "-outform", "DER", *words)


def with_another_version(der: bytes) -> bytes:
    """64, as a list met in the wild had it; the frame of key and signature stays."""
    assert VERSION_3 in der
    return der.replace(VERSION_3, VERSION_3[:-1] + b"\x40", 1)


READABLE = {
    "negative serial": lambda folder: with_serial(folder, "-129"),
    "zero serial": lambda folder: with_serial(folder, "0"),
    "Latin-1 name": with_latin_1,
}
