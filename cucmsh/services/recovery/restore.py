"""``utils disaster_recovery restore``: what a set holds comes back, nothing goes.

The order: the set's manifest is read and its key opened, its signature verified, what a
person must know is asked; then every file is fetched, held against the manifest and
opened, the phones' files into a folder beside their place. What would be served then is
composed on a draft of the node, and whoever may hold a list judges it. Only after a
typed yes the node is changed, as one: killed before that is decided, nothing has
changed; later, the next command of the node finishes it (``records.as_one``).

It restarts nothing and signs nothing: the next start of Cisco Tftp composes, by the
rule of ``acceptance`` over the united history.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple, Protocol

from cucmsh.alarms import DRF_RESTORE_COMPLETED, DRF_RESTORE_FAILURE
from cucmsh.config.settings import parse_settings
from cucmsh.errors import (
    CancelledError,
    ConfigurationError,
    CucmshError,
    KeyFileError,
    MissingFileError,
    RefusedError,
    UsageError,
    WrongPasswordError,
)
from cucmsh.layout import (
    BACKUP_JOBS,
    HISTORY,
    RECOVERY_FILE,
    RESTORE_STAGING,
    SECURITY_PASSWORD,
    SERVED_MODE,
)
from cucmsh.secret import Secret
from cucmsh.services.backends import RemoteFolder, SetKey
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.phones.preview import RESTART, Preview, preview
from cucmsh.services.records import as_one
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.as_one import CONFIGURATION
from cucmsh.services.recovery.apply import (
    Brought,
    earlier_folder,
    planned,
    put_back,
)
from cucmsh.services.recovery.contents import (
    HOME,
    MEMBER,
    TFTP,
    read_small,
    require_features,
)
from cucmsh.services.recovery.devices import find_device, folder_of
from cucmsh.services.recovery.jobs import (
    Job,
    Kind,
    Part,
    Result,
    jobs_with,
    keep_job,
)
from cucmsh.services.recovery.manifest import SUCCESS, Manifest, SetFile, Signed
from cucmsh.services.recovery.member import read_payload
from cucmsh.services.recovery.sets import checked_pieces, fetch_manifest
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.threads import meanwhile
from cucmsh.services.usecase import use_case
from cucmsh.storage import unpack

RESTORE = "utils disaster_recovery restore network"
NOT_RESTORED = "NOT RESTORED"  # however far it was fetched
SLIPS = (UsageError, MissingFileError, CancelledError, KeyboardInterrupt)
MOST_SMALL = 96 << 20  # bytes of a component that is opened in memory

Open = Callable[[Secret], SetKey]


class RestoreDialog(Protocol):
    """Who restores: is asked and told, in this order.

    What a method raises ends it; until ``changing`` nothing was changed.
    """

    def features(self, valid: str) -> str:
        """Which features shall be restored."""

    def own_password(self, refusal: WrongPasswordError, open_with: Open) -> SetKey:
        """The cluster's security password does not open the set: ask for its own."""

    def differs(self, lines: Sequence[str]) -> None:
        """The set is of another host or release: ask whether it is restored anyway.

        Raises:
            CancelledError: it is not.
        """

    def fetching(self) -> AbstractContextManager[Callable[[int], object]]:
        """The set is fetched in the body, which tells how many bytes came."""

    def agree(self, brought: Sequence[str], found: Preview | str) -> None:
        """Show what comes back and what would be served then; or why nothing would be.

        Raises:
            CancelledError: somebody does not agree.
        """

    def changing(self) -> AbstractContextManager[object]:
        """The body must not be interrupted."""


class Restored(NamedTuple):
    """What was done.

    Attributes:
        manifest: of the set.
        files: how many of the phones' files were written.
        kept_in: where files that were replaced are, relative to the home; empty if
            none was.
    """

    manifest: Manifest
    files: int
    kept_in: str


@use_case(RESTORE, changes=True, publisher_only=True, level=Privilege.ALL)
def restore(
    site: Site, server: str, label: str, device: str, dialog: RestoreDialog
) -> Restored:
    """Bring back a set.

    Args:
        site: this publisher.
        server: whose set, by the name of its host.
        label: of the set, with or without ``.tar``.
        device: name of the backup device.
        dialog: see ``RestoreDialog``.

    Raises:
        UsageError: there is no such device, label or feature.
        WrongPasswordError: no password opened the set.
        RefusedError: the set is damaged, or is not what its manifest says.
        CancelledError: somebody did not agree.
        CucmshError: nothing was changed; or, once it was agreed to, run it again.
    """
    label = label.removesuffix(".tar")
    at = find_device(site, device)
    with site.recovery_lock(RESTORE), site.cluster_lock(RESTORE):
        begun = int(site.clock.now().timestamp())
        job = Job(Kind.RESTORE, label, at.name, at.place, "MANUAL", begun, "UCM")
        run = _Run(site, job, dialog)
        sweep(site)
        run.clear()
        try:
            with folder_of(site, at) as folder:
                return run.run(folder, server, label)
        except BaseException as problem:
            run.failed(problem)
            raise
        finally:
            run.clear()


class _Run:
    def __init__(self, site: Site, job: Job, dialog: RestoreDialog) -> None:
        self._site = site
        self._job = job
        self._dialog = dialog

    def run(self, folder: RemoteFolder, server: str, label: str) -> Restored:
        site, dialog = self._site, self._dialog
        signed = fetch_manifest(folder, label, server)
        key, own_password = self._opened(signed)
        manifest = signed.manifest
        require_features(dialog.features(f"{server} are UCM:UCM"))
        self._compare(manifest)
        with dialog.fetching() as came:
            brought = [
                self._fetch(folder, manifest, file, key, came)
                for file in manifest.files
                if not file.problem
            ]
        parts = [part for part in brought if part is not None]
        whole = _joined(site, parts, own_password)
        dialog.agree(_told(manifest, whole), self._preview(whole))
        with dialog.changing():
            job = self._ended(Result.SUCCESS)
            beside = {BACKUP_JOBS: jobs_with(site, job)}
            label, phone_files = manifest.stamp, self._phone_files
            done = put_back(site, whole, label, phone_files, beside)
            self._job = job
        if done.site is not site:
            site.follow(done.site.settings)
        tell(site, DRF_RESTORE_COMPLETED, "")
        return Restored(manifest, done.files, done.kept_in)

    def failed(self, problem: BaseException) -> None:
        """Note it, unless it was a slip of who typed: nothing was begun then."""
        if not self._job.parts and isinstance(problem, SLIPS):
            return
        reason = getattr(problem, "message", "") or "it was interrupted"
        is_cancelled = isinstance(problem, CancelledError | KeyboardInterrupt)
        self._end(Result.CANCELED if is_cancelled else Result.ERROR, reason)
        if not is_cancelled:
            tell(self._site, DRF_RESTORE_FAILURE, reason)

    def clear(self) -> None:
        """Remove what was unpacked, unless it is to be put in place."""
        if self._site.node.has_tftp and not as_one.is_open(self._site.home):
            unpack.remove(self._staging)

    @property
    def _phone_files(self) -> str:
        """Where they were unpacked; empty if none was."""
        if not self._site.node.has_tftp or not os.path.isdir(self._staging):
            return ""
        return self._staging

    @property
    def _staging(self) -> str:
        return os.path.join(self._site.tftp.root, RESTORE_STAGING)

    def _opened(self, signed: Signed) -> tuple[SetKey, Secret | None]:
        """The set's key, whose signature is verified; the set's own password if typed.

        Raises:
            RefusedError: the signature is not of it.
        """
        site, typed = self._site, None
        pem = signed.manifest.key

        def opened(password: Secret) -> SetKey:
            nonlocal typed
            key = site.backends.open_set_key(pem, password)
            typed = password
            return key

        present = Secret(as_one.read(site.home, SECURITY_PASSWORD).decode())
        try:
            key = site.backends.open_set_key(pem, present)
        except WrongPasswordError as refusal:
            key = self._dialog.own_password(refusal, opened)
        if not key.has_signed(signed.body, signed.signature):
            raise RefusedError(
                f"{signed.manifest.name} was changed after it was signed",
                "Take another set.",
            )
        return key, typed

    def _compare(self, manifest: Manifest) -> None:
        site, lines = self._site, []
        release = site.settings.profile.release
        for what, theirs, ours in (
            ("host name", manifest.host, site.node.name),
            ("domain", manifest.domain, site.settings.cluster.domain),
            ("release", manifest.release, release),
        ):
            if theirs != ours:
                lines.append(f"The {what} of the backup is {theirs}, here it is {ours}")
        if lines:
            self._dialog.differs(lines)

    def _fetch(
        self,
        folder: RemoteFolder,
        manifest: Manifest,
        file: SetFile,
        key: SetKey,
        came: Callable[[int], object],
    ) -> _Fetched | None:
        """One component: in memory, or unpacked where it has the phones' files."""
        at = (file.server, file.component)
        self._note(at, "ACTIVE")
        pieces = checked_pieces(folder, manifest.stamp, file, came)
        found: _Fetched | None = None
        try:
            if file.component != TFTP:
                files = read_small(_in_memory(key, pieces))
                found = _Fetched(file.server, files)
            elif file.server == manifest.host and self._site.node.has_tftp:
                self._unpack(key, pieces)
        except (MissingFileError, KeyFileError) as problem:
            raise RefusedError(
                f"{file.name(manifest.stamp)} of the set: {problem.message}",
                "Take another set; this one is damaged.",
            ) from problem
        self._note(at, SUCCESS)
        return found

    def _unpack(self, key: SetKey, pieces: Iterable[bytes]) -> None:
        """Through a pipe: one side gives bytes, the other takes them."""
        ends = os.pipe()

        def unpacking() -> None:
            with open(ends[0], "rb", buffering=1 << 16) as stream:
                unpack.unpack(stream, self._staging, SERVED_MODE)
                while stream.read(1 << 16):  # what pads the end
                    pass

        finish = meanwhile(unpacking)
        try:
            with open(ends[1], "wb", buffering=0) as target:
                key.decrypt(pieces, target.write)
        except BrokenPipeError:
            finish()  # which says why
            raise
        except BaseException:
            with suppress(CucmshError):
                finish()
            raise
        finish()

    def _preview(self, whole: Sequence[Brought]) -> Preview | str:
        """Who takes what would be served; or why nothing would."""
        draft = planned(self._site, whole, earlier_folder(self._site))
        if not draft.node.has_tftp:
            return f"{draft.node.name} does not run Cisco Tftp, so it serves no list"
        try:
            return preview(draft, RESTART)
        except CucmshError as problem:
            return problem.message

    def _note(self, at: tuple[str, str], status: str) -> None:
        date = int(self._site.clock.now().timestamp())
        self._job = self._job.with_part(Part(*at, status, date))
        keep_job(self._site, self._job)

    def _end(self, result: Result, reason: str = "") -> None:
        self._job = self._ended(result, reason)
        keep_job(self._site, self._job)

    def _ended(self, result: Result, reason: str = "") -> Job:
        ended = int(self._site.clock.now().timestamp())
        job = self._job._replace(result=result, reason=reason, ended=ended)
        if result is Result.SUCCESS:
            return job._replace(percent=100)
        parts = (part._replace(status=NOT_RESTORED) for part in job.parts)
        return job._replace(parts=tuple(parts))


class _Fetched(NamedTuple):
    """The files of a component of a server, by their names in its tar."""

    server: str
    files: dict[str, bytes]


def _in_memory(key: SetKey, pieces: Iterable[bytes]) -> bytes:
    """What was encrypted, of a component that is small."""
    raw = bytearray()

    def take(piece: bytes) -> None:
        if len(raw) + len(piece) > MOST_SMALL:
            raise RefusedError("a component of the set is too large to be restored")
        raw.extend(piece)

    key.decrypt(pieces, take)
    return bytes(raw)


def _joined(
    site: Site, parts: Sequence[_Fetched], own_password: Secret | None
) -> list[Brought]:
    """What is to be brought back: of the publisher first, then what members told."""
    own: dict[str, bytes] = {}
    members = []
    for part in parts:
        if MEMBER in part.files:
            outer = part.files[MEMBER]
            members.append(read_payload(_payload(outer)))
        else:
            own |= part.files
    recovery = None
    raw = own.get(f"{HOME}{RECOVERY_FILE}")
    if raw is not None:
        recovery = Keystore(site).open_key_file(raw, own_password)
    found = _of_configuration(own.get(CONFIGURATION, b""))
    publisher = found._replace(files=own, recovery=recovery)
    return [publisher, *members]


def _payload(outer: bytes) -> str:
    """What a member told; its seal is not needed: the set is signed."""
    try:
        return str(json.loads(outer)["payload"])
    except (ValueError, KeyError, TypeError) as problem:
        raise RefusedError("a member told nothing that can be read") from problem


def _of_configuration(raw: bytes) -> Brought:
    """The nodes of the set's configuration.

    Raises:
        RefusedError: it cannot be read.
    """
    try:
        cluster = tomllib.loads(raw.decode())["cluster"]
        settings = parse_settings(raw, CONFIGURATION, is_copy=True)
        entries = [dict(entry) for entry in cluster["nodes"]]
    except (ValueError, KeyError, TypeError, ConfigurationError) as problem:
        raise RefusedError(f"the set's configuration is unusable: {problem}") from (
            problem
        )
    about = settings.cluster
    records = [(int(at.role), at.certificate) for at in about.records]
    return Brought({}, entries, {}, records, about.sast_records)


def _told(manifest: Manifest, whole: Sequence[Brought]) -> list[str]:
    """What comes back, for a person."""
    nodes = sorted({str(at["name"]) for part in whole for at in part.entries})
    lists = {
        name
        for part in whole
        for name in part.files
        if name.startswith(f"{HOME}{HISTORY}/")
    }
    lost = [f"{at.server} ({at.problem})" for at in manifest.files if at.problem]
    what = f"Backup of {manifest.host} from {manifest.stamp} UTC"
    nodes_there = f"nodes {', '.join(nodes)}; {len(lists)} lists that were served"
    lines = [f"{what}, by cucmsh {manifest.program}: {nodes_there}"]
    if lost:
        lines.append(f"Not in it: {', '.join(lost)}")
    return lines
