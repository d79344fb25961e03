"""The certificates of all nodes, as far as they were brought to this one.

What a page lists: this node's own, those of the other members, and the imported ones.
Nobody is asked: a member's present certificates lie in this node's trust store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cucmsh.errors import CucmshError
from cucmsh.pki.model import Certificate, Unit
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.certificates.trust_store import all_trusted
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

IDENTITY, TRUST = "Identity", "Trust"  # the original's words for the usage


class KnownCertificate(NamedTuple):
    """A certificate and whose it is.

    Attributes:
        node: the member; of an imported one this node, where it is trusted.
        unit: such as ``TVS``, or ``CallManager-trust`` for an imported one.
        usage: ``Identity`` or ``Trust``.
        name: of its file: what the commands about it take.
        certificate: None for one that cannot be read.
        problem: why not; empty if it can.
    """

    node: str
    unit: str
    usage: str
    name: str
    certificate: Certificate | None
    problem: str = ""


@use_case("page certificates")
def every_certificate(site: Site) -> list[KnownCertificate]:
    """All of them; one that cannot be read hides no other."""
    return [*_of_members(site), *_imported(site)]


def _of_members(site: Site) -> Iterator[KnownCertificate]:
    keystore = Keystore(site)
    for node in site.settings.cluster.nodes:
        if not node.is_member:
            continue
        is_own = node.name == site.node.name
        for unit in keystore.units if is_own else Unit:
            try:
                found = keystore.trusted(node, unit)
            except CucmshError as problem:
                yield KnownCertificate(
                    node.name, unit.value, IDENTITY, "", None, problem.message
                )
                continue
            if found is not None:
                yield KnownCertificate(
                    node.name, unit.value, IDENTITY, f"{unit.value}.pem", found
                )


def _imported(site: Site) -> Iterator[KnownCertificate]:
    shown = all_trusted(site)
    for each in shown.entries:
        if each.file:
            yield KnownCertificate(
                site.node.name, each.trust, TRUST, each.name, each.certificate
            )
    for problem in shown.problems:
        yield KnownCertificate(site.node.name, "", TRUST, "", None, problem)
