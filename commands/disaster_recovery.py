"""Backup sets on SFTP servers: devices, backups, schedules, restores."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from commands.questions import host_key_question, require_yes
from cucmsh import services, views
from cucmsh.errors import UsageError, WrongPasswordError
from cucmsh.hosts import split_host
from cucmsh.secret import Secret
from cucmsh.services.backends import BackupServer
from cucmsh.services.site import Site
from cucmsh.shell.answers import open_by_own_password
from cucmsh.shell.command import command
from cucmsh.shell.dialog import Dialog
from cucmsh.shell.parameter_types import (
    HOST,
    NUMBER,
    PATH,
    USER,
    WORD,
    ParameterType,
)

if TYPE_CHECKING:
    from cucmsh.services.backends import SetKey
    from cucmsh.services.phones.preview import Preview

SURE = "Are you sure you want to cancel the backup (yes/no)? "
LABELLED = ParameterType(
    "letters, digits, blanks, - and _ (or * alone)",
    lambda text: text == "*" or bool(re.fullmatch("[A-Za-z0-9 _-]{1,64}", text)),
)
REPEAT = ParameterType(
    "once, daily, weekly or monthly",
    lambda text: text in ("once", "daily", "weekly", "monthly"),
)
ESTIMATED = (
    "Estimated tar size successfully: Estimated size of backup for selected "
    "feature(s) is {:.2f} MB."
)


def devices(site: Site) -> list[str]:
    """The backup devices, for completion."""
    return services.device_names(site)


def schedules(site: Site) -> list[str]:
    """The schedules, for completion."""
    return services.schedule_names(site)


def features(_: Site) -> list[str]:
    """The one feature, for completion."""
    return ["UCM"]


@command(
    "utils disaster_recovery device add network "
    "<name> <path> <server> <user> [number_of_backups]",
    of=lambda: services.add_device,
    has_json=True,
    kinds={
        "name": LABELLED,
        "path": PATH,
        "server": HOST,
        "user": USER,
        "number_of_backups": NUMBER,
    },
)
def device_add(dialog: Dialog, site: Site, *words: str) -> None:
    """Add an SFTP directory for backup sets.

    A probe file is written there and removed; the password is kept on this node.

    name: letters, digits, blanks, - and _
    path: a directory there
    server: its host; host:port for another port than 22
    user: the account there
    number_of_backups: how many sets are kept there; 2 if left out

    Example:
    utils disaster_recovery device add network weekly /backup sftp.example.org joe 3
    """
    name, path, server, user, *number = words
    host, port = split_host(server)
    kept = int("".join(number)[:4] or 2)
    services.require_addable(site, name, kept)
    password = dialog.ask_secret("Please enter SFTP password: ", mask="*")
    server_there = BackupServer(host, port, user, password)
    device = services.Device(name, path, server_there, kept)
    with dialog.working(lambda: f"Waiting for {host}..."):
        services.add_device(site, device, host_key_question(dialog, host))
    dialog.result(
        lambda: [f"Backup device {name} has been added successfully."],
        lambda: {"devices": [views.device_document(device)]},
    )


@command(
    "utils disaster_recovery device delete <name>",
    of=lambda: services.delete_device,
    has_json=True,
    candidates={"name": devices},
    kinds={"name": LABELLED},
)
def device_delete(dialog: Dialog, site: Site, name: str) -> None:
    """Forget a backup device; the sets that lie there stay.

    name: of the device; * for all

    Example:
    utils disaster_recovery device delete weekly
    """
    gone = services.delete_device(site, name)
    dialog.result(
        lambda: [f"Backup device {at} has been deleted successfully." for at in gone],
        lambda: {"deleted": gone},
    )


@command("utils disaster_recovery device list", has_json=True)
def device_list(dialog: Dialog, site: Site) -> None:
    """List the backup devices.

    Example:
    utils disaster_recovery device list
    """
    found = services.read_devices(site)
    dialog.result(
        lambda: views.device_lines(found),
        lambda: {"devices": [views.device_document(each) for each in found]},
    )


@command(
    "utils disaster_recovery backup network <features> <device>",
    of=lambda: services.back_up,
    candidates={"features": features, "device": devices},
    kinds={"features": WORD, "device": LABELLED},
    has_json=True,
)
def backup_network(dialog: Dialog, site: Site, wanted: str, device: str) -> int:
    """Back up this cluster, and read the set back.

    Other than in the original the command ends when the backup does. What is in it:
    this publisher's keys, lists and phone files; of a subscriber its certificates and
    the lists that it served, but no private key.

    features: UCM
    device: a backup device

    Example:
    utils disaster_recovery backup network UCM weekly
    """
    last: list[services.Job] = []

    def working() -> str:
        return f"Backing up: {last[-1].percent} %" if last else "Backing up..."

    with dialog.working(working):
        done = services.back_up(site, wanted, device, last.append)
    dialog.result(
        lambda: views.backup_lines(done.job, done.removed),
        lambda: {**views.job_document(done.job), "removed": list(done.removed)},
    )
    return 0 if done.job.result == "SUCCESS" else 3


@command(
    "utils disaster_recovery cancel_backup [confirm]",
    of=lambda: services.cancel_backup,
    has_json=True,
    candidates={"confirm": lambda _: ["confirm"]},
    kinds={"confirm": WORD},
)
def cancel_backup(dialog: Dialog, site: Site, confirm: str = "") -> None:
    """Stop the backup that another session runs.

    confirm: the word itself: no question is asked

    Example:
    utils disaster_recovery cancel_backup
    """
    if confirm not in ("", "confirm"):
        raise UsageError("Only the word confirm may stand there.")
    if not confirm:
        require_yes(dialog, SURE)
    dialog.say("Cancelling backup...")
    job = services.cancel_backup(site)
    dialog.result(
        lambda: ["Backup cancelled successfully."],
        lambda: {"job": views.job_document(job)},
    )


@command("utils disaster_recovery status backup|restore", has_json=True)
def status(dialog: Dialog, site: Site, what: str) -> None:
    """Show how far a backup or restore is, or how the last one ended.

    backup: the last backup
    restore: the last restore

    Example:
    utils disaster_recovery status backup
    """
    kind = services.Kind(what)
    jobs = services.read_jobs(site, kind)
    runs = services.is_running(site)
    dialog.result(
        lambda: (
            views.job_lines(jobs[-1], is_running=runs)
            if jobs
            else [f"drfCliMsg: No {kind} status available"]
        ),
        lambda: {"job": views.job_document(jobs[-1]) if jobs else None},
    )


@command("utils disaster_recovery history backup|restore", has_json=True)
def history(dialog: Dialog, site: Site, what: str) -> None:
    """Show the last twenty backups or restores.

    backup: backups
    restore: restores

    Example:
    utils disaster_recovery history backup
    """
    jobs = services.read_jobs(site, services.Kind(what))
    dialog.result(
        lambda: views.history_lines(jobs),
        lambda: {"jobs": [views.job_document(job) for job in jobs]},
    )


@command(
    "utils disaster_recovery estimate_tar_size <features>",
    candidates={"features": features},
    kinds={"features": WORD},
    has_json=True,
)
def estimate_tar_size(dialog: Dialog, site: Site, wanted: str) -> None:
    """Show how large a backup would be, without the other members.

    features: UCM

    Example:
    utils disaster_recovery estimate_tar_size UCM
    """
    size = services.estimate(site, wanted)
    dialog.result(
        lambda: [ESTIMATED.format(size / (1 << 20))],
        lambda: {"bytes": size},
    )


@command(
    "utils disaster_recovery show_backupfiles <device>",
    of=lambda: services.find_sets,
    candidates={"device": devices},
    kinds={"device": LABELLED},
    has_json=True,
)
def show_backupfiles(dialog: Dialog, site: Site, device: str) -> None:
    """Show the sets on a backup device; what is not whole says why.

    device: a backup device

    Example:
    utils disaster_recovery show_backupfiles weekly
    """
    with dialog.working(lambda: f"Waiting for {device}..."):
        found = services.find_sets(site, device)
    dialog.result(
        lambda: views.set_lines(found),
        lambda: {"sets": [views.set_document(each) for each in found]},
    )


@command(
    "utils disaster_recovery schedule add <name> <device> <features> <time> <repeat>",
    of=lambda: services.add_schedule,
    has_json=True,
    candidates={
        "device": devices,
        "features": features,
        "repeat": lambda _: list(services.Repeat),
    },
    kinds={
        "name": LABELLED,
        "device": LABELLED,
        "features": WORD,
        "time": WORD,
        "repeat": REPEAT,
    },
)
def schedule_add(dialog: Dialog, site: Site, *words: str) -> None:
    """Have backups made at times; the schedule is disabled until it is enabled.

    name: letters, digits, blanks, - and _
    device: a backup device
    features: UCM
    time: the first one, yyyy/mm/dd-hh:mm, UTC
    repeat: once, daily, weekly or monthly (on the last day of a month that is shorter)

    Example:
    utils disaster_recovery schedule add nightly weekly UCM 2026/12/02-03:30 daily
    """
    name, device, wanted, time, repeat = words
    first = services.read_time(time)
    made = services.Schedule(name, device, wanted, first, services.Repeat(repeat))
    services.add_schedule(site, made)
    dialog.result(
        lambda: ["Schedule has been saved successfully."],
        lambda: {"schedules": [views.schedule_document(made)]},
    )


@command(
    "utils disaster_recovery schedule enable|disable|delete <name>",
    of=lambda: services.change_schedule,
    has_json=True,
    candidates={"name": schedules},
    kinds={"name": LABELLED},
)
def schedule_change(dialog: Dialog, site: Site, verb: str, name: str) -> None:
    """Enable, disable or delete a schedule.

    enable: it runs from its next time on
    disable: it does not run
    delete: it is forgotten
    name: of the schedule

    Example:
    utils disaster_recovery schedule enable nightly
    """
    left = services.change_schedule(site, verb, name)
    what = {
        "enable": "Schedule enabled",
        "disable": "Schedule disabled",
        "delete": "Schedules deleted",
    }
    dialog.result(
        lambda: [f"{what[verb]} successfully."],
        lambda: {"schedules": [views.schedule_document(each) for each in left]},
    )


@command("utils disaster_recovery schedule list", has_json=True)
def schedule_list(dialog: Dialog, site: Site) -> None:
    """List the schedules.

    Example:
    utils disaster_recovery schedule list
    """
    found = services.read_schedules(site)
    dialog.result(
        lambda: views.schedule_lines(found),
        lambda: {"schedules": [views.schedule_document(each) for each in found]},
    )


@command(
    "utils disaster_recovery prepare restore pub_from_sub",
    of=lambda: services.prepare_from_subscriber,
    has_json=True,
)
def prepare_restore(dialog: Dialog, site: Site) -> None:
    """Have the first subscriber that is added bring back what it knows.

    For a publisher that was made anew without a backup. Run it before `cucmsh node
    add`; that then fetches the nodes, the certificates and the lists that were served.

    Example:
    utils disaster_recovery prepare restore pub_from_sub
    """
    services.prepare_from_subscriber(site)
    dialog.result(
        lambda: views.prepared_lines(helpful=dialog.helpful),
        lambda: {"node": site.node.name, "state": "prepared"},
    )


@command(
    "utils disaster_recovery restore network <server> <tar> <device>",
    of=lambda: services.restore,
    candidates={"device": devices},
    kinds={"server": HOST, "tar": WORD, "device": LABELLED},
    has_json=True,
)
def restore_network(
    dialog: Dialog, site: Site, server: str, tar: str, device: str
) -> None:
    """Bring back a backup of this publisher; nothing that is there goes.

    Keys of a publisher that was made anew are replaced, and kept; lists that were
    served are added to those that are known. What would be served is shown first.
    Killed, it changed nothing, or the next command finishes it.

    server: the host whose backup it is
    tar: the label, as `show_backupfiles` shows it
    device: a backup device

    Example:
    utils disaster_recovery restore network pub 2026-12-01-03-30-00 weekly
    """
    shown = _OnScreen(dialog, site)
    done = services.restore(site, server, tar, device, shown)
    kept_in = done.kept_in

    def lines() -> Iterator[str]:
        yield "Restore completed successfully."
        yield f"{done.files} files of phones were written."
        if kept_in:
            yield f"What was replaced is in {site.settings.home}/{kept_in}."
        yield "Now: utils service restart Cisco Tftp"

    dialog.result(
        lines,
        lambda: {
            "tar": f"{done.manifest.stamp}.tar",
            "host": done.manifest.host,
            "files": done.files,
            "kept_in": kept_in or None,
        },
    )


class _OnScreen:
    """A ``RestoreDialog`` at the prompt."""

    def __init__(self, dialog: Dialog, site: Site) -> None:
        self._dialog = dialog
        self._site = site
        self._came = 0

    def features(self, valid: str) -> str:
        return self._dialog.ask(
            "Enter the comma separated features you wish to restore. Valid features "
            f"for server {valid}."
        )

    def own_password(
        self, refusal: WrongPasswordError, open_with: Callable[[Secret], SetKey]
    ) -> SetKey:
        return open_by_own_password(
            self._dialog,
            refusal,
            open_with,
            "Enter security password of the time of the backup :",
        )

    def differs(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._dialog.say(line)
        require_yes(self._dialog, "Do you want to restore it all the same (yes/no)? ")

    @contextmanager
    def fetching(self) -> Iterator[Callable[[int], object]]:
        def came(size: int) -> None:
            self._came += size

        def waiting() -> str:
            return f"Fetched and checked {self._came >> 20} MB..."

        with self._dialog.working(waiting):
            yield came

    def agree(self, brought: Sequence[str], found: Preview | str) -> None:
        for line in brought:
            self._dialog.say(line)
        if isinstance(found, str):
            self._dialog.say(f"What would be served then: {found}")
        else:
            for line in views.preview_lines(found):
                self._dialog.say(line)
        require_yes(self._dialog, "Do you want to restore this (yes/no)? ")

    def changing(self) -> AbstractContextManager[object]:
        return self._dialog.uninterrupted()
