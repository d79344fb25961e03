"""What a TFTP start does before the service serves: compose the list, sign the files.

Keeps no TFTP service from starting. Whatever fails (a directory of root's, a full or
read-only disk, a damaged key), the list that lies there goes on being served if it is a
good one, and what failed is remembered for the next login and for `cucmsh doctor`.

The replicas are not waited for: they are noted as pending here, and ``update_replicas``
brings them the list once the service runs. TFTP is down until this is done: signing has
a deadline of ``SIGN_SECONDS``, composing takes a second, and up to three more after a
boot, an upgrade or a restore, when other nodes are asked (``history_of_others``).

The unit that runs it writes how it ended to ``state/tftp-start`` without our help (see
``views.units``), so that a Python that is gone is told at the next login too.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import NamedTuple

from cucmsh.errors import BusyError, CucmshError, StoreError
from cucmsh.services.deadlines import SIGN_SECONDS
from cucmsh.services.lists.compose import Composed, compose_for_start
from cucmsh.services.lists.phone_files import choose
from cucmsh.services.lists.served_lists import is_reset_list
from cucmsh.services.lists.show_list import read_list
from cucmsh.services.lists.sign_and_bring import problem_of
from cucmsh.services.lists.sign_files import sign_files
from cucmsh.services.lists.update_replicas import replicas_of
from cucmsh.services.nodes.node_id import ids_by_name
from cucmsh.services.records import as_one
from cucmsh.services.records.start_notes import note_start, note_unsigned, settle_start
from cucmsh.services.records.waiting import note_waiting
from cucmsh.services.records.work import Work
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

NOT_BROUGHT = "what this start composed was not brought there yet"


class Started(NamedTuple):
    """What the TFTP service will serve.

    Attributes:
        done: lines for the log.
        problems: what did not work, a line each.
        status: 0 all is well, 3 something is wrong and a good list is served, 1 no
            good list is there, or the next login could not be told: then the unit's
            own record has to.
    """

    done: list[str]
    problems: list[str]
    status: int


@use_case("hook tftp-start", changes=True)
def start(site: Site) -> Started:
    """Compose and sign for this start.

    Raises:
        CucmshError: the list could not be made or put in place; see ``keep``.
    """
    as_one.finish_alone(site)
    composed = compose_for_start(site)
    # Else names count. After an upgrade the ids are kept here.
    with suppress(BusyError, StoreError):
        ids_by_name(site)
    is_reset = is_reset_list(site, composed.raw)
    problems = []
    if composed.is_kept and not is_reset:
        problems.append(composed.remark)
    if not is_reset:  # a reset brings its list to the replicas itself
        problems += _note_replicas(site)
    done = [_first_line(composed)]
    problems += _sign(site, done)
    try:
        settle_start(site)
    except CucmshError as failure:
        problems.append(failure.message)
    return Started(done, problems, 3 if problems else 0)


def keep(site: Site, problem: CucmshError) -> Started:
    """``start`` failed with ``problem``: the list that lies there goes on being served.

    The phones' files are signed for it, and the next login is told.

    Raises:
        CucmshError: ``problem``, where this node has no TFTP service.
    """
    if not site.node.has_tftp:
        raise problem
    problems = [f"no list was composed: {problem.message}"]
    if problem.advice:
        problems.append(problem.advice)
    done: list[str] = []
    try:
        held = read_list(site)
    except CucmshError as missing:
        problems.append(f"no good list is there to be served: {missing.message}")
    else:
        if held.verdict.is_valid:
            done.append(f"kept {hashlib.sha256(held.raw).hexdigest()}")
            problems += _sign(site, done)
        else:
            problems.append(
                f"the list that lies there is not good: {held.verdict.reason}"
            )
    try:
        note_start(site, problem.message)
    except CucmshError as failure:
        problems.append(f"the next login cannot be told: {failure.message}")
        return Started(done, problems, 1)
    return Started(done, problems, 3 if done else 1)


def _first_line(composed: Composed) -> str:
    what = "kept" if composed.is_kept else "composed"
    remark = f" ({composed.remark})" if composed.remark else ""
    return f"{what} {hashlib.sha256(composed.raw).hexdigest()}{remark}"


def _note_replicas(site: Site) -> list[str]:
    try:
        problems = {node.name: NOT_BROUGHT for node in replicas_of(site)}
        if problems:
            note_waiting(site, Work.PUSH, problems)
    except CucmshError as failure:
        return [failure.message]
    return []


def _sign(site: Site, done: list[str]) -> list[str]:
    """Sign the phones' files; return what went wrong, which is noted too."""
    try:
        report = sign_files(site, choose(site), seconds=SIGN_SECONDS)
        problem = problem_of(report)
        if report.signed:
            done.append(f"files signed: {len(report.signed)}")
    except CucmshError as refusal:
        problem = refusal.message
    problems = [f"not all files are signed: {problem}"] if problem else []
    try:
        note_unsigned(site, problem)
    except CucmshError as failure:
        problems.append(failure.message)
    return problems
