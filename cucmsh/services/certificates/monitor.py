"""A round of the Certificate Monitor: what expires, and a key file nobody has saved.

Each node looks at what lies on its own disk and asks no other. A round may be run at
any time, and as often as anybody likes: when something was told, and when it is told
again, ``monitor_told`` knows. The alarm of an unsaved key file can be neither
acknowledged nor turned off: it ends when the file is saved (docs/story.md case 8).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from cucmsh.alarms import (
    CERT_EXPIRY_APPROACHING,
    ITL_RECOVERY_CERT_BACKUP,
    MESSAGE,
    MONITOR,
    NO_RECOVERY_BACKUP,
    Alarm,
)
from cucmsh.config.monitor import Frequency, MonitorSettings
from cucmsh.errors import CucmshError, one_line
from cucmsh.events import Severity
from cucmsh.layout import BACKUP, RECOVERY_FILE
from cucmsh.services.certificates.monitor_ladder import message_of, step_of
from cucmsh.services.certificates.monitor_notice import Expiring, write_notice
from cucmsh.services.certificates.monitor_told import HOURLY, Memory
from cucmsh.services.certificates.monitored import Monitored, monitored
from cucmsh.services.records import as_one
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.state import recall
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

DAILY = Frequency(1, is_days=True)
# Ours: no alarm of the original says it.
UNREADABLE = Alarm(
    "UC_CERT",
    Severity.ERROR,
    "CertificateUnreadable",
    MONITOR,
    MESSAGE,
    "A certificate cannot be read, so nobody knows when it expires",
    "Look at the file, and install the certificate anew.",
)


class Said(NamedTuple):
    """An alarm of a round, and its message."""

    alarm: Alarm
    message: str


class Round(NamedTuple):
    """What a round did.

    Attributes:
        looked_at: how many certificates were read.
        unreadable: how many could not be.
        said: what was told now; what was told lately is not told again.
        is_saved: whether the present key file was saved; None on a subscriber, and
            where it could not be read.
    """

    looked_at: int
    unreadable: int
    said: tuple[Said, ...]
    is_saved: bool | None


# A look, as far as the cluster goes: what it writes is its own memory, which no TFTP
# start and no reset reads. An hourly line in the audit log would only hide others.
@use_case("hook monitor")
def monitor_round(site: Site) -> Round:
    """Look at every certificate and at the key file, and tell what is due.

    Alarms are told before they are noted as told: after a crash in between one comes
    twice, and none is lost.

    Raises:
        BusyError: another round has been at it for half a minute.
        StoreError: what was told cannot be noted: the next round tells it again.
    """
    with site.monitor_lock("a round of the Certificate Monitor"):
        memory = Memory(site)
        seen: list[Monitored] = []
        said: list[Said] = []
        expiring: list[Expiring] = []
        key = _key_file(site)
        for one in _alarms(site, memory, key, seen, expiring):
            tell(site, one.alarm, one.message)
            said.append(one)
        try:
            memory.keep()
        finally:
            write_notice(site, key.is_saved, expiring)
    unreadable = sum(one.certificate is None for one in seen)
    return Round(len(seen) - unreadable, unreadable, tuple(said), key.is_saved)


class _KeyFile(NamedTuple):
    """The publisher's key file; without a digest where there is none to look at."""

    sha256: str = ""
    is_saved: bool | None = None
    problem: str = ""


def _key_file(site: Site) -> _KeyFile:
    if not site.node.is_publisher:
        return _KeyFile()
    try:
        raw = as_one.read(site.home, RECOVERY_FILE)
        sha256 = hashlib.sha256(raw).hexdigest()
        return _KeyFile(sha256, recall(site.home, BACKUP).get("sha256") == sha256)
    except CucmshError as problem:
        return _KeyFile(problem=f"{RECOVERY_FILE}: {one_line(problem.message)}")


def _alarms(
    site: Site,
    memory: Memory,
    key: _KeyFile,
    seen: list[Monitored],
    expiring: list[Expiring],
) -> Iterator[Said]:
    """What is due; ``seen`` and ``expiring`` are filled on the way."""
    if key.is_saved is False:
        backup = ITL_RECOVERY_CERT_BACKUP
        if memory.is_due(f"backup:{key.sha256[:16]}", backup.severity, DAILY):
            yield Said(backup, NO_RECOVERY_BACKUP)
    if key.problem and memory.is_due("backup:?", UNREADABLE.severity, DAILY):
        yield Said(UNREADABLE, key.problem)
    settings = site.settings.alarms.monitor
    met: set[str] = set()
    for one in monitored(site):
        if one.certificate is None:
            seen.append(one)
            if memory.is_due(_key_of(one, b""), UNREADABLE.severity, DAILY):
                where = one.file or "the configuration"
                yield Said(UNREADABLE, f"{where}: {one_line(one.problem)}")
            continue
        known = _key_of(one, one.certificate.der)
        if known not in met:  # the same file lies twice, or is a record, too
            met.add(known)
            seen.append(one)
            yield from _step(site, memory, settings, one, expiring)


def _step(
    site: Site,
    memory: Memory,
    settings: MonitorSettings,
    one: Monitored,
    expiring: list[Expiring],
) -> Iterator[Said]:
    certificate, now = one.certificate, site.clock.now()
    if certificate is None:
        return
    step = step_of(certificate.not_after, now, settings.start_days)
    if step is None:
        return
    expiring.append(Expiring(one.unit, one.name, one.file, certificate.not_after))
    message = message_of(one.name, one.unit, one.kind, certificate.not_after)
    key = _key_of(one, certificate.der)
    every = HOURLY if step.severity <= Severity.ALERT else settings.frequency
    if memory.is_new(key) and now <= certificate.not_after:
        yield Said(CERT_EXPIRY_APPROACHING, message)
    if memory.is_due(key, step.severity, every):
        yield Said(step, message)


def _key_of(one: Monitored, der: bytes) -> str:
    """By what it is remembered: the certificate as that unit; or the file."""
    content = der or one.file.encode() or one.unit.encode()
    about = hashlib.sha256(one.unit.encode() + b"\0" + content).hexdigest()
    return f"{'certificate' if der else 'unreadable'}:{about[:16]}"
