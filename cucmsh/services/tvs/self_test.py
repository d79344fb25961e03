"""``doctor`` asks each TVS for each signer of lists, as a phone would.

Names certificates that expired, which changes no answer; and what TVS cannot read, for
which it leaves phones unanswered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from cucmsh.config.model import TVS, Node
from cucmsh.errors import CertificateError, StoreError, TvsError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.site import Site
from cucmsh.services.threads import side_by_side
from cucmsh.services.tvs.trusted import KEPT, signers_of, trusted_ones
from cucmsh.services.tvs.way import ask_about, is_vouching


def examine_tvs(site: Site) -> Iterator[Finding]:
    """What keeps phones from an answer: of all nodes on a publisher, else of this."""
    yield from _trusted(site)
    members = site.settings.cluster.members
    signing = [node for node in members if node.has_tftp or node.is_publisher]
    if len(signing) > 1:
        for node in signing if site.node.is_publisher else (site.node,):
            if node.has_tftp and not node.has_tvs:
                what = f"phones of {node.name} need TVS to move between lists, and "
                advice = f"Add tvs to its services in {site.settings.path}."
                yield Finding(Level.WARN, f"{what}{node.name} has none", advice)
    yield from _not_brought(site, signing)
    asked = members if site.node.is_publisher else (site.node,)
    signers, keystore = signers_of(site), Keystore(site)

    def look(node: Node) -> list[Finding]:
        shown = keystore.trusted(node, Unit.TVS)
        if shown is None:
            what = f"the TVS certificate of {node.name} was not brought here"
            return [Finding(Level.FAIL, what, _how_to_exchange(site, node))]
        due = [at for at in signers if at[0] != KEPT or node.name == site.node.name]
        return _asked(site, node, shown, due, is_needed=len(signing) > 1)

    for found in side_by_side(look, [node for node in asked if node.has_tvs]):
        yield from found


def look_at_tvs(site: Site, node: Node) -> Finding:
    """Whether a member's TVS answers for this node, which is enrolling it."""
    keystore = Keystore(site)
    shown = keystore.trusted(node, Unit.TVS)
    signer = keystore.certificate(Unit.CALL_MANAGER)
    if shown is None:
        return Finding(Level.WARN, f"{node.name} told no TVS certificate")
    try:
        is_good = is_vouching(ask_about(site, node, shown, signer), signer)
    except TvsError as problem:
        what = f"its TVS does not answer yet: {problem.message.rstrip('.')}"
        return Finding(Level.WARN, what, "Start cucmsh-tvs there (docs/production.md).")
    if is_good:
        return Finding(Level.OK, f"its TVS vouches for the lists of {site.node.name}")
    what = f"its TVS does not vouch for the lists of {site.node.name}"
    return Finding(Level.WARN, what, f"Look at the log of TVS on {node.name}.")


def _not_brought(site: Site, signing: list[Node]) -> Iterator[Finding]:
    """Members of whose lists TVS here knows no signer; an earlier version brought none.

    One that cannot be read is told as such.
    """
    keystore = Keystore(site)
    for node in signing:
        with suppress(CertificateError, StoreError):
            if keystore.trusted(node, Unit.CALL_MANAGER) is None:
                what = (
                    f"the CallManager certificate of {node.name} was not brought here, "
                    "and TVS vouches for no list of its"
                )
                yield Finding(Level.FAIL, what, _how_to_exchange(site, node))


def _how_to_exchange(site: Site, node: Node) -> str:
    """Each gets the others' certificates anew when the publisher enrols it again."""
    publisher = site.settings.cluster.publisher
    if not site.node.is_publisher:
        return f"Run `cucmsh node add {site.node.name}` on {publisher.name}."
    name = "NAME` for each subscriber" if node.is_publisher else f"{node.name}`"
    return f"Run `cucmsh node add {name}."


def _asked(
    site: Site,
    node: Node,
    shown: Certificate,
    signers: list[tuple[str, Certificate]],
    *,
    is_needed: bool,
) -> list[Finding]:
    """What a node's TVS says of each signer; the first that is silent ends it."""
    found = []
    for name, signer in signers:
        try:
            answer = ask_about(site, node, shown, signer)
        except TvsError as problem:
            return [_silent(site, node, problem, is_needed=is_needed)]
        if not is_vouching(answer, signer):
            what = f"TVS of {node.name} does not vouch for {name}"
            found.append(Finding(Level.FAIL, what, _how_to_exchange(site, node)))
    if not found:
        what = f"TVS of {node.name} vouches for all signers of lists ({len(signers)})"
        found.append(Finding(Level.OK, what))
    return found


def _silent(site: Site, node: Node, problem: TvsError, *, is_needed: bool) -> Finding:
    why = problem.message.rstrip(".")
    if not is_needed and node.commands_of(TVS) is None:
        what = f"no TVS answers, and while one node signs none must: {why}"
        return Finding(Level.OK, what)
    where = "" if node.name == site.node.name else f" on {node.name}"
    advice = f"Start it{where}: `utils service start {TVS}`."
    if node.name == site.node.name and node.commands_of(TVS) is None:
        advice = "Install cucmsh-tvs.service (docs/production.md), and start it."
    return Finding(
        Level.WARN,
        f"phones that need TVS to move between lists get no answer of {node.name}: "
        f"{why}",
        advice,
    )


def _trusted(site: Site) -> Iterator[Finding]:
    certificates, problems = trusted_ones(site)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        yield Finding(
            Level.FAIL,
            "TVS cannot read all that it vouches for, and leaves phones unanswered: "
            f"{problems[0]}{more}",
            "Mend or remove that file.",
        )
    own = f" of {site.node.name}"
    now = site.clock.now()
    for certificate, _, source in certificates:
        if certificate.has_expired(now) and not source.endswith(own):
            name = certificate.common_name or certificate.subject_name
            yield Finding(
                Level.WARN,
                f"the certificate {name} ({source}) has expired; TVS vouches for it "
                "all the same",
                "Replace or remove it where it comes from.",
            )
