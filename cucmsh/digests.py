"""The digests that lists, fingerprints and checksums are made of; no OpenSSL.

``hashlib`` loads a libcrypto for them, a second one beside that of ``cryptography``:
4 MiB and a fifth of a bare interpreter at every ``show itl``. The same functions of
Python itself are in modules of its own, which ``random`` takes too.
"""

from __future__ import annotations

from cucmsh.shapes import TYPE_CHECKING

__all__ = ["md5", "sha1", "sha256", "sha512"]

if TYPE_CHECKING:
    from hashlib import md5, sha1, sha256, sha512
else:
    try:
        from _md5 import md5
        from _sha1 import sha1

        try:
            from _sha2 import sha256, sha512  # Python 3.12 and later
        except ImportError:
            from _sha256 import sha256
            from _sha512 import sha512
    except ImportError:  # a Python built without them
        from hashlib import md5, sha1, sha256, sha512
