"""``[[cluster.records]]``: certificates from elsewhere that stand in our lists.

Opens no certificate: every start of the program reads the configuration, and X.509 is
read when a list is composed. Source of the roles: docs/formats.md#roles.
"""

from __future__ import annotations

from binascii import a2b_base64

from cucmsh.config.model import ROLE_CODES, FurtherRecord
from cucmsh.config.table import Table

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
MOST_ROLE = 0xFFFF  # FUNCTION has two bytes


def read_record(entry: Table) -> FurtherRecord:
    """One entry.

    Raises:
        ConfigurationError: no such role; or what stands there is not one certificate
            in PEM.
    """
    return FurtherRecord(_role(entry), _certificate(entry))


def role_name(code: int) -> str | int:
    """What the configuration calls a role: its name, or the number if it has none."""
    return next((name for name, known in ROLE_CODES.items() if known == code), code)


def _role(entry: Table) -> int:
    value = entry.raw("role")
    if isinstance(value, str) and value.lower() in ROLE_CODES:
        return ROLE_CODES[value.lower()]
    if isinstance(value, int) and value in range(MOST_ROLE + 1) and value is not True:
        return value
    known = ", ".join(ROLE_CODES)
    raise entry.error("role", f"one of {known} or a number up to {MOST_ROLE} is needed")


def _certificate(entry: Table) -> str:
    value = entry.raw("certificate")
    text = value.strip() if isinstance(value, str) else ""
    inside = text.removeprefix(BEGIN).removesuffix(END)
    if f"{BEGIN}{inside}{END}" != text or "-----" in inside:
        raise entry.error(
            "certificate",
            "one certificate in PEM is needed, between two lines of three quotes",
        )
    try:
        a2b_base64("".join(inside.split()), strict_mode=True)
    except ValueError as problem:
        raise entry.error(
            "certificate", f"the certificate is damaged: {problem}"
        ) from problem
    return f"{text}\n"
