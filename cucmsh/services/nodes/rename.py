"""``set network hostname`` and ``set network domain``: this node gets another name.

The order: a journal, the configuration in one step, the other members, then every
certificate but ITLRecovery, one after another, and at last the services. From the
second on the node has its new name; what a kill leaves undone is read off the
certificates themselves, and the same command finishes it.

With ``keep_trust`` on the pace is that of the lists: a key that every holder knows goes
on signing them (``lists.compose``), and TVS gets its new certificate only when that
holds for each of them without it. Else it stays as it is, and that is open work. With
it off a rename loses the trust of whoever no other TVS helps, as the original does
(docs/story.md case 7). The machine's own name, its address and DNS are no concern of
this program.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import NamedTuple, Protocol

from cucmsh.config.model import TFTP, TVS
from cucmsh.errors import CucmshError, RefusedError
from cucmsh.pki.model import Unit
from cucmsh.services.caller import Privilege
from cucmsh.services.certificates.hold import start_hold
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.regenerate import require_no_hold
from cucmsh.services.lists.member_hooks import deliver_certificates
from cucmsh.services.nodes import own_services
from cucmsh.services.nodes.configure import edit
from cucmsh.services.nodes.make import new_credential, public_certificates
from cucmsh.services.nodes.rename_plan import (
    DOMAIN,
    HOST_NAME,
    LAST,
    FullName,
    RenamePlan,
    command_of,
    full_name_of,
    plan_rename,
    renamed_text,
    units_of,
    why_tvs_stays,
)
from cucmsh.services.nodes.service_control import ServiceDialog, bring_up
from cucmsh.services.nodes.tell_names import others_to_tell, tell_names
from cucmsh.services.outcome import NodeOutcome
from cucmsh.services.records.rename_journal import (
    OpenRename,
    forget_rename,
    is_called_so,
    read_rename,
    write_rename,
)
from cucmsh.services.records.waiting import add_waiting, read_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case


class RenameStep(StrEnum):
    """What is done next, in this order."""

    CONFIGURATION = "configuration"
    MEMBERS = "members"
    CERTIFICATES = "certificates"


class RenameDialog(Protocol):
    """Who asked for it: is told how far it has come."""

    def changing(self) -> AbstractContextManager[object]:
        """The body must not be interrupted."""

    def begins(self, step: RenameStep, steps: Sequence[RenameStep]) -> None:
        """That one of all steps of this rename is done now."""

    def told(self, outcomes: Sequence[NodeOutcome]) -> None:
        """The other members were told the new name, or not."""

    def service(self, name: str) -> ServiceDialog:
        """Is told of the restart of that service."""


class Renamed(NamedTuple):
    """What became of it.

    Attributes:
        now: how the node is called.
        made: the units whose certificates were made anew by this call.
        told: the members that were told the new name.
        delivered: those that the certificates were brought to.
        restarted: the services that were restarted.
        stopped: those that did not run, and stay so.
        by_hand: those that no commands are configured for.
        problems: what a restart left open, a line each.
        failed: why a service did not restart, a line each.
        tvs_stays: who would be lost without the present TVS certificate, which
            therefore keeps the earlier name; empty if it was made anew.
    """

    now: FullName
    made: tuple[Unit, ...] = ()
    told: tuple[NodeOutcome, ...] = ()
    delivered: tuple[NodeOutcome, ...] = ()
    restarted: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    tvs_stays: str = ""

    @property
    def is_done(self) -> bool:
        """Whether nothing is left open."""
        outcomes = (*self.told, *self.delivered)
        is_whole = all(outcome.is_done for outcome in outcomes)
        left = (*self.by_hand, *self.problems, *self.failed, self.tvs_stays)
        return is_whole and not any(left)


class LookedAt(NamedTuple):
    """A rename before it is asked about.

    Attributes:
        before: how the node is called now.
        wanted: how it would be called.
        is_begun: an unfinished one is gone on with.
    """

    before: FullName
    wanted: FullName
    is_begun: bool


def look_at_rename(site: Site, change: str, value: str) -> LookedAt:
    """Refuse what cannot be, before a question is asked; writes nothing.

    Raises:
        NamingError, RefusedError: see ``plan_rename``; or the hold timer runs; or
            another rename is not finished.
    """
    before = full_name_of(site)
    if begun := _unfinished(site, change, value):
        _require_no_hold(site, begun)
        return LookedAt(before, before, is_begun=True)
    plan = plan_rename(site, change, value)
    require_no_hold(site, Unit.CALL_MANAGER)
    return LookedAt(before, plan.wanted, is_begun=False)


@use_case("set network hostname", changes=True, level=Privilege.ALL)
def set_host_name(site: Site, name: str, dialog: RenameDialog) -> Renamed:
    """Give this node another host name; all of ``set_domain`` holds."""
    return _rename(site, HOST_NAME, name, dialog)


@use_case("set network domain", changes=True, level=Privilege.ALL)
def set_domain(site: Site, domain: str, dialog: RenameDialog) -> Renamed:
    """Give this node another domain, and go on with the new name in this session.

    Raises:
        NamingError, RefusedError: see ``look_at_rename``; nothing was changed.
        BusyError: another change of the cluster is under way.
        StoreError: a full disk, for instance; the same command goes on from there.
    """
    return _rename(site, DOMAIN, domain, dialog)


def _rename(site: Site, change: str, value: str, dialog: RenameDialog) -> Renamed:
    what = command_of(change, value)
    with dialog.changing():
        with site.cluster_lock(what):
            begun = _unfinished(site, change, value)
            if begun:
                _require_no_hold(site, begun)
            else:
                begun = _begin(site, plan_rename(site, change, value), dialog)
            done = _go_on(site, begun, dialog)
        done = _restart(site, done, dialog)
        with site.cluster_lock(what):
            if done.tvs_stays:
                write_rename(site, begun._replace(tvs_stays=done.tvs_stays))
            elif not done.failed:
                forget_rename(site)
    return done


def _require_no_hold(site: Site, begun: OpenRename) -> None:
    """Where TVS alone is left, this is a regeneration like any other."""
    if begun.tvs_stays:
        require_no_hold(site, LAST)


def _unfinished(site: Site, change: str, value: str) -> OpenRename | None:
    """The rename that this call goes on with, if there is one.

    Raises:
        RefusedError: another one has to be finished first.
    """
    begun = read_rename(site)
    if begun is None or not is_called_so(site, begun):
        return None
    wanted = begun.name if change == HOST_NAME else begun.domain
    if value == wanted:
        return begun
    if begun.tvs_stays:  # all else of it is done
        return None
    raise RefusedError(
        f"the rename to {FullName(begun.name, begun.domain)} of {begun.at} is not "
        "finished",
        f"Run `{begun.command}` again first.",
    )


def _begin(site: Site, plan: RenamePlan, dialog: RenameDialog) -> OpenRename:
    require_no_hold(site, Unit.CALL_MANAGER)
    keystore = Keystore(site)
    units = tuple(f"{unit} {_digest(keystore, unit)}" for unit in units_of(site))
    begun = OpenRename(plan.command, plan.wanted.name, plan.wanted.domain, units)
    write_rename(site, begun)
    dialog.begins(RenameStep.CONFIGURATION, _steps(site))
    site.follow(
        edit(site, lambda text, path: renamed_text(site, text, path, plan.wanted))
    )
    add_waiting(site, Work.NAMES, [node.name for node in others_to_tell(site)])
    return begun


def _go_on(site: Site, begun: OpenRename, dialog: RenameDialog) -> Renamed:
    """Everything behind the configuration, as far as it is not done yet."""
    told: list[NodeOutcome] = []
    steps = _steps(site)
    if not begun.tvs_stays:  # a kill may have come before it was noted
        add_waiting(site, Work.NAMES, [node.name for node in others_to_tell(site)])
    if read_waiting(site, Work.NAMES):
        dialog.begins(RenameStep.MEMBERS, steps)
        told = tell_names(site)
        dialog.told(told)
    dialog.begins(RenameStep.CERTIFICATES, steps)
    made, stays = _make_certificates(site, begun)
    delivered = deliver_certificates(site, public_certificates(site))
    return Renamed(
        full_name_of(site), tuple(made), tuple(told), tuple(delivered), tvs_stays=stays
    )


def _steps(site: Site) -> list[RenameStep]:
    """Those of a rename of this node."""
    if others_to_tell(site):
        return list(RenameStep)
    return [step for step in RenameStep if step is not RenameStep.MEMBERS]


def _make_certificates(site: Site, begun: OpenRename) -> tuple[list[Unit], str]:
    """Those that are still as they were; and why TVS's stays so, or nothing."""
    keystore = Keystore(site)
    made: list[Unit] = []
    for entry in begun.units:
        name, _, before = entry.partition(" ")
        unit = Unit(name)
        if _digest(keystore, unit) != before:
            with site.node_lock(begun.command):  # a kill came before what is derived
                keystore.install(unit, keystore.credential(unit))
            continue
        if unit is LAST and (why := why_tvs_stays(site)):
            return made, why
        credential = new_credential(site, unit)
        with site.node_lock(begun.command):  # a start composes with what lies there
            start_hold(site, unit)
            keystore.install(unit, credential)
        made.append(unit)
    return made, ""


def _digest(keystore: Keystore, unit: Unit) -> str:
    return hashlib.sha256(keystore.certificate(unit).der).hexdigest()


def _restart(site: Site, done: Renamed, dialog: RenameDialog) -> Renamed:
    """Restart the services that work with those certificates and run.

    A TVS without commands of its own shows the new certificate from the next handshake
    on.
    """
    stays, by_hand = list[str](), list[str]()
    restarted, problems, failed = list[str](), list[str](), list[str]()
    for name in _services(site):
        if site.node.commands_of(name) is None:
            by_hand.append(name)
            continue
        try:
            if not own_services.is_running(site, name):
                stays.append(name)
                continue
            start = bring_up(
                *(site, name, own_services.restart, dialog.service(name)),
                is_telling=False,  # who was not told just now was asked just now
            )
        except CucmshError as problem:
            failed.append(problem.message)
            continue
        restarted.append(name)
        problems += start.problems
        left = start.replicas.pending if start.replicas else ()
        problems += [f"{at.name}: {at.reason or at.state}" for at in left]
    return done._replace(
        restarted=tuple(restarted),
        stopped=tuple(stays),
        by_hand=tuple(by_hand),
        problems=tuple(problems),
        failed=tuple(failed),
    )


def _services(site: Site) -> Iterator[str]:
    """TVS first: it is there when phones meet the list of the new key."""
    if site.node.commands_of(TVS):
        yield TVS
    if site.node.has_tftp:
        yield TFTP
