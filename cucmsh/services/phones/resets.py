"""``utils phone reset`` and ``restart``: phones are told, in batches, at a rate.

A batch is told, then waited for, so that one TFTP server, one Asterisk and one help
desk never meet all phones at once. Whoever is not told when it ends, by Ctrl-C, by a
connection that broke or because nobody came back, is in a note and told when the
command is typed again (``reset_journal``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from time import monotonic, sleep
from typing import NamedTuple, Protocol

from cucmsh.errors import (
    CancelledError,
    ConnectionFailedError,
    CucmshError,
    RefusedError,
    UsageError,
)
from cucmsh.phones.claims import UNPROVEN
from cucmsh.phones.known import Known, PhoneState, Wanted
from cucmsh.phones.service_control import PhoneAction
from cucmsh.services.phones.inventory import DAY, require_inventory
from cucmsh.services.phones.open_store import has_inventory, open_inventory
from cucmsh.services.phones.reset_journal import OpenResets, note, read_open
from cucmsh.services.phones.reset_way import ResetWay, Target, open_way, require_way
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

ALL, STALE = "all", "stale"
LOOK_SECONDS = 2.0  # between two looks at who came back


class PhoneResets(NamedTuple):
    """What became of it.

    Attributes:
        action: what phones were told.
        phones: how many were to be told.
        told: how many were.
        failed: why some could not be told, by name.
        returned: how many are known to have come back.
        silent: names of those that are not, though they were waited for.
        left: names of those that were not told; the next call goes on with them.
        stopped: why it ended early; empty if it did not.
    """

    action: PhoneAction
    phones: int
    told: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    returned: int = 0
    silent: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def exit_status(self) -> int:
        """0 if all were told and, where they were waited for, came back."""
        if not (self.failed or self.silent or self.left):
            return 0
        return 3 if self.told else 1


class PhoneResetDialog(Protocol):
    """What a reset of phones asks and tells."""

    def goes_on(self, begun: OpenResets) -> bool:
        """Whether what was begun earlier is to be gone on with."""

    def agree(
        self, action: PhoneAction, phones: int, seconds: int, unproven: int
    ) -> None:
        """Have it agreed to.

        Args:
            action: what phones are told.
            phones: how many.
            seconds: how long telling them takes at least.
            unproven: how many of them nobody named but the sender of an alarm or
                REGISTER, whom nobody checked; they may be none.

        Raises:
            CancelledError: the person does not agree.
        """

    def telling(self) -> AbstractContextManager[Callable[[], None]]:
        """For the work; what it gives raises CancelledError after Ctrl-C."""

    def progress(self, done: PhoneResets) -> None:
        """So much is done."""


@use_case("utils phone reset", changes=True)
def reset_phones(
    site: Site, action: PhoneAction, which: str, dialog: PhoneResetDialog
) -> PhoneResets:
    """Tell phones, and wait for them.

    Args:
        site: this node.
        action: what to tell them.
        which: ``all`` that the inventory knows, ``stale`` ones, or one by name.
        dialog: asks, and shows how far it is.

    Raises:
        RefusedError: nothing says how phones are told, or there are none.
        BusyError: another such command is under way.
        CucmshError: Asterisk or the inventory cannot be reached; nobody was told.
    """
    require_way(site, action)
    with site.phones_lock(f"utils phone {action.value}"):
        begun = read_open(site)
        if begun is None or not dialog.goes_on(begun):
            names = phones_named(site, which)
            at = site.clock.now().isoformat(timespec="seconds")
            begun = OpenResets(action, which, at, len(names), names)
        if not begun.left:
            raise RefusedError(
                "no phone is stale"
                if begun.which == STALE
                else "there is no phone in the inventory"
            )
        settings = site.settings.phones
        seconds = len(begun.left) // settings.per_second
        unproven = _unproven(site, begun.left)
        dialog.agree(begun.action, len(begun.left), seconds, unproven)
        with open_way(site, begun.action) as way:
            note(site, begun)
            return _Telling(site, begun, way, dialog).run()


def phones_named(site: Site, which: str) -> tuple[str, ...]:
    """The names of those phones.

    Raises:
        UsageError: it is neither all nor stale nor a phone's name.
        MissingFileError: for all and stale: nothing was recorded of phones.
        StoreError: the inventory cannot be read.
    """
    if which not in (ALL, STALE):
        name = which.upper()
        if len(name) != 15 or not name.startswith("SEP") or not _is_hex(name[3:]):
            raise UsageError(
                "which must be all, stale or a phone's name",
                "A phone's name is SEP and the twelve digits of its MAC address.",
            )
        return (name,)
    require_inventory(site)
    days = site.settings.inventory.stale_days
    before = int(site.clock.now().timestamp()) - days * DAY
    state = PhoneState.STALE if which == STALE else None
    with open_inventory(site) as store:
        known = Known(frozenset(), stale_before=before)
        return tuple(phone.name for phone in store.phones(Wanted(state), known))


def _unproven(site: Site, names: Sequence[str]) -> int:
    """How many of them are known by alarms and REGISTERs only."""
    if not has_inventory(site):
        return 0
    with open_inventory(site) as store:
        return sum(
            not phone.node and phone.seen_by in UNPROVEN and phone.itl_by is None
            for phone in store.find(names)
        )


class _Telling:
    def __init__(
        self, site: Site, begun: OpenResets, way: ResetWay, dialog: PhoneResetDialog
    ) -> None:
        self._site = site
        self._settings = site.settings.phones
        self._begun = begun
        self._way = way
        self._dialog = dialog
        self._done = PhoneResets(begun.action, len(begun.left), left=begun.left)
        self._failed: dict[str, str] = {}

    def run(self) -> PhoneResets:
        targets = self._targets()
        with self._dialog.telling() as safe_point:
            try:
                while self._done.left:
                    self._batch(targets[: self._settings.batch], safe_point)
                    del targets[: self._settings.batch]
            except (CancelledError, ConnectionFailedError) as stop:
                self._done = self._done._replace(stopped=stop.message)
            finally:
                note(self._site, self._begun._replace(left=self._done.left))
        return self._done

    def _targets(self) -> list[Target]:
        """With their addresses, as far as they are known."""
        names = self._begun.left
        if not has_inventory(self._site):
            return [Target(name) for name in names]
        try:
            with open_inventory(self._site) as store:
                known = {phone.name: phone.address for phone in store.find(names)}
        except CucmshError:
            known = {}
        return [Target(name, known.get(name, "")) for name in names]

    def _batch(self, batch: Sequence[Target], safe_point: Callable[[], None]) -> None:
        told = []
        self._way.begin(batch)
        start = monotonic()
        for number, phone in enumerate(batch):
            safe_point()
            due = start + number / self._settings.per_second
            sleep(max(0.0, due - monotonic()))
            try:
                self._way.tell(phone)
            except ConnectionFailedError:
                raise
            except CucmshError as problem:
                self._failed[phone.name] = problem.message
            else:
                told.append(phone)
            self._done = self._done._replace(
                told=self._done.told + (phone in told),
                failed=tuple(self._failed.items()),
                left=self._done.left[1:],
            )
        note(self._site, self._begun._replace(left=self._done.left))
        self._dialog.progress(self._done)
        if self._settings.wait_seconds and self._way.watches:
            self._wait(told, safe_point)

    def _wait(self, told: list[Target], safe_point: Callable[[], None]) -> None:
        """Until they are back, or for as long as is waited.

        Raises:
            ConnectionFailedError: nobody came back, and others are left to be told.
        """
        end = monotonic() + self._settings.wait_seconds
        away = {phone.name: phone for phone in told}
        while away:
            for name in self._way.returned(list(away.values())):
                del away[name]
                self._done = self._done._replace(returned=self._done.returned + 1)
            if not away or monotonic() >= end:
                break
            safe_point()
            sleep(LOOK_SECONDS)
        self._done = self._done._replace(silent=(*self._done.silent, *away))
        self._dialog.progress(self._done)
        if told and len(away) == len(told) and self._done.left:
            raise ConnectionFailedError(
                f"none of the last {len(told)} phones came back within "
                f"{self._settings.wait_seconds} seconds"
            )


def _is_hex(text: str) -> bool:
    return all(letter in "0123456789ABCDEF" for letter in text)
