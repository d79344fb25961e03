"""Key files by the tools that administrators have: NSS, Java, GnuTLS, openssl.

Each takes one key and its certificate, as PEM, and gives a file under ``PASSWORD``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.pki import key_files as made
from tests.pki import odd_certificates
from tests.pki.key_files import openssl

ALIAS = "the recovery key of our phones"  # longer than a localKeyId: another SET order
Maker = Callable[[bytes, Path], bytes]


def tool(*words: str, stdin: bytes = b"") -> bytes:
    done = subprocess.run(words, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


def plain(pem: bytes, folder: Path, *words: str) -> bytes:
    return made.exported(pem, folder, *made.AES, "-name", ALIAS, *words)


def written(folder: Path, name: str, raw: bytes) -> str:
    (folder / name).write_bytes(raw)
    return str(folder / name)


def by_nss(*ciphers: str) -> Maker:
    """Firefox and Thunderbird write so: indefinite lengths all the way."""

    def make(pem: bytes, folder: Path) -> bytes:
        source = written(folder, "source.p12", plain(pem, folder))
        word = written(folder, "word", made.PASSWORD.encode())
        base = ("-d", f"sql:{folder}", "-k", word, "-w", word)
        tool("certutil", "-N", "-d", f"sql:{folder}", "-f", word)
        tool("pk12util", "-i", source, *base)
        out = folder / "nss.p12"
        tool("pk12util", "-o", str(out), "-n", ALIAS, *base, *ciphers)
        return out.read_bytes()

    return make


def by_java(*options: str, alias: str = ALIAS) -> Maker:
    def make(pem: bytes, folder: Path) -> bytes:
        source = written(folder, "source.p12", plain(pem, folder))
        out = folder / "java"
        tool(
            *("keytool", "-J-XX:TieredStopAtLevel=1", *options, "-importkeystore"),
            *("-srckeystore", source, "-srcstoretype", "PKCS12", "-srcalias", ALIAS),
            *("-destkeystore", str(out), "-destalias", alias),
            *("-srcstorepass", made.PASSWORD, "-deststorepass", made.PASSWORD),
            *(() if "-deststoretype" in options else ("-deststoretype", "PKCS12")),
        )
        return out.read_bytes()

    return make


def by_gnutls(*options: str) -> Maker:
    def make(pem: bytes, folder: Path) -> bytes:
        pair = written(folder, "pair.pem", pem)
        words = ("--load-privkey", pair, "--load-certificate", pair, "--p12-name", "n")
        secret = ("--password", made.PASSWORD)
        return tool("certtool", "--to-p12", *words, *secret, *options)

    return make


def with_chain(pem: bytes, folder: Path) -> bytes:
    chain = b"".join(made.made_pair("rsa:1024", folder)[1] for _ in range(3))
    return plain(pem, folder, "-certfile", written(folder, "chain.pem", chain))


def odd(maker: Callable[[Path], bytes]) -> Maker:
    """With another certificate, one that X.509 libraries stumble over, and its key."""

    def make(_: bytes, folder: Path) -> bytes:
        pem = openssl("x509", "-inform", "DER", stdin=maker(folder))
        return made.exported((folder / "odd.key").read_bytes() + pem, folder, *made.AES)

    return make


def with_pbmac1(pem: bytes, folder: Path) -> bytes:
    """RFC 9579, which the openssl of Debian 12 neither writes nor reads.

    Our own file's MacData is its last 67 bytes; PBMAC1 takes its place.
    """
    raw = made.exported(pem, folder, *made.AES)
    front = raw[4:-67]  # version and authSafe
    *_, safe = made.split(made.value(made.split(front)[1]))
    content = made.value(made.value(safe))
    password, salt = made.PASSWORD.encode(), bytes(range(16))
    key = hashlib.pbkdf2_hmac("sha256", password, salt, 4096, 32)
    mac = made.pbmac1_data(4096, hmac.digest(key, content, "sha256"))
    return made.der(made.SEQUENCE, front, mac)


def as_pem(label: str, raw: bytes, heading: bytes = b"") -> bytes:
    body = base64.encodebytes(raw)
    return b"%b-----BEGIN %b-----\n%b-----END %b-----\n" % (
        *(heading, label.encode(), body, label.encode()),
    )


def around(wrap: Callable[[bytes], bytes]) -> Maker:
    return lambda pem, folder: wrap(plain(pem, folder))


TRIPLE_DES = "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC"
RC2 = "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC"
SOUND: dict[str, Maker] = {
    "keytool": by_java(),
    "certtool": by_gnutls("--outder"),
    "chain": with_chain,
}
LEGACY: dict[str, Maker] = {
    "pk12util-3des": by_nss("-c", TRIPLE_DES, "-C", TRIPLE_DES),
    "pk12util-rc2": by_nss("-c", TRIPLE_DES, "-C", RC2),
    "keytool-before-17": by_java("-J-Dkeystore.pkcs12.legacy"),
    "certtool-rc4": by_gnutls("--outder", "--pkcs-cipher", "arcfour"),
    "no-mac": lambda pem, folder: plain(pem, folder, "-nomac"),
}
ODD = {case: odd(maker) for case, maker in odd_certificates.READABLE.items()}
OTHER_FORM: dict[str, Maker] = {
    "pk12util": by_nss(),
    "pbmac1": with_pbmac1,  # it spells out a number that is the default
    "certtool-pem": by_gnutls(),
    "windows-certutil": around(
        lambda raw: as_pem("CERTIFICATE", raw).replace(b"\n", b"\r\n")
    ),
    "pem-with-headings": around(
        lambda raw: as_pem("PKCS12", raw, b"Bag Attributes\n    friendlyName: x\n")
    ),
    "base64": around(base64.encodebytes),
    "base64-in-one-line": around(base64.b64encode),
    "zeros-behind": around(lambda raw: raw + bytes(-len(raw) % 512 + 512)),
    "line-feed-behind": around(lambda raw: raw + b"\n"),
    "pk12util-padded": lambda pem, folder: by_nss()(pem, folder) + bytes(99),
}
