"""The systemd units of a node: hooks around TFTP, TVS, Certificate Monitor. Pure.

``ExecStartPre=`` would keep TFTP down when the hook fails, and ``ExecStartPre=-`` would
fail without a word. A unit of its own, which the TFTP service wants and waits for but
does not require, does neither: the service starts, and `systemctl --failed` and the
journal name what failed. Last, a line of shell writes how it ended to the node's home,
for the next login, since a broken Python can write nothing.

systemd refuses the sixth start of a unit within ten seconds and leaves the service
down: some resets and restarts in a row are enough. So there is no such limit here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cucmsh.layout import (
    BACKUP_TIMER,
    BACKUP_UNIT,
    LIST_UNIT,
    MONITOR_TIMER,
    MONITOR_UNIT,
    REPLICAS_UNIT,
    START_RESULT,
    TVS_UNIT,
    UNIT_FOLDER,
    WEB_UNIT,
)

LIST_SECONDS = 50  # composing takes one, and signing is ended after 25
REPLICAS_SECONDS = 180  # some rounds, and the time to wait for another push
LIST = """\
[Unit]
Description=cucmsh: compose the ITL that TFTP serves
StartLimitIntervalSec=0

[Service]
Type=oneshot
User={account}
TimeoutStartSec={seconds}
ExecStart={words} hook tftp-start
ExecStopPost=-/bin/sh -c {shell}
"""
REPLICAS = """\
[Unit]
Description=cucmsh: bring the replicas what TFTP serves
After={service}.service network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
User={account}
TimeoutStartSec={seconds}
ExecStart={words} hook update-replicas
"""
# It needs to read the node's home, and one port. What it is not given it cannot lose:
# no file can be written, no other program's rights be gained. So another process tells
# the alarm of its end: with "+" outside of all that, as the owner of the home.
TVS = """\
[Unit]
Description=cucmsh: TVS, which phones ask about signers of lists
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User={account}
ExecStart={words} tvs
ExecStopPost=+-{words} hook tvs-ended {how}
Restart=on-failure
RestartSec=2
LimitNOFILE=16384
UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""
# It does what the prompt does: writes keys and lists, and by sudo restarts services. So
# nothing may stand here that forbids other rights (NoNewPrivileges, and all that
# implies it for an account that is not root: systemd.exec(5)).
WEB = """\
[Unit]
Description=cucmsh: the administrator's page
After=network-online.target
Wants=network-online.target

[Service]
User={account}
ExecStart={words} web
Restart=on-failure
RestartSec=2
LimitNOFILE=16384
MemoryMax=1G
UMask=0077
ProtectSystem=yes
ProtectControlGroups=yes
PrivateTmp=yes
KeyringMode=private

[Install]
WantedBy=multi-user.target
"""
HOW_IT_ENDED = "${SERVICE_RESULT} ${EXIT_CODE} ${EXIT_STATUS}"  # systemd puts them in
# Not between two and three: that hour comes twice or never when summer time ends or
# begins, and a round that was missed (Persistent=) may be made up for at any time.
MONITOR = """\
[Unit]
Description=cucmsh: a round of the Certificate Monitor

[Service]
Type=oneshot
User={account}
TimeoutStartSec={seconds}
ExecCondition=/bin/sh -c {shell}
ExecStart={words} hook monitor
"""
TIMER = """\
[Unit]
Description=cucmsh: when the Certificate Monitor looks

[Timer]
OnCalendar=*-*-* 00,01,03..23:17:00
Persistent=true

[Install]
WantedBy=timers.target
"""
CRON = "17 0,1,3-23 * * * {account} {words} hook monitor"
MONITOR_SECONDS = 300  # mail and other sinks have limits of their own
# The service ends when all backups that are due are done; how long they take is theirs.
BACKUP = """\
[Unit]
Description=cucmsh: backups that are due
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
User={account}
TimeoutStartSec=20h
ExecStart={words} hook backup
"""
BACKUP_TIMES = """\
[Unit]
Description=cucmsh: when backups are looked for that are due

[Timer]
OnCalendar=*:0/5
Persistent=true

[Install]
WantedBy=timers.target
"""
BACKUP_CRON = "*/5 * * * * {account} {words} hook backup"
DROP_IN = """\
[Unit]
Wants={units}
After={list_unit}
StartLimitIntervalSec=0
"""


class TftpUnit(NamedTuple):
    """What the units are written for.

    Attributes:
        service: the unit of the TFTP service, without ``.service``.
        program: the argv that runs cucmsh with the node's configuration.
        account: the node's.
        home: keys and state of the node.
        is_publisher: whether there may be replicas.
    """

    service: str
    program: Sequence[str]
    account: str
    home: str
    is_publisher: bool


def unit_files(about: TftpUnit) -> Iterator[tuple[str, str]]:
    """Path and text of each file, for root to write."""
    words = " ".join(map(unit_word, about.program))
    result = shlex.quote(f"{about.home}/{START_RESULT}")
    shell = unit_word(f"echo $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS > {result}")
    yield (
        f"{UNIT_FOLDER}/{LIST_UNIT}",
        LIST.format(
            account=about.account, seconds=LIST_SECONDS, words=words, shell=shell
        ),
    )
    units = [LIST_UNIT]
    if about.is_publisher:
        units.append(REPLICAS_UNIT)
        text = REPLICAS.format(
            service=about.service,
            account=about.account,
            seconds=REPLICAS_SECONDS,
            words=words,
        )
        yield f"{UNIT_FOLDER}/{REPLICAS_UNIT}", text
    drop_in = DROP_IN.format(units=" ".join(units), list_unit=LIST_UNIT)
    yield f"{UNIT_FOLDER}/{about.service}.service.d/cucmsh.conf", drop_in


def tvs_unit(program: Sequence[str], account: str) -> tuple[str, str]:
    """Path and text of the unit of ``cucmsh tvs``, for root to write.

    Args:
        program: the argv that runs cucmsh with the node's configuration.
        account: the node's.
    """
    words = " ".join(map(unit_word, program))
    text = TVS.format(account=account, words=words, how=HOW_IT_ENDED)
    return f"{UNIT_FOLDER}/{TVS_UNIT}", text


def web_unit(program: Sequence[str], account: str) -> tuple[str, str]:
    """Path and text of the unit of ``cucmsh web``, for root to write.

    Args:
        program: the argv that runs cucmsh with the node's configuration.
        account: the node's.
    """
    words = " ".join(map(unit_word, program))
    return f"{UNIT_FOLDER}/{WEB_UNIT}", WEB.format(account=account, words=words)


def monitor_units(
    program: Sequence[str], account: str
) -> tuple[tuple[str, str], tuple[str, str]]:
    """Path and text of the unit and the timer of a round, for root to write.

    Args:
        program: the argv that runs cucmsh with the node's configuration.
        account: the node's.
    """
    text = MONITOR.format(
        account=account,
        seconds=MONITOR_SECONDS,
        shell=unit_word("test $(date +%H) != 02"),
        words=" ".join(map(unit_word, program)),
    )
    unit = f"{UNIT_FOLDER}/{MONITOR_UNIT}", text
    return unit, (f"{UNIT_FOLDER}/{MONITOR_TIMER}", TIMER)


def monitor_cron(program: Sequence[str], account: str) -> str:
    """The line of ``/etc/cron.d/cucmsh`` that does it where there is no systemd."""
    words = shlex.join(program).replace("%", "\\%")
    return CRON.format(account=account, words=words)


def backup_units(
    program: Sequence[str], account: str
) -> tuple[tuple[str, str], tuple[str, str]]:
    """Path and text of the unit and the timer of backups, for root to write.

    Args:
        program: the argv that runs cucmsh with the node's configuration.
        account: the node's.
    """
    words = " ".join(map(unit_word, program))
    unit = f"{UNIT_FOLDER}/{BACKUP_UNIT}", BACKUP.format(account=account, words=words)
    return unit, (f"{UNIT_FOLDER}/{BACKUP_TIMER}", BACKUP_TIMES)


def backup_cron(program: Sequence[str], account: str) -> str:
    """The line of ``/etc/cron.d/cucmsh`` that does it where there is no systemd."""
    words = shlex.join(program).replace("%", "\\%")
    return BACKUP_CRON.format(account=account, words=words)


def unit_word(word: str) -> str:
    """As systemd.service(5) takes one: quoted if it must be, nothing expanded."""
    escaped = word.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$")
    if word and not set(word) & set(" \t'\"\\;"):
        return escaped
    return '"' + escaped.replace('"', '\\"') + '"'
