"""What is told of a certificate, by the time that it has left, and in which words.

Names, severities and words are the original's (docs/cli.md#certificate-monitor). Pure.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cucmsh.alarms import (
    CERT_EXPIRED,
    CERT_VALID_FOR_7_DAYS,
    CERT_VALID_LESS_THAN_A_DAY,
    CERT_VALID_LESS_THAN_A_MONTH,
    CERT_VALIDITY_OVER_30_DAYS,
    Alarm,
)

DAY = timedelta(days=1)
LONGEST_NAME = 64  # characters of a common name (RFC 5280 appendix A.1)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def step_of(end: datetime, now: datetime, start_days: int) -> Alarm | None:
    """The alarm of a certificate that is valid until ``end``; None for none yet.

    One a certificate: of all whose condition holds the most severe.
    """
    left = end - now
    if now > end:
        return CERT_EXPIRED
    if left > start_days * DAY:
        return None
    if left < DAY:
        return CERT_VALID_LESS_THAN_A_DAY
    if left < 7 * DAY:
        return CERT_VALID_FOR_7_DAYS
    if left <= 30 * DAY:
        return CERT_VALID_LESS_THAN_A_MONTH
    return CERT_VALIDITY_OVER_30_DAYS


def message_of(name: str, unit: str, kind: str, end: datetime) -> str:
    """The parameter ``Message`` of those alarms.

    Args:
        name: of the certificate: its unit, or the common name of one from elsewhere.
        unit: such as ``tomcat`` or ``CallManager-trust``.
        kind: ``own-cert`` or ``trust-certs``.
        end: of its validity.
    """
    return (
        "Certificate expiration Notification. "
        f"Certificate name:{name[:LONGEST_NAME]}.der Unit:{unit} Type:{kind} "
        f"Expiration:{shown_end(end)}"
    )


def shown_end(end: datetime) -> str:
    """``Sun Mar 26 12:30:59:000 CES``: local time, no year, the zone's first letters.

    A zone without letters, such as +0530, stays whole: cut, it would be another one.
    """
    local = end.astimezone()
    zone = local.tzname() or "UTC"
    zone = zone[:3] if zone.isalpha() else zone
    return (
        f"{WEEKDAYS[local.weekday()]} {MONTHS[local.month - 1]} {local.day:02} "
        f"{local:%H:%M:%S}:000 {zone}"
    )
