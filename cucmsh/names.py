"""Host names, domains and certificate subjects: what they may be, and in which form.

One rule for whatever takes such a name in: options, configuration, another node's
description. Imports errors only; a login pays for it. Bounds are those of X.520 (ITU-T
X.520 annex C, RFC 5280 appendix A.1) and of DNS (RFC 1035 section 2.3.4).
"""

from __future__ import annotations

from collections.abc import Mapping

from cucmsh.errors import NamingError

LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
MAX_LABEL = 63
MAX_COMMON_NAME = 64
RECOVERY_PREFIX = "ITLRECOVERY_"
# The order in which phones and `show itl` spell a name (docs/formats.md#names).
ORDER = ("CN", "OU", "O", "L", "ST", "C")
# Characters that a value may have at most; C has its own rule.
BOUNDS = {"CN": MAX_COMMON_NAME, "OU": 64, "O": 64, "L": 128, "ST": 128}
SUBJECT_FORM = "OU=it;O=example;L=city;ST=state;C=US"
_WRITE = f"Write it as '{SUBJECT_FORM}': each at most once, none of them needed."


def check_host_name(name: str) -> None:
    """Go on only with one label of a host name.

    Raises:
        NamingError: too long, other characters, a hyphen at an end, a domain in it.
    """
    fault = _label_fault(name)
    if "." in name:
        raise NamingError(
            f"{name!r} is no host name: it holds a dot",
            "Write the name without its domain, such as pub, and the domain apart.",
        )
    if fault:
        raise NamingError(
            f"{name!r} is no host name: it {fault}",
            f"Write letters, digits and hyphens, at most {MAX_LABEL}, such as pub.",
        )


def check_domain(domain: str) -> None:
    """Go on only with a domain of whole labels, or none.

    Raises:
        NamingError: the message says which of the labels is wrong, or which dot.
    """
    if not domain:
        return
    fault = ""
    if domain.startswith("."):
        fault = "begins with a dot"
    elif domain.endswith("."):
        fault = "ends with a dot"
    elif ".." in domain:
        fault = "holds two dots in a row"
    for label in domain.split("."):
        if not fault and (wrong := _label_fault(label)):
            fault = f"holds {label!r}, which {wrong}"
    if fault:
        meant = ".".join(label for label in domain.split(".") if label)
        form = "example.org" if _has_fault(meant) else meant
        raise NamingError(
            f"{domain!r} is no domain name: it {fault}", f"Write it as {form}."
        )


def check_full_name(full_name: str) -> None:
    """Go on only with a name that fits the certificates of a member.

    Args:
        full_name: the host name with the domain, which is the CN of its certificates;
            the one of ITLRecovery has ``ITLRECOVERY_`` before it.

    Raises:
        NamingError: it is too long.
    """
    most = MAX_COMMON_NAME - len(RECOVERY_PREFIX)
    if len(full_name) > most:
        raise NamingError(
            f"{full_name} has {len(full_name)} characters: {RECOVERY_PREFIX} before it "
            f"is the name of the recovery certificate, which X.520 bounds to "
            f"{MAX_COMMON_NAME}, so {most} are left",
            "Take a shorter host name or domain.",
        )


def parse_subject(text: str) -> dict[str, str]:
    """``OU=tac;O=cisco`` as a mapping; of an empty text an empty one.

    Raises:
        NamingError: as ``read_subject``, and for a CN, another separator than ``;``,
            quotes, or a value that X.520 bounds: names that were meant otherwise.
    """
    attributes = read_subject(text)
    if "CN" in attributes:
        raise NamingError(
            f"the subject {text!r} holds a CN",
            "Leave it out: each certificate has its own.",
        )
    for kind, value in attributes.items():
        fault = _value_fault(kind, value)
        if fault:
            raise NamingError(f"{kind}={value} {fault}", _WRITE)
    return attributes


def read_subject(text: str) -> dict[str, str]:
    """The same of a subject that stands in certificates already, however it was meant.

    Raises:
        NamingError: a part without its type, an unknown one, one twice or empty, or a
            country that is no two letters: no certificate can have been made so.
    """
    attributes: dict[str, str] = {}
    for part in text.split(";") if text else ():
        kind, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            raise NamingError(f"the subject {text!r} has an empty part", _WRITE)
        if not equals or kind not in ORDER:
            raise NamingError(
                f"{part.strip()!r} is no part of a certificate subject", _WRITE
            )
        if kind in attributes:
            raise NamingError(f"the subject {text!r} has {kind} twice", _WRITE)
        if not value:
            raise NamingError(f"{kind}={value} is empty", _WRITE)
        if kind == "C" and not (
            len(value) == 2 and value.isascii() and value.isalpha()
        ):
            raise NamingError(
                f"{kind}={value} is no country code, which has two letters", _WRITE
            )
        attributes[kind] = value
    return attributes


def format_subject(attributes: Mapping[str, str]) -> str:
    """The mapping in the fixed order; other attribute types are dropped."""
    return ";".join(
        f"{kind}={attributes[kind]}" for kind in ORDER if kind in attributes
    )


def _value_fault(kind: str, value: str) -> str:
    fault = ""
    if not value.isprintable():
        fault = "holds characters that cannot be printed"
    elif any(letter in value for letter in ",+="):
        fault = "holds a comma, + or =: the parts of a subject are separated by ;"
    elif '"' in value or "\\" in value or "'" in (value[0], value[-1]):
        fault = "holds quotes or a backslash, which would stand in the certificate"
    elif len(value) > (most := BOUNDS.get(kind, 2)):
        fault = f"has {len(value)} characters, and X.520 bounds {kind} to {most}"
    return fault


def _label_fault(label: str) -> str:
    if not label:
        return "is empty"
    if not LETTERS.issuperset(label):
        return "holds other characters than letters, digits and hyphens"
    if label[0] == "-" or label[-1] == "-":
        return "has a hyphen at an end"
    if len(label) > MAX_LABEL:
        return f"has {len(label)} characters, more than {MAX_LABEL}"
    return ""


def _has_fault(domain: str) -> bool:
    return any(_label_fault(label) for label in domain.split("."))
