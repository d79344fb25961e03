"""``utils disaster_recovery backup``: a set on a device, proven before an old one goes.

Each component is packed, encrypted and sent as it is read, so that no copy of it lies
on this disk and memory does not grow with it. All files are read back and compared;
then the signed manifest is written, without which nothing there is a set. A backup that
is killed leaves files without a manifest, which the next one to that device removes.

The publisher backs up itself, and of each subscriber what that tells: its entry, its
certificates and the lists that it served. Private keys never leave their node
(docs/decisions/006), so a subscriber that is lost is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from cucmsh import __version__
from cucmsh.alarms import DRF_BACKUP_COMPLETED, DRF_BACKUP_FAILURE
from cucmsh.errors import CancelledError, CucmshError, RefusedError
from cucmsh.layout import CANCELLED
from cucmsh.services.backends import RemoteFolder, SetKey
from cucmsh.services.lists.member_hooks import hook_on
from cucmsh.services.nodes.node_id import own_id
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.recovery.contents import (
    DATABASE,
    FEATURE,
    MEMBER,
    TFTP,
    Entry,
    entry_of,
    estimated_bytes,
    own_parts,
    require_features,
    tar_pieces,
    tftp_part,
)
from cucmsh.services.recovery.devices import Device, find_device, folder_of
from cucmsh.services.recovery.jobs import (
    Job,
    Kind,
    Part,
    Result,
    is_running,
    keep_job,
    read_jobs,
)
from cucmsh.services.recovery.manifest import (
    SUCCESS,
    Manifest,
    SetFile,
    body_of,
    with_signature,
)
from cucmsh.services.recovery.sets import checked_pieces, read_bounded, retain
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

BACKUP = "utils disaster_recovery backup network"
CANCEL_SECONDS = 60
TELL_SECONDS = 120  # for a member to tell what it served
STAMP_FORM = "%Y-%m-%d-%H-%M-%S"

Told = Callable[[Job], object]


class BackedUp(NamedTuple):
    """What was done.

    Attributes:
        job: how it ended.
        removed: labels of the sets that went.
    """

    job: Job
    removed: tuple[str, ...]


@use_case(BACKUP, changes=True, publisher_only=True)
def back_up(
    site: Site,
    features: str,
    device: str,
    told: Told = lambda _: None,
    operation: str = "MANUAL",
) -> BackedUp:
    """Make a set.

    Args:
        site: this publisher.
        features: ``UCM``.
        device: name of a backup device.
        told: called at each step.
        operation: ``MANUAL``, or ``SCHEDULED``.

    Raises:
        UsageError: no such feature or device.
        BusyError: another backup or restore is under way.
        CancelledError: somebody cancelled it.
        CucmshError: there is no new set; those that were there are untouched.
    """
    require_features(features)
    to = find_device(site, device)
    with site.recovery_lock(BACKUP):
        forget(site.home, CANCELLED)
        now = site.clock.now()
        begun = int(now.timestamp())
        job = Job(Kind.BACKUP, "", to.name, to.place, operation, begun, FEATURE)
        run = _Run(site, to, job, told)
        try:
            return run.run(now)
        except BaseException as problem:
            run.failed(problem)
            raise


@use_case("utils disaster_recovery cancel_backup", changes=True, publisher_only=True)
def cancel_backup(site: Site) -> Job:
    """Have the running backup stop at its next piece, and wait until it has.

    Raises:
        RefusedError: none runs; or it was done before it saw that.
        BusyError: it has not stopped in a minute; it will at its next piece.
    """
    jobs = read_jobs(site, Kind.BACKUP)
    runs = jobs and jobs[-1].result is Result.IN_PROGRESS
    if not runs or not is_running(site):
        raise RefusedError("no backup is running")
    remember(site.home, CANCELLED, {"begun": jobs[-1].begun})
    with site.recovery_lock("cancel_backup", CANCEL_SECONDS):
        last = read_jobs(site, Kind.BACKUP)[-1]
    if last.result is not Result.CANCELED:
        raise RefusedError(f"the backup had ended before that: {last.result}")
    return last


def estimate(site: Site, features: str) -> int:
    """About how many bytes a backup of these features has.

    Raises:
        UsageError: there is no such feature.
    """
    require_features(features)
    return estimated_bytes(site)


class _Run:
    """One backup under the lock."""

    def __init__(self, site: Site, device: Device, job: Job, told: Told) -> None:
        self._site = site
        self._device = device
        self._job = job
        self._told = told
        self._whole = max(estimated_bytes(site), 1)
        self._done = 0

    def run(self, now: datetime) -> BackedUp:
        site = self._site
        own_id(site)  # a home of an earlier version has none yet, and the set needs it
        own = own_parts(site)
        key = site.backends.make_set_key(own.password)
        with folder_of(site, self._device) as folder:
            self._remove_left_over(folder)
            stamp = _free_stamp(folder, now)
            self._keep(self._job._replace(label=stamp))
            files = [
                *self._send_own(folder, key, stamp, own.entries),
                *self._send_members(folder, key, stamp),
            ]
            for file in files:
                self._prove(folder, stamp, file)
            self._require_not_cancelled()
            manifest = self._manifest(stamp, files, key)
            body = body_of(manifest)
            whole = with_signature(body, key.sign(body))
            with folder.writing(manifest.name) as take:
                take(whole)
            if read_bounded(folder, manifest.name) != whole:
                folder.remove(manifest.name)
                raise RefusedError(f"the server gave back another {manifest.name}")
            is_whole = not any(file.problem for file in files)
            removed = retain(site, folder, self._device, stamp) if is_whole else []
        result = Result.SUCCESS if is_whole else Result.PARTIAL
        self._end(result)
        if is_whole:
            tell(site, DRF_BACKUP_COMPLETED, "")
        else:
            lost = [file for file in files if file.problem]
            tell(site, DRF_BACKUP_FAILURE, f"{lost[0].server}: {lost[0].problem}")
        return BackedUp(self._job, tuple(removed))

    def failed(self, problem: BaseException) -> None:
        """Note it; what it raises itself is lost behind the problem."""
        reason = getattr(problem, "message", "") or "it was interrupted"
        is_cancelled = isinstance(problem, CancelledError | KeyboardInterrupt)
        self._end(Result.CANCELED if is_cancelled else Result.ERROR, reason)
        if not is_cancelled:
            tell(self._site, DRF_BACKUP_FAILURE, reason)

    def _send_own(
        self,
        folder: RemoteFolder,
        key: SetKey,
        stamp: str,
        own: Mapping[str, Iterable[Entry]],
    ) -> Iterable[SetFile]:
        site = self._site
        parts = dict(own)
        if site.node.has_tftp:
            parts[TFTP] = tftp_part(site)
        for component, entries in parts.items():
            yield self._send(folder, key, stamp, (site.node.name, component), entries)

    def _send_members(
        self, folder: RemoteFolder, key: SetKey, stamp: str
    ) -> Iterable[SetFile]:
        for node in self._site.settings.cluster.members:
            if node.name == self._site.node.name:
                continue
            at = (node.name, DATABASE)
            try:
                with self._site.link_to(node) as link:
                    said = hook_on(link, node, "tell-cluster", seconds=TELL_SECONDS)
            except CucmshError as problem:
                self._note(at, f"ERROR: {problem.message}")
                yield SetFile(node.name, FEATURE, DATABASE, 0, "", problem.message)
                continue
            entry = entry_of(MEMBER, said.encode())
            yield self._send(folder, key, stamp, at, [entry])

    def _send(
        self,
        folder: RemoteFolder,
        key: SetKey,
        stamp: str,
        at: tuple[str, str],
        entries: Iterable[Entry],
    ) -> SetFile:
        server, component = at
        self._note(at, "ACTIVE")
        digest, size = sha256(), 0
        file = SetFile(server, FEATURE, component, 0, "")
        with folder.writing(file.name(stamp)) as take:

            def send(piece: bytes) -> None:
                nonlocal size
                digest.update(piece)
                size += len(piece)
                self._count(len(piece))
                take(piece)

            key.encrypt(tar_pieces(entries), send)
        return file._replace(size=size, sha256=digest.hexdigest())

    def _prove(self, folder: RemoteFolder, stamp: str, file: SetFile) -> None:
        if file.problem:
            return
        for _ in checked_pieces(folder, stamp, file, self._count):
            pass
        self._note((file.server, file.component), SUCCESS)

    def _count(self, size: int) -> None:
        """So many bytes more were sent or read back; asks now and then to go on."""
        before, self._done = self._done >> 22, self._done + size
        if before != self._done >> 22:
            self._require_not_cancelled()
            percent = min(99, 50 * self._done // self._whole)
            if percent != self._job.percent:
                self._keep(self._job._replace(percent=percent))

    def _require_not_cancelled(self) -> None:
        if recall(self._site.home, CANCELLED).get("begun") == self._job.begun:
            raise CancelledError("The backup was cancelled; there is no new set.")

    def _remove_left_over(self, folder: RemoteFolder) -> None:
        """Files of backups of ours that were killed: they have no manifest."""
        there = folder.sizes()
        for job in read_jobs(self._site, Kind.BACKUP):
            mine = f"{job.label}_"
            if (
                job.label
                and job.device == self._device.name
                and job.result not in (Result.SUCCESS, Result.PARTIAL)
                and not any(
                    name.startswith(mine) and name.endswith(".xml") for name in there
                )
            ):
                members = self._site.settings.cluster.members
                for node in members:
                    for name in there:
                        if name.startswith(f"{mine}{node.name}_{FEATURE}_"):
                            folder.remove(name)

    def _manifest(self, stamp: str, files: list[SetFile], key: SetKey) -> Manifest:
        site = self._site
        return Manifest(
            stamp,
            site.node.name,
            own_id(site),
            site.settings.cluster.domain,
            site.settings.profile.release,
            __version__,
            tuple(files),
            key.pem,
        )

    def _note(self, at: tuple[str, str], status: str) -> None:
        date = int(self._site.clock.now().timestamp())
        self._keep(self._job.with_part(Part(*at, status, date)))

    def _end(self, result: Result, reason: str = "") -> None:
        job = self._job._replace(
            result=result,
            reason=reason,
            ended=int(self._site.clock.now().timestamp()),
        )
        is_done = result in (Result.SUCCESS, Result.PARTIAL)
        self._keep(job._replace(percent=100) if is_done else job)

    def _keep(self, job: Job) -> None:
        self._job = job
        keep_job(self._site, job)
        self._told(job)


def _free_stamp(folder: RemoteFolder, now: datetime) -> str:
    """The time, or a second later: no file there begins with it."""
    there = folder.sizes()
    while any(name.startswith(f"{now.strftime(STAMP_FORM)}_") for name in there):
        now += timedelta(seconds=1)
    return now.strftime(STAMP_FORM)
