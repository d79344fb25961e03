"""``[alarms.monitor]``: when certificates that expire are told, and how often.

The defaults are ours: those of the original are known from no document
(docs/cli.md#certificate-monitor).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cucmsh.config.table import Table

MOST_DAYS = 3650
FREQUENCY = re.compile(r"([1-9][0-9]{0,3})([hd])")


class Frequency(NamedTuple):
    """How often something is told again: so many hours, or so many days."""

    number: int
    is_days: bool

    def __str__(self) -> str:
        return f"{self.number}{'d' if self.is_days else 'h'}"


class MonitorSettings(NamedTuple):
    """When the Certificate Monitor tells of a certificate.

    Attributes:
        start_days: so many days before its end the first time.
        frequency: how often again; hourly in its last day and when it has expired.
    """

    start_days: int = 60
    frequency: Frequency = Frequency(1, is_days=True)


def read_monitor(table: Table) -> MonitorSettings:
    """The table ``[alarms.monitor]``; defaults for what it leaves out.

    Raises:
        ConfigurationError: a value that is none; the message names its key.
    """
    usual = MonitorSettings()
    return MonitorSettings(
        table.number("start_days", usual.start_days, range(1, MOST_DAYS + 1)),
        table.checked("frequency", _frequency, str(usual.frequency)),
    )


def _frequency(text: str) -> Frequency:
    found = FREQUENCY.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no frequency: hours as "12h", days as "7d"')
    return Frequency(int(found[1]), found[2] == "d")
