"""Carries a planned reset out: stage, commit, restart, read back, report.

Never stops at a bad node, never calls a node updated whose TFTP service did not give
back the new bytes (invariant I4). Asks nothing, decides nothing about trust.
"""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.cluster.model import Node
from cucmsh.errors import CucmshError, ServiceError
from cucmsh.services.deliver import deliver_certificates, run_hook
from cucmsh.services.doors import Link
from cucmsh.services.install import put_in_place, restart_and_prove
from cucmsh.services.journal import close_reset, open_reset
from cucmsh.services.keystore import Keystore
from cucmsh.services.outcome import NodeOutcome, Progress, Report, State, Step
from cucmsh.services.reset import ResetPlan, needed_recovery_pem
from cucmsh.services.site import LIST_FILE, SERVED_MODE, Site
from cucmsh.services.state import Published, write_published
from cucmsh.services.tftp import is_running, serves

STATUS_SECONDS = 30


class Located(NamedTuple):
    """A TFTP node as it was found: active, stopped, or not reachable and why."""

    node: Node
    is_active: bool
    problem: str = ""


def locate(site: Site) -> tuple[Located, ...]:
    """Every node with a TFTP service, in the order of the configuration."""
    return tuple(
        _locate(site, node) for node in site.settings.cluster.nodes if node.has_tftp
    )


def _locate(site: Site, node: Node) -> Located:
    try:
        if node.name == site.node.name:
            return Located(node, is_running(site))
        with site.link_to(node) as link:
            return Located(node, _is_active(link, node))
    except CucmshError as problem:
        return Located(node, is_active=False, problem=problem.message)


def _is_active(link: Link, node: Node) -> bool:
    if node.is_member:
        words: tuple[str, ...] = (*node.program, "hook", "service-status")
    else:
        words = node.service_commands.status if node.service_commands else ()
    if not words:
        raise ServiceError(f"no status command is configured for {node.name}")
    done = link.run(words, STATUS_SECONDS)
    if node.is_member and done.output not in ("active", "inactive"):
        raise ServiceError(f"{node.name}: {done.complaint or 'no status'}")
    return done.output == "active" if node.is_member else done.status == 0


def apply(
    plan: ResetPlan, located: tuple[Located, ...], site: Site, progress: Progress
) -> Report:
    """Install the key if it is a new one, then the list on every node.

    Raises:
        CucmshError: before the first list was touched; nothing but the key file (its
            earlier one kept) has changed then.
    """
    names = [entry.node.name for entry in located]
    open_reset(site, plan.sha256, names)
    if plan.key_file:
        Keystore(site).install_recovery(plan.key_file, plan.recovery)
    if not site.node.has_tftp:  # the next list is later than this one all the same
        published = Published(plan.sha256, plan.trust_list.header.timestamp)
        write_published(site.home, published)
    unreached = {
        outcome.name: outcome
        for outcome in deliver_certificates(site, needed_recovery_pem(site))
        if not outcome.is_done
    }
    outcomes = []
    for entry in located:
        name = entry.node.name
        if name in unreached:
            outcome = unreached[name]
        elif name == site.node.name:
            outcome = _commit_here(plan, entry, site, progress)
        else:
            outcome = _commit_there(plan, entry, site, progress)
        if not outcome.is_done:
            progress(Step.FAILED, f"{name}: {outcome.reason or outcome.state}")
        outcomes.append(outcome)
    report = Report(tuple(outcomes))
    close_reset(site, plan.sha256, report)
    return report


def _commit_here(
    plan: ResetPlan, entry: Located, site: Site, progress: Progress
) -> NodeOutcome:
    name = entry.node.name
    try:
        put_in_place(site, plan.trust_list)
    except CucmshError as problem:
        return NodeOutcome(name, State.PENDING, problem.message)
    try:
        if entry.is_active:
            progress(Step.RESTARTING, name)
        state = restart_and_prove(site, plan.trust_list.raw)
    except CucmshError as problem:
        return NodeOutcome(name, State.UNPROVEN, problem.message)
    if state is State.UPDATED:
        progress(Step.RESTARTED, name)
    return NodeOutcome(name, state)


def _commit_there(
    plan: ResetPlan, entry: Located, site: Site, progress: Progress
) -> NodeOutcome:
    node, raw = entry.node, plan.trust_list.raw
    if entry.problem:
        return NodeOutcome(node.name, State.PENDING, entry.problem)
    try:
        with site.link_to(node) as link:
            if node.is_member:
                state = State(run_hook(site, link, node, raw, "install-list"))
            else:
                state = _replace_on_replica(site, link, entry, raw)
    except (CucmshError, ValueError) as problem:
        return NodeOutcome(node.name, State.PENDING, str(problem))
    if state is State.UPDATED and not serves(site, node.tftp, raw):
        state = State.UNPROVEN
    if state in (State.UPDATED, State.STOPPED):
        progress(Step.TRANSFERRED, node.name)
    if state is State.UPDATED:
        progress(Step.RESTARTING, node.name)
        progress(Step.RESTARTED, node.name)
    return NodeOutcome(node.name, state)


def _replace_on_replica(site: Site, link: Link, entry: Located, raw: bytes) -> State:
    node = entry.node
    store = site.doors.store_on(link, node.tftp_directory)
    try:
        store.write(LIST_FILE, raw, SERVED_MODE)
    finally:
        store.close()
    if not entry.is_active or node.service_commands is None:
        return State.STOPPED
    done = link.run(node.service_commands.restart)
    if done.status != 0:
        raise ServiceError(f"Cisco Tftp on {node.name} did not restart")
    return State.UPDATED
