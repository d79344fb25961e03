"""Key files as openssl makes them, and hostile ones made byte by byte."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

PASSWORD = "one long security password"
OTHER_PASSWORD = "another security password"

AES = ("-keypbe", "AES-256-CBC", "-certpbe", "AES-256-CBC")
OLD = ("-legacy", "-macalg", "sha1", "-keypbe", "PBE-SHA1-3DES", "-certpbe")
LEGACY = {
    "3des": (*OLD, "PBE-SHA1-3DES"),
    "rc2-40": (*OLD, "PBE-SHA1-RC2-40"),
    "pbes2-3des": ("-keypbe", "DES-EDE3-CBC", "-certpbe", "DES-EDE3-CBC"),
    "bare-key": ("-keypbe", "NONE", "-certpbe", "AES-256-CBC"),
    "nothing-encrypted": ("-keypbe", "NONE", "-certpbe", "NONE"),
}
MODERN = {
    "aes-256": AES,
    "aes-128": ("-keypbe", "AES-128-CBC", "-certpbe", "AES-128-CBC"),
    "bare-certificate": ("-keypbe", "AES-256-CBC", "-certpbe", "NONE"),
    "sha-512": (*AES, "-macalg", "sha512"),
    "one-round": (*AES, "-iter", "1"),
    "named": (*AES, "-name", "ITLRecovery"),
    "as-many-rounds-as-owasp-asks": (*AES, "-iter", "1400000"),
}

SEQUENCE, SET, INTEGER, OCTETS, OBJECT = 0x30, 0x31, 0x02, 0x04, 0x06
DATA = bytes.fromhex("2a864886f70d010701")
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")
ENCRYPTED_DATA = bytes.fromhex("2a864886f70d010706")
PBES2 = bytes.fromhex("2a864886f70d01050d")
PBKDF2 = bytes.fromhex("2a864886f70d01050c")
PBMAC1 = bytes.fromhex("2a864886f70d01050e")
HMAC_SHA_256 = bytes.fromhex("2a864886f70d0209")
SCRYPT = bytes.fromhex("2b06010401da47040b")
AES_256 = bytes.fromhex("60864801650304012a")
SHA_256 = bytes.fromhex("608648016503040201")
TRIPLE_DES = bytes.fromhex("2a864886f70d010c0103")
KEY, SHROUDED_KEY, CERTIFICATE, CRL, SECRET, NESTED = (
    bytes.fromhex(f"2a864886f70d010c0a010{number}") for number in range(1, 7)
)


def der(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def split(raw: bytes) -> list[bytes]:
    """The encodings that stand one after the other in ``raw``, DER."""
    found = []
    while raw:
        size = raw[1]
        start = 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(raw[2:start])
        found.append(raw[: start + size])
        raw = raw[start + size :]
    return found


def value(raw: bytes) -> bytes:
    """The contents of one encoding, DER."""
    return raw[2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0) :]


def number(value: int) -> bytes:
    size = value.bit_length() // 8 + 1
    return der(INTEGER, value.to_bytes(size, signed=True))


def algorithm(name: bytes, *parameters: bytes) -> bytes:
    return der(SEQUENCE, der(OBJECT, name), *parameters)


def pbes2(rounds: int, derivation: bytes = PBKDF2, cipher: bytes = AES_256) -> bytes:
    salted = der(SEQUENCE, der(OCTETS, bytes(8)), number(rounds))
    both = algorithm(derivation, salted), algorithm(cipher, der(OCTETS, bytes(16)))
    return algorithm(PBES2, der(SEQUENCE, *both))


def old_cipher(rounds: int) -> bytes:
    salted = der(SEQUENCE, der(OCTETS, bytes(8)), number(rounds))
    return algorithm(TRIPLE_DES, salted)


def content(kind: bytes, inner: bytes) -> bytes:
    return der(SEQUENCE, der(OBJECT, kind), der(0xA0, inner))


def encrypted(how: bytes) -> bytes:
    hidden = der(SEQUENCE, der(OBJECT, DATA), how, der(0x80, bytes(16)))
    return content(ENCRYPTED_DATA, der(SEQUENCE, number(0), hidden))


# Not an empty one: pyasn1 cannot decode a SEQUENCE in which such a one stands, and
# what the gate cannot decode is left to OpenSSL in its confined process.
SOMETHING = der(SEQUENCE, number(0))


def bag(kind: bytes, value: bytes = b"") -> bytes:
    return der(SEQUENCE, der(OBJECT, kind), der(0xA0, value or SOMETHING))


def shrouded(how: bytes) -> bytes:
    return bag(SHROUDED_KEY, der(SEQUENCE, how, der(OCTETS, bytes(16))))


def bags(*members: bytes) -> bytes:
    return content(DATA, der(OCTETS, der(SEQUENCE, *members)))


def mac_data(rounds: int | None = 2048, digest: bytes = SHA_256) -> bytes:
    given = () if rounds is None else (number(rounds),)
    mac = der(SEQUENCE, algorithm(digest), der(OCTETS, bytes(32)))
    return der(SEQUENCE, mac, der(OCTETS, bytes(8)), *given)


def pbmac1_data(rounds: int, digest: bytes = bytes(32)) -> bytes:
    """A MacData of RFC 9579; the key has 32 bytes, the salt counts from 0 to 15."""
    hmac_sha_256 = algorithm(HMAC_SHA_256, der(5))
    salted = der(OCTETS, bytes(range(16))), number(rounds), number(32)
    derivation = algorithm(PBKDF2, der(SEQUENCE, *salted, hmac_sha_256))
    how = algorithm(PBMAC1, der(SEQUENCE, derivation, hmac_sha_256))
    found = der(SEQUENCE, how, der(OCTETS, digest))
    return der(SEQUENCE, found, der(OCTETS, b"NOT USED"), number(1))


USUAL = (encrypted(pbes2(2048)), bags(shrouded(pbes2(2048))))
USUAL_MAC = mac_data()


def pfx(
    parts: Sequence[bytes] = USUAL,
    mac: bytes = USUAL_MAC,
    *,
    version: int = 3,
    kind: bytes = DATA,
) -> bytes:
    safe = der(OCTETS, der(SEQUENCE, *parts))
    return der(SEQUENCE, number(version), content(kind, safe), mac)


def openssl(*words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", *words], input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def exported(pem: bytes, folder: Path, *words: str, password: str = PASSWORD) -> bytes:
    """What ``openssl pkcs12 -export`` makes of a key and certificates."""
    (folder / "pem").write_bytes(pem)
    (folder / "word").write_text(password)
    passout = f"file:{folder / 'word'}"
    source = ("-in", str(folder / "pem"), "-passout", passout)
    return openssl("pkcs12", "-export", *source, *words)


def made_pair(kind: str, folder: Path) -> tuple[bytes, bytes]:
    """A key and its certificate, PEM, by openssl; ``kind`` as ``-newkey`` takes it."""
    key, certificate = folder / "made.key", folder / "made.pem"
    words = ("req", "-x509", "-noenc", "-subj", "/CN=x", "-days", "9")
    group = ("-pkeyopt", "ec_paramgen_curve:P-256") if kind == "ec" else ()
    out = ("-keyout", str(key), "-out", str(certificate))
    openssl(*words, "-newkey", kind, *group, *out)
    return key.read_bytes(), certificate.read_bytes()


def with_mac_rounds(raw: bytes, rounds: int) -> bytes:
    """A file of ours that asks for other rounds of its MAC; the sizes stay right.

    The MacData with SHA-256 and 2,048 rounds is the last 67 bytes (seen by openssl
    asn1parse), and the rounds are the last four of them.
    """
    front, mac = raw[:-67], raw[-67:]
    assert front[:2] == b"\x30\x82"
    assert mac[:2] == b"\x30\x41"
    assert mac.endswith(number(2048))
    return der(SEQUENCE, front[4:], der(SEQUENCE, mac[2:-4], number(rounds)))
