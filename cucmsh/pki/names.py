"""Distinguished names as phones and ``show itl`` spell them. Knows no encodings.

Attributes stand in the order CN, OU, O, L, ST, C, joined by ``;`` without spaces or
escaping, whatever the order inside the certificate (itl-format.md section 6).
"""

from __future__ import annotations

from collections.abc import Mapping

from cucmsh.errors import CertificateError

ORDER = ("CN", "OU", "O", "L", "ST", "C")


def parse_name(text: str) -> dict[str, str]:
    """``OU=tac;O=cisco`` as a mapping.

    Raises:
        CertificateError: an attribute that is unknown, empty or given twice.
    """
    attributes: dict[str, str] = {}
    for part in text.split(";"):
        kind, equals, value = part.strip().partition("=")
        if not equals or kind not in ORDER or not value or kind in attributes:
            raise CertificateError(
                f"{part.strip()!r} is no attribute of a certificate subject",
                f"Write {'=...;'.join(ORDER)}=..., each at most once.",
            )
        if kind == "C" and not (len(value) == 2 and value.isalpha()):
            raise CertificateError(
                f"{value!r} is no country code", "C takes two letters, such as C=US."
            )
        attributes[kind] = value
    return attributes


def format_name(attributes: Mapping[str, str]) -> str:
    """The mapping in the fixed order; other attribute types are dropped."""
    return ";".join(
        f"{kind}={attributes[kind]}" for kind in ORDER if kind in attributes
    )
