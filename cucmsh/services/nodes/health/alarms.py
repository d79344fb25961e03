"""Whether alarms of this node go where they are to go; sends none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice

from cucmsh.config.alarm_places import MailSettings, SyslogSettings
from cucmsh.errors import CucmshError
from cucmsh.layout import CISCO_SYSLOG
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.records.alarm_places import queues_of
from cucmsh.services.records.alarm_queue import MOST_WAITING, waiting
from cucmsh.services.site import Site

LONG_WAIT = timedelta(minutes=5)  # less, and it may be just being sent
SEND = "cucmsh hook alarms"


def examine_alarms(site: Site) -> Iterator[Finding]:
    """What keeps an alarm from CiscoSyslog and the places of ``[alarms]``."""
    yield _tried(
        lambda: site.home.require_room_in(CISCO_SYSLOG),
        *("alarms are logged", "alarms are not logged", Level.FAIL),
    )
    alarms = site.settings.alarms
    if alarms.syslog:
        yield _syslog(alarms.syslog)
    if alarms.mail:
        yield _mail(site, alarms.mail)
    if alarms.metrics:
        yield _metrics(alarms.metrics.file)
    if alarms.hook and not os.access(alarms.hook.command[0], os.X_OK):
        what = f"alarms go to no hook: {alarms.hook.command[0]} cannot be run"
        yield Finding(Level.WARN, what, "See command in [alarms.hook].")
    yield from _waiting(site)


def _tried(
    check: Callable[[], None], well: str, ill: str, level: Level = Level.WARN
) -> Finding:
    """Well, or what the check says."""
    try:
        check()
    except CucmshError as problem:
        return Finding(level, f"{ill}: {problem.message}", problem.advice)
    return Finding(Level.OK, well)


def _syslog(syslog: SyslogSettings) -> Finding:
    from cucmsh.remote.syslog import (  # noqa: PLC0415 - TLS; few have one
        Server,
        require_local,
        send,
    )

    def check() -> None:
        if syslog.to == "local":
            require_local(syslog.socket)
        else:
            where = (syslog.to, syslog.host, syslog.port, syslog.verify)
            send(Server(*where, syslog.ca_file), [])

    return _tried(check, "syslog takes alarms", "alarms go to no syslog")


def _mail(site: Site, mail: MailSettings) -> Finding:
    from cucmsh.remote.smtp import require_mail_server  # noqa: PLC0415 - as above
    from cucmsh.services.records.send_alarms import mail_server  # noqa: PLC0415

    def check() -> None:
        require_mail_server(mail_server(site, mail))

    return _tried(check, "the mail server lets us in", "alarms are not mailed")


def _metrics(path: str) -> Finding:
    folder = os.path.dirname(path)
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding(Level.OK, "alarms are counted for Prometheus")
    what = f"alarms are not counted: {folder} is not there, or we may not write to it"
    return Finding(Level.WARN, what, "See file in [alarms.metrics].")


def _waiting(site: Site) -> Iterator[Finding]:
    for place, _ in queues_of(site.settings):
        found = list(islice(waiting(site.home, place), MOST_WAITING))
        if not found:
            continue
        since = found[0].event.time
        if timedelta(0) <= site.clock.now() - since < LONG_WAIT:
            continue
        number = "1 alarm waits" if len(found) == 1 else f"{len(found)} alarms wait"
        when = since.isoformat(timespec="seconds")
        lost = "; further ones are dropped" if len(found) == MOST_WAITING else ""
        what = f"{number} to go to {place}, since {when}{lost}"
        yield Finding(Level.WARN, what, f"Run `{SEND}`: it says what is wrong.")
