"""What a file that came as a key file is, before anybody opens it.

Tools hand a PKCS#12 out as it is, as PEM (``certtool``, ``certutil -encode``) or as
plain base64. ``unwrap`` gives its bytes; for a key in another format it names the
command that makes a PKCS#12 of it. Derives, decrypts and parses nothing.
"""

from __future__ import annotations

import base64
import re

from cucmsh.errors import KeyFileError

# A PFX begins with its version (RFC 7292 section 4), whatever form its length has.
_PFX = re.compile(
    rb"\x30(?:[\x00-\x80]|\x81.|\x82..|\x83...|\x84....)\x02\x01\x03", re.DOTALL
)
_BLOCK = re.compile(
    rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END [A-Z0-9 ]{1,40}-----", re.DOTALL
)
_HEADER_LINES = re.compile(rb"^[^\n]*:[^\n]*$", re.MULTILINE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]+={0,2}")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JAVA = {b"\xfe\xed\xfe\xed": "JKS", b"\xce\xce\xce\xce": "JCEKS"}

FROM_PEM = "openssl pkcs12 -export -in FILE -out ITLRecovery.p12"
FROM_TWO_FILES = (
    "openssl pkcs12 -export -inkey FILE -in CERTIFICATE -out ITLRecovery.p12"
)
FROM_JAVA = (
    "keytool -importkeystore -srckeystore FILE -destkeystore ITLRecovery.p12 "
    "-deststoretype PKCS12"
)
# For what openssl opens and we do not. The key stands in a file on the way.
PACK_ANEW = (
    "umask 077; openssl pkcs12 -in FILE -nodes -out k.pem && "
    "openssl pkcs12 -export -in k.pem -out ITLRecovery.p12; shred -u k.pem"
)
ONE_OF_SEVERAL = (
    "keytool -importkeystore -srckeystore FILE -srcstoretype PKCS12 -srcalias NAME "
    "-destkeystore ITLRecovery.p12 -deststoretype PKCS12"
)


def unwrap(raw: bytes) -> bytes:
    """The PKCS#12 in ``raw``: itself, or what its PEM or base64 stands for.

    Bytes of an unknown kind come back as they are.

    Raises:
        KeyFileError: empty, or a key or certificate in another format; the advice
            names the command that converts it.
    """
    if not raw.strip():
        raise KeyFileError("the file is empty", "Take another copy of it.")
    if _PFX.match(raw):
        return raw
    text = raw.removeprefix(_BYTE_ORDER_MARK)
    blocks = _BLOCK.findall(text)
    for _, body in blocks:
        inner = _decoded(_HEADER_LINES.sub(b"", body))
        if _PFX.match(inner):
            return inner
    if blocks:
        raise _other_pem({label.decode() for label, _ in blocks})
    inner = _decoded(text)
    if _PFX.match(inner):
        return inner
    for found in (raw, inner):
        if found[:4] in _JAVA:
            raise KeyFileError(
                f"the file is a Java keystore ({_JAVA[found[:4]]}), not PKCS#12",
                f"Convert it: {FROM_JAVA}",
            )
    return raw


def _decoded(text: bytes) -> bytes:
    """What base64 stands for, or nothing if it is none."""
    letters = b"".join(text.split())
    if len(letters) % 4 or not _BASE64.fullmatch(letters):
        return b""
    return base64.b64decode(letters)


def _other_pem(labels: set[str]) -> KeyFileError:
    has_certificate = any(label.endswith("CERTIFICATE") for label in labels)
    if "OPENSSH PRIVATE KEY" in labels:
        return KeyFileError("the file holds an SSH key, and no ITLRecovery key")
    if any(label.endswith("PRIVATE KEY") for label in labels):
        how = FROM_PEM if has_certificate else FROM_TWO_FILES
        return KeyFileError(
            "the file holds a key as PEM, not as PKCS#12", f"Convert it: {how}"
        )
    if has_certificate:
        return KeyFileError(
            "the file holds a certificate and no key",
            "Give the path of an ITLRecovery.p12 that `file get tftp` saved.",
        )
    return KeyFileError("the file is PEM, but holds neither a PKCS#12 nor a key")
