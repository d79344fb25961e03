"""Sends the alarms that wait: to a syslog server, by mail, to the hook.

Run by a process of its own whenever an alarm begins to wait, and by each round of the
Certificate Monitor. What cannot be sent stays, and the next one tries again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from time import sleep
from typing import NamedTuple

from cucmsh.config.alarm_places import MailSettings
from cucmsh.errors import BusyError, CucmshError, ServiceError, one_line
from cucmsh.remote.process import LocalRunner
from cucmsh.remote.smtp import MailServer, send_mail
from cucmsh.remote.syslog import Server, send
from cucmsh.secret import Secret
from cucmsh.services.phones.open_store import line_of
from cucmsh.services.records import syslog_form
from cucmsh.services.records.alarm_places import HOOK, MAIL, SYSLOG, note, queues_of
from cucmsh.services.records.alarm_queue import Waiting, document_of, waiting
from cucmsh.services.records.mail_form import Alarmed, mail_of
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

LOOK_SECONDS = 0.25  # between two looks at alarms that are being gathered
MOST_AT_ONCE = {HOOK: 1, SYSLOG: 100, MAIL: 100}  # alarms


class Sending(NamedTuple):
    """What was sent.

    Attributes:
        sent: how many alarms, one that goes to two places counted twice.
        problems: a sentence for each place that could not be reached.
    """

    sent: int
    problems: tuple[str, ...]


# A look, as far as the cluster goes: it changes nothing but what waits.
@use_case("hook alarms")
def send_alarms(site: Site, *, at_once: bool = False) -> Sending:
    """Send what waits, until nothing does or each place that is left has failed once.

    Args:
        site: this node.
        at_once: mail what is there, and gather no more.
    """
    sent = 0
    problems: dict[str, str] = {}
    while True:
        try:
            with site.alarms_lock("the sending of alarms"):
                sent += _send_all(site, problems, at_once=at_once)
        except BusyError:
            break  # who sends now looks once more, after it has let go
        if not any(_open(site, problems).values()):
            break
    return Sending(sent, tuple(problems.values()))


def mail_server(site: Site, mail: MailSettings) -> MailServer:
    """The server of ``[alarms.mail]``, with its password.

    Raises:
        StoreError: the file of the password cannot be read, or others can read it.
    """
    password = Secret(line_of(mail.password_file) if mail.user else "")
    return MailServer(
        *(mail.host, mail.port, mail.security, mail.verify, mail.ca_file),
        user=mail.user,
        password=password,
        name=_host(site),
    )


def _open(site: Site, problems: dict[str, str]) -> dict[str, list[Waiting]]:
    """What waits for each place that has not failed, as much as goes at once."""
    return {
        place: list(islice(waiting(site.home, place), MOST_AT_ONCE[place]))
        for place, _ in queues_of(site.settings)
        if place not in problems
    }


def _send_all(site: Site, problems: dict[str, str], *, at_once: bool) -> int:
    sent = 0
    while True:
        is_gathering = False
        found = {
            place: batch for place, batch in _open(site, problems).items() if batch
        }
        for place, batch in found.items():
            if place == MAIL and not at_once and not _is_ripe(site, batch):
                is_gathering = True
                continue
            try:
                SENDERS[place](site, batch)
            except CucmshError as problem:
                problems[place] = one_line(f"{place}: {problem.message}")
                what = f"alarms wait to go to {place}"
                note(site.home, batch[-1].event, what, problem)
                continue
            for each in batch:
                site.home.remove(each.file)
            sent += len(batch)
        if not found:
            return sent
        if is_gathering and len(found) == 1:
            sleep(LOOK_SECONDS)


def _is_ripe(site: Site, batch: list[Waiting]) -> bool:
    mail = site.settings.alarms.mail
    if mail is None or len(batch) == MOST_AT_ONCE[MAIL]:
        return True
    age = (site.clock.now() - batch[0].event.time).total_seconds()
    return not 0 <= age < mail.batch_seconds  # a clock was set back: do not wait


def _to_syslog(site: Site, batch: list[Waiting]) -> None:
    syslog = site.settings.alarms.syslog
    if syslog is None:
        return
    messages = [
        syslog_form.cisco(each.event, line)
        if syslog.form == "cisco"
        else syslog_form.network(each.event, line, each.pid, _host(site))
        for each in batch
        for line in each.lines
    ]
    where = (syslog.to, syslog.host, syslog.port, syslog.verify, syslog.ca_file)
    send(Server(*where), messages)


def _by_mail(site: Site, batch: list[Waiting]) -> None:
    mail = site.settings.alarms.mail
    if mail is None:
        return
    alarms = [Alarmed(each.event, each.lines) for each in batch]
    made = mail_of(alarms, _host(site), mail.sender, mail.to, site.clock.now())
    refused = send_mail(mail_server(site, mail), made)
    for to, why in refused.items():
        problem = ServiceError(f"the mail server refuses {to}: {why}")
        note(
            site.home, batch[-1].event, "alarms were mailed to the others only", problem
        )


def _to_hook(site: Site, batch: list[Waiting]) -> None:
    """Run it for each; one that fails is noted, and has had its alarm."""
    hook = site.settings.alarms.hook
    if hook is None:
        return
    for each in batch:
        raw = json.dumps(document_of(each.event)).encode()
        status, _ = LocalRunner().feed(hook.command, raw + b"\n", hook.seconds)
        if status != 0:
            problem = ServiceError(f"{hook.command[0]} ended with status {status}")
            note(site.home, each.event, "the hook of alarms failed", problem)


def _host(site: Site) -> str:
    return site.settings.cluster.full_name(site.node)


SENDERS: dict[str, Callable[[Site, list[Waiting]], None]] = {
    HOOK: _to_hook,
    SYSLOG: _to_syslog,
    MAIL: _by_mail,
}
