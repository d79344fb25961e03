"""``cucmsh doctor``: checks a production set-up. Changes nothing.

The checks do not depend on one another: one that cannot be made is a finding itself. A
*fail* keeps phones from their configuration or from a reset, or exposes a key; a *warn*
may do so later, or together with another fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from cucmsh.errors import (
    CucmshError,
    NamingError,
    RefusedError,
    TrustListError,
    one_line,
)
from cucmsh.names import check_domain, parse_subject
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.deadlines import SERVED_LIST_SECONDS
from cucmsh.services.files import is_backed_up
from cucmsh.services.lists.acceptance import TRUST_RELEASE, describe, who_refuses
from cucmsh.services.lists.compose import too_many_tokens
from cucmsh.services.lists.foreign import how_to_compose
from cucmsh.services.lists.history_of_others import silent_nodes
from cucmsh.services.lists.own_list import foreign_list
from cucmsh.services.lists.phone_files import (
    WHY_NOT_RENEWED,
    Choice,
    asked,
    choose,
    look_at,
)
from cucmsh.services.lists.served_lists import why_unserved
from cucmsh.services.lists.show_list import HeldList, read_list
from cucmsh.services.lists.sign_files import list_for_files, signer_in
from cucmsh.services.nodes.health.alarms import examine_alarms
from cucmsh.services.nodes.health.exposure import exposures
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.health.named_lists import examine_named_lists
from cucmsh.services.nodes.health.node_status import examine_members, look_at_others
from cucmsh.services.nodes.health.start import examine_start
from cucmsh.services.nodes.health.timer import examine_timer
from cucmsh.services.nodes.health.units import examine_page
from cucmsh.services.records.history import History
from cucmsh.services.records.open_work import login_notice
from cucmsh.services.records.start_notes import open_starts
from cucmsh.services.site import Site
from cucmsh.services.tvs.self_test import examine_tvs
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.sealing import check_certificates
from cucmsh.trustlist.signed import SUFFIX

EXPIRY_WARNING = timedelta(days=90)
CLOCK_SLACK_SECONDS = 60  # lists made within one second are dated one after the other
LISTED_UNITS = (Unit.CALL_MANAGER, Unit.TVS, Unit.CAPF)  # what phones look at
SIGN = "Run `utils tftp sign`."
RESTART = "Run `utils service restart Cisco Tftp`."


Check = Callable[[Site], Iterator[Finding]]


@use_case("cucmsh doctor")
def examine(site: Site) -> list[Finding]:
    """Every finding once, in the order of the checks: several may find the same."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check(site)
        except CucmshError as problem:
            findings.append(Finding(Level.FAIL, problem.message, problem.advice))
    return [*dict.fromkeys(findings)]


def _modes(site: Site) -> Iterator[Finding]:
    open_to_others = list(exposures(site))
    for what, advice in open_to_others:
        yield Finding(Level.FAIL, what, advice)
    if not open_to_others:
        yield Finding(Level.OK, "keys and secrets are the owner's alone")


def _names(site: Site) -> Iterator[Finding]:
    """Check names that earlier versions accepted without a check."""
    cluster = site.settings.cluster
    for check, name in (
        (check_domain, cluster.domain),
        (parse_subject, cluster.subject),
    ):
        try:
            check(name)
        except NamingError as problem:
            yield Finding(
                Level.WARN,
                f"{site.settings.path}: {problem.message}",
                "It stands in every certificate. `cucmsh init --again` makes the node "
                "anew under another name.",
            )


def _keys(site: Site) -> Iterator[Finding]:
    keystore = Keystore(site)
    for unit in keystore.units:
        if unit in LISTED_UNITS:
            certificate = keystore.certificate(unit)
            yield _dates(site, f"the {unit} certificate", certificate)
    for name in keystore.damaged_adopted():
        yield Finding(
            Level.FAIL,
            f"{site.settings.home}/{name} holds no key that opens; phones may need it",
            "Move it away, and run `cucmsh adopt` again with that key.",
        )
    if site.node.is_publisher:
        recovery = keystore.recovery()
        yield Finding(Level.OK, "the recovery key opens with the security password")
        yield _dates(site, "the ITLRecovery certificate", recovery.certificate)
        if not is_backed_up(site):
            yield Finding(
                Level.WARN,
                "the recovery key was not saved since it was made",
                "Run `file get tftp ITLRecovery.p12`.",
            )
        return
    publisher = site.settings.cluster.publisher
    brought = keystore.trusted(publisher, Unit.ITL_RECOVERY)
    if brought is None:
        yield Finding(
            Level.FAIL,
            "the publisher's ITLRecovery certificate was not brought here",
            "Run `utils itl reset localkey` on the publisher.",
        )
    else:
        yield _dates(site, "the ITLRecovery certificate", brought)


def _dates(site: Site, name: str, certificate: Certificate) -> Finding:
    now = site.clock.now()
    left = certificate.not_after - now
    if now < certificate.not_before:
        return Finding(
            Level.FAIL,
            f"the clock is before {name}, which begins at {certificate.not_before}",
            "Set this node's clock.",
        )
    if left < EXPIRY_WARNING:
        when = "has expired" if left < timedelta() else f"expires in {left.days} days"
        advice = "Regenerate it with `set cert regen`."
        if not site.node.is_publisher and "ITLRecovery" in name:
            advice = "Run `set cert regen ITLRecovery` on the publisher."
        return Finding(Level.WARN, f"{name} {when}", advice)
    return Finding(Level.OK, f"{name} is valid for {left.days} days")


def _trust_list(site: Site) -> Iterator[Finding]:
    if not site.node.has_tftp:
        yield Finding(Level.OK, f"{site.node.name} has no TFTP service to look at")
        return
    held = _held(site)
    mismatch = check_certificates(
        held.trust_list, site.backends.keys().read_certificate
    )
    fault = held.verdict.reason or mismatch
    made = held.trust_list.header.timestamp
    if made > site.clock.now().timestamp() + CLOCK_SLACK_SECONDS:
        what = "the clock is before the moment at which the ITL was made"
        yield Finding(Level.FAIL, what, "Set this node's clock.")
    if fault:
        advice = how_to_compose(site, RESTART)
        yield Finding(Level.FAIL, f"the ITL does not verify: {fault}", advice)
    else:
        yield Finding(Level.OK, "the ITL verifies")
    unserved = why_unserved(site, site.node.tftp, held.raw)
    if not unserved:
        yield Finding(Level.OK, "the TFTP service gives the ITL back")
    else:
        yield Finding(
            Level.FAIL,
            f"the TFTP service does not give the ITL back: {unserved}",
            "Start it, and look whether it serves tftp_directory.",
        )


def _held(site: Site) -> HeldList:
    """This node's ITL; the error for a damaged one says how to compose a new one."""
    try:
        return read_list(site)
    except TrustListError as problem:
        what = f"the ITL of {site.node.name} is damaged: {problem.message}"
        advice = how_to_compose(site, f"{RESTART[:-1]}, which composes a new one.")
        raise RefusedError(what, advice) from problem


def _kept_lists(site: Site) -> Iterator[Finding]:
    """Whether phones that hold a kept list of this node accept the one it serves."""
    if not site.settings.keep_trust or not site.node.has_tftp:
        return
    history = History(site)
    for what in history.damaged:
        yield Finding(
            Level.WARN,
            f"{what}: who holds that ITL is not looked after",
            "Restore it from a backup, or run `utils itl trust release`.",
        )
    for what in history.mended:
        yield Finding(Level.WARN, what, f"{RESTART[:-1]}, which writes them anew.")
    for name in silent_nodes(site):
        what = f"which ITL lies on {name} is not known yet: it did not answer"
        yield Finding(Level.WARN, what, f"{RESTART[:-1]} when it answers.")
    refused = who_refuses(site, _held(site).trust_list, history)
    if refused:
        what = f"not all phones take the served ITL: {describe(refused)}"
        advice = f"Reset with a key that they know, or run `{TRUST_RELEASE}`."
        yield Finding(Level.WARN, what, how_to_compose(site, advice))
    else:
        count = len(history.binding)
        yield Finding(Level.OK, f"phones with any kept ITL take this one ({count})")


def _foreign_list(site: Site) -> Iterator[Finding]:
    """Whether another tool made the list that this node serves."""
    found = foreign_list(site)
    if found is not None:
        yield Finding(Level.WARN, found.what, found.advice)


def _phone_files(site: Site) -> Iterator[Finding]:
    if not site.node.has_tftp:
        return
    choice = choose(site)
    for name, why in choice.refused:
        yield Finding(Level.WARN, f"{name} is not signed: {why}", "Put a file there.")
    for name in choice.orphans:
        yield Finding(
            Level.WARN,
            f"{name} has no plain file beside it, and phones still get it",
            "Remove it if that is wrong.",
        )
    for name in choice.encrypted:
        yield Finding(Level.WARN, f"{name}: {WHY_NOT_RENEWED}")
    if not choice.names:
        yield Finding(Level.OK, "no file for phones is there to be signed")
        return
    held = list_for_files(site)
    seen = [look_at(site, held, name, choice.secrets) for name in choice.names]
    refused = [(at.name, at.problem or at.fault) for at in seen if not at.is_current]
    advice = SIGN
    try:
        signer_in(site, held)
    except CucmshError as problem:
        advice = problem.advice
        level = Level.FAIL if refused else Level.WARN
        yield Finding(level, problem.message, advice)
    for name, why in refused:
        yield Finding(Level.FAIL, f"phones refuse {name}: {why}", advice)
    yield from _names_asked(site, choice)
    misplaced = set(choice.misplaced)
    good = sum(at.is_current and at.name not in misplaced for at in seen)
    if good:
        yield Finding(Level.OK, f"files that phones take: {good}")


def _names_asked(site: Site, choice: Choice) -> Iterator[Finding]:
    """Files that phones ask for by another name, or by the name of another file."""
    for name in choice.misplaced:
        base = name.rpartition("/")[2]
        yield Finding(
            Level.WARN,
            f"phones ask for {base} without a folder, and refuse what is signed as "
            f"{asked(site, name)}",
            "If the TFTP service rewrites names, declare its folders: served_as under "
            "[signing].",
        )
    by_name: dict[str, list[str]] = {}
    for name in choice.names:
        by_name.setdefault(asked(site, name), []).append(name)
    for name, files in by_name.items():
        if len(files) > 1:
            yield Finding(
                Level.WARN,
                f"phones ask for {' and '.join(files)} by one name, {name}",
                "Keep the one that the TFTP service gives, and remove the others.",
            )
    yield from _names_served(site, choice)


def _names_served(site: Site, choice: Choice) -> Iterator[Finding]:
    """Whether TFTP gives a file of each declared folder under the name asked for.

    One of each kind (the part behind the last dot): a rule may know only some.
    """
    samples: dict[tuple[str, str], str] = {}
    for name in choice.names:
        if asked(site, name) != name:
            key = (name.rpartition("/")[0], name.rpartition(".")[2].lower())
            samples.setdefault(key, name)
    for name in samples.values():
        path = asked(site, name) + SUFFIX
        try:
            raw = site.tftp.read(name + SUFFIX)
        except CucmshError:
            continue  # it is not signed, which is told above
        try:
            is_given = (
                site.backends.read_back(site.node.tftp, path, SERVED_LIST_SECONDS)
                == raw
            )
        except CucmshError:
            is_given = False
        if not is_given:
            yield Finding(
                Level.FAIL,
                f"the TFTP service does not give {name}{SUFFIX} to phones, which ask "
                f"for {path}",
                "Let its rewrite rule match names with .sgn at the end, too.",
            )


def _nodes(site: Site) -> Iterator[Finding]:
    if not site.node.is_publisher:
        name = site.settings.cluster.publisher.name
        text = f"the other nodes are looked at on the publisher, {name}"
        yield Finding(Level.OK, text)
        return
    for status in look_at_others(site):
        yield from status.findings


def _rules(site: Site) -> Iterator[Finding]:
    """What the design says of a set-up (docs/decisions/009)."""
    if not site.settings.keep_trust and site.settings.lab:
        yield Finding(Level.OK, "a lab: keep_trust is off, so that trust can be lost")
    elif not site.settings.keep_trust:
        yield Finding(
            Level.WARN,
            "keep_trust is off: a start may serve a list that phones refuse",
            f"Set keep_trust = true in {site.settings.path}.",
        )
    if warning := too_many_tokens(site):
        advice = "Try such a list with each model of phone that you have."
        yield Finding(Level.WARN, warning, advice)
    told = [one_line(work.line) for work in open_starts(site)]  # by examine_start
    for line in login_notice(site).splitlines():
        if line in told:
            continue
        yield Finding(Level.WARN, line)


CHECKS: tuple[Check, ...] = (
    _modes,
    _names,
    _keys,
    _trust_list,
    examine_start,
    _foreign_list,
    examine_named_lists,
    _kept_lists,
    _phone_files,
    _nodes,
    examine_members,
    examine_tvs,
    examine_alarms,
    examine_timer,
    examine_page,
    _rules,
)
