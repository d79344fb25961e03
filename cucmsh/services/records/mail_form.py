"""Alarms as one mail, in the shape of the original's RTMT alerts. Pure.

What the original's Certificate Monitor mails is not known (docs/cli.md). Every line is
ASCII and shorter than 998 octets, and nothing is encoded: what a mailbox keeps can be
searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import NamedTuple

from cucmsh.events import Event
from cucmsh.services.records.ciscolog import day_of, stored

DAYS = "MonTueWedThuFriSatSun"
AGENT = "Cisco Syslog Agent"


class Alarmed(NamedTuple):
    """An alarm and its lines."""

    event: Event
    lines: Sequence[str]


def mail_of(
    alarms: Sequence[Alarmed],
    host: str,
    sender: str,
    to: Sequence[str],
    now: datetime,
) -> EmailMessage:
    """One mail about all of them.

    Args:
        alarms: at least one.
        host: the node's name with its domain.
        sender: whose mail it is.
        to: who gets it.
        now: when it is written, UTC.
    """
    worst = min(alarms, key=lambda each: each.event.severity).event
    more = f" and {len(alarms) - 1} more" if len(alarms) > 1 else ""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = f"{_word(worst)}: {worst.name} on {host}{more}"
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=host)
    mail["Auto-Submitted"] = "auto-generated"
    when = f"At {_date(now)} on node {host}, "
    lines = [f"{when}the following SyslogSeverityMatchFound events generated:"]
    for alarm in alarms:
        lines += ["", *_block(alarm)]
    mail.set_content("\n".join([*lines, ""]), charset="us-ascii", cte="7bit")
    return mail


def _block(alarm: Alarmed) -> list[str]:
    event = alarm.event
    about = event.parameters
    action = [f"RecommendedAction : {event.action}"] if event.action else []
    return [
        f"SeverityMatch : {_word(event)}",
        *(f"MatchedEvent : {stored(event, line)}" for line in alarm.lines),
        f"AppID : {AGENT}",
        f"ClusterID : {about.get('ClusterID', '')}",
        f"NodeID : {event.node}",
        f" TimeStamp : {_date(event.time)}",
        *action,
    ]


def _word(event: Event) -> str:
    return event.severity.name.capitalize()


def _date(at: datetime) -> str:
    """As Java writes one: ``Mon Jun 17 16:14:19 CEST 2019``."""
    local = at.astimezone()
    day = DAYS[3 * local.weekday() :][:3]
    return f"{day} {day_of(local)} {local:%H:%M:%S} {local.tzname()} {local.year}"
