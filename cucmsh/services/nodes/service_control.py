"""``utils service start``, ``stop`` and ``restart``, for whoever asks for it.

A start composes and signs before the service serves (the unit runs a hook); what it
left open is reported, and a publisher brings its replicas what it serves now. Where the
publisher signs the lists of all, a subscriber has it hand them over before the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple, Protocol

from cucmsh.alarms import SERVICE_START_FAILED, SERVICE_STARTED, SERVICE_STOPPED
from cucmsh.config.model import TFTP, TVS
from cucmsh.errors import CucmshError, ServiceError, UsageError
from cucmsh.services.lists.foreign import ForeignList
from cucmsh.services.lists.given_list import is_given
from cucmsh.services.lists.install import close_mark
from cucmsh.services.lists.member_hooks import deliver_pending
from cucmsh.services.lists.member_lists import ask_for_lists
from cucmsh.services.lists.own_list import foreign_list
from cucmsh.services.lists.pass_certificates import pass_pending
from cucmsh.services.lists.update_replicas import brought_after_start, update_replicas
from cucmsh.services.nodes import own_services as own
from cucmsh.services.nodes.tell_names import tell_untold
from cucmsh.services.outcome import Report
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.start_notes import (
    note_unrecorded_start,
    open_signings,
    open_starts,
    start_record,
)
from cucmsh.services.records.waiting import open_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


def services_of(site: Site) -> tuple[str, ...]:
    """The services of this node that can be started and stopped, by their names."""
    return (TFTP, *(service.name for service in site.node.other_services))


class ServiceDialog(Protocol):
    """Who asked for it: is told how far it has come."""

    def accepted(self) -> None:
        """The service can be controlled; the request is made now."""

    def changing(self) -> AbstractContextManager[object]:
        """The body must not be interrupted."""

    def waiting(self) -> AbstractContextManager[None]:
        """The body waits for the service manager."""

    def done(self) -> None:
        """It runs, or it is stopped."""

    def still_kept(self) -> None:
        """The list of a reset was not proven; each start keeps it until it is."""

    def bringing(self, names: Sequence[str]) -> AbstractContextManager[None]:
        """The body brings these replicas what is served now."""


class Start(NamedTuple):
    """What a start left open.

    Attributes:
        problems: lines for a person.
        replicas: what became of the replicas; None where there are none.
        foreign: the list that is served, if it came from elsewhere.
    """

    problems: tuple[str, ...]
    replicas: Report | None
    foreign: ForeignList | None = None


@use_case("utils service start", changes=True)
def start_service(site: Site, name: str, dialog: ServiceDialog) -> Start:
    """Start a service of this node.

    Raises:
        UsageError: there is no such service here.
        ServiceError: it has no commands, or does not run afterwards.
    """
    return bring_up(site, name, own.start, dialog)


@use_case("utils service restart", changes=True)
def restart_service(site: Site, name: str, dialog: ServiceDialog) -> Start:
    """Restart a service of this node; raises as ``start_service`` does."""
    return bring_up(site, name, own.restart, dialog)


@use_case("utils service stop", changes=True)
def stop_service(site: Site, name: str, dialog: ServiceDialog) -> None:
    """Stop a service of this node.

    Raises:
        UsageError: there is no such service here.
        ServiceError: it has no commands, or still runs afterwards.
    """
    _require_service(site, name)
    dialog.accepted()
    with dialog.changing(), dialog.waiting():
        own.stop(site, name)
    if own.is_running(site, name):
        raise ServiceError(f"{name} is still running", "See the log of the service.")
    tell(site, SERVICE_STOPPED, name)
    dialog.done()


def bring_up(
    site: Site,
    name: str,
    request: Callable[[Site, str], None],
    dialog: ServiceDialog,
    *,
    is_telling: bool = True,
) -> Start:
    """``start_service`` and ``restart_service``, by what they request.

    Args:
        site: this node.
        name: of the service.
        request: of ``own_services``.
        dialog: is told.
        is_telling: members get what they need to know, and who did not is told.
    """
    _require_service(site, name)
    dialog.accepted()
    # What runs already is not started again: no record is due.
    is_due = name == TFTP and (request is not own.start or not own.is_running(site))
    before = start_record(site) if is_due else (None, None)
    with dialog.changing():
        with dialog.waiting():
            if name == TFTP:
                _fetch_list(site)
            request(site, name)
        if not own.is_running(site, name):
            tell(site, SERVICE_START_FAILED, name, "it does not run")
            raise ServiceError(f"{name} does not run", "See the log of the service.")
        tell(site, SERVICE_STARTED, name)
        dialog.done()
        if name not in (TFTP, TVS):
            return Start((), None)
        undelivered = _tell_members(site) if is_telling else ()
        if name != TFTP:  # the others serve no list
            return Start(undelivered, None)
        # A reset may have been kept for this very start.
        if not close_mark(site):
            dialog.still_kept()
    unrecorded = note_unrecorded_start(site, before)
    left = (*open_starts(site), *open_signings(site))
    told = (unrecorded, *(work.line for work in left), *undelivered)
    problems = tuple(line for line in told if line)
    foreign = foreign_list(site)
    names = [node.name for node in brought_after_start(site)]
    if not names:
        return Start(problems, None, foreign)
    with dialog.bringing(names):
        return Start(problems, update_replicas(site), foreign)


def _fetch_list(site: Site) -> None:
    """Have the start serve a list of now, if the publisher answers; see the module.

    If it does not, the last list that it gave is served, and what of it is not right
    any more is told by whoever sees it (``compose``, ``sign_files``).
    """
    if not is_given(site):
        return
    with suppress(CucmshError):  # it stays open, which ``_tell_members`` tells
        tell_untold(site)
        deliver_pending(site)
    ask_for_lists(site)


def _tell_members(site: Site) -> tuple[str, ...]:
    """What others need to know before phones meet it; who does not know it then."""
    with suppress(CucmshError):  # it stays open, which is told
        tell_untold(site)
    with suppress(CucmshError):  # as above
        deliver_pending(site)
    with suppress(CucmshError):
        pass_pending(site)
    left_open = (
        *open_waiting(site, Work.NAMES),
        *open_waiting(site, Work.CERTIFICATES),
        *open_waiting(site, Work.PASSING),
    )
    return tuple(work.line for work in left_open)


def _require_service(site: Site, name: str) -> None:
    known = services_of(site)
    if name not in known:
        raise UsageError(
            f"{name!r} is no service that {site.node.name} can start or stop",
            f"Type: {' or '.join(known)}",
        )
    own.commands_of(site, name)
