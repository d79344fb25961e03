"""Keys and certificates in memory: the only room that imports ``cryptography``.

It opens no file and has never heard of trust lists. ``model`` imports nothing heavy;
``verify`` and ``keys`` import what checks a signature, for ``show itl``; the others
take the whole library. What stands in ``__all__`` is for other people's programs, next
to ``cucmsh.trustlist``, and keeps its names and meanings as docs/programs.md promises::

    SignatureVerifier              the Verifier that check, judge and judge_signed take
    read_certificate(raw)          DER or PEM -> what full_record and hashed_record take
    read_key_file(raw, password)   a PKCS#12 -> the Signer that seal and reseal take
"""

from typing import TYPE_CHECKING

from cucmsh.late import late_names

if TYPE_CHECKING:
    from cucmsh.errors import CertificateError, KeyFileError
    from cucmsh.pki.certificates import read_certificate
    from cucmsh.pki.pkcs12 import read_key_file
    from cucmsh.pki.verify import SignatureVerifier

__all__ = [
    "CertificateError",
    "KeyFileError",
    "SignatureVerifier",
    "read_certificate",
    "read_key_file",
]

__getattr__ = late_names(
    __name__,
    {
        "cucmsh.errors": ("CertificateError", "KeyFileError"),
        "cucmsh.pki.certificates": ("read_certificate",),
        "cucmsh.pki.pkcs12": ("read_key_file",),
        "cucmsh.pki.verify": ("SignatureVerifier",),
    },
)
