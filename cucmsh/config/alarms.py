"""``[alarms]``: where alarms go, and when the Certificate Monitor tells one."""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.monitor import MonitorSettings, read_monitor
from cucmsh.config.table import Table


class AlarmsSettings(NamedTuple):
    """What ``[alarms]`` says.

    Attributes:
        monitor: when a certificate that expires is told.
    """

    monitor: MonitorSettings = MonitorSettings()


def read_alarms(table: Table) -> AlarmsSettings:
    """The table ``[alarms]`` of a configuration; defaults for what it leaves out.

    Raises:
        ConfigurationError: a value that is none; the message names its key.
    """
    usual = AlarmsSettings()
    return AlarmsSettings(
        monitor=read_monitor(table.table("monitor"))
        if table.has("monitor")
        else usual.monitor,
    )
