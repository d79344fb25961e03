"""``[alarms]``: where alarms go, and when the Certificate Monitor tells one."""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.config.alarm_places import (
    HookSettings,
    MailSettings,
    MetricsSettings,
    SyslogSettings,
    read_hook,
    read_mail,
    read_metrics,
    read_syslog,
)
from cucmsh.config.monitor import MonitorSettings, read_monitor
from cucmsh.config.table import Table

LOG_BYTES = 5_000_000
LOG_FILES = 10
MOST_CLUSTER_ID = 50  # characters: each line has it


class AlarmsSettings(NamedTuple):
    """What ``[alarms]`` says.

    Attributes:
        cluster_id: what alarms give as ClusterID; empty, as on most clusters.
        log_bytes: how large CiscoSyslog grows before it is put aside.
        log_files: how many earlier ones are kept, ``CiscoSyslog.1`` the youngest.
        monitor: when a certificate that expires is told.
        syslog: the system's syslog; None for none, as for the others.
        mail: mail over SMTP.
        metrics: a file for node_exporter.
        hook: a program that is run.
    """

    cluster_id: str = ""
    log_bytes: int = LOG_BYTES
    log_files: int = LOG_FILES
    monitor: MonitorSettings = MonitorSettings()
    syslog: SyslogSettings | None = None
    mail: MailSettings | None = None
    metrics: MetricsSettings | None = None
    hook: HookSettings | None = None


def read_alarms(table: Table) -> AlarmsSettings:
    """The table ``[alarms]`` of a configuration; defaults for what it leaves out.

    Raises:
        ConfigurationError: a value that is none; the message names its key.
    """
    usual = AlarmsSettings()
    cluster_id = table.text("cluster_id", usual.cluster_id)
    if len(cluster_id) > MOST_CLUSTER_ID or not cluster_id.isascii():
        raise table.error(
            "cluster_id", f"at most {MOST_CLUSTER_ID} plain characters are needed"
        )
    return AlarmsSettings(
        cluster_id=cluster_id,
        log_bytes=table.number("log_bytes", usual.log_bytes, range(10_000, 1 << 31)),
        log_files=table.number("log_files", usual.log_files, range(1, 1000)),
        monitor=read_monitor(table.table("monitor"))
        if table.has("monitor")
        else usual.monitor,
        syslog=read_syslog(table.table("syslog")) if table.has("syslog") else None,
        mail=read_mail(table.table("mail")) if table.has("mail") else None,
        metrics=read_metrics(table.table("metrics")) if table.has("metrics") else None,
        hook=read_hook(table.table("hook")) if table.has("hook") else None,
    )
