"""A password on its way from the keyboard to the one place that uses it.

It is masked in `repr`, `str` and formatted text, and is neither copied nor pickled.
Python cannot wipe memory: the text stays there until the memory is used again. Only who
sends it or derives a key from it (a login, a PKCS#12) calls `reveal`; commands and
services hand it on unopened. Two services open it: `certificates.keystore`, which keeps
the cluster's password on disk and a scrypt digest of the other, and
`nodes.password_policy`, which judges a new one. tests/house/test_secrets.py holds that.
"""

from __future__ import annotations

_MASKED = "********"


class Secret:
    """Text that only `reveal` gives away."""

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]  # a hash would outlive the secret

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself; keep it in no variable that lives on."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({_MASKED!r})"

    def __str__(self) -> str:
        return _MASKED

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        """Compare in a time that tells nothing about where two secrets differ."""
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # noqa: PLC0415 - OpenSSL, which no prompt needs

        return hmac.compare_digest(self._raw(), other._raw())

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("a secret is neither copied nor pickled")

    def _raw(self) -> bytes:
        return self._text.encode("utf-8", "surrogatepass")
