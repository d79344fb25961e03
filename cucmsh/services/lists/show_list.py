"""`show itl`: this node's list, and the nodes that should serve the same and do not.

Changes nothing, and needs no X.509.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from cucmsh.errors import MissingFileError
from cucmsh.layout import LIST_FILE
from cucmsh.services.deadlines import SERVED_LIST_SECONDS
from cucmsh.services.lists.served_lists import ask_all_served, other_tftp_nodes
from cucmsh.services.records.reset_journal import unfinished_list
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.check import SignatureVerdict, check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList


class HeldList(NamedTuple):
    """The list in the TFTP directory.

    Attributes:
        raw: its bytes.
        modified: when it was written, Unix time.
        trust_list: what it decodes to.
        verdict: whether its own signer made it.
    """

    raw: bytes
    modified: float
    trust_list: TrustList
    verdict: SignatureVerdict


def read_list(site: Site) -> HeldList:
    """This node's ITL.

    Raises:
        MissingFileError: there is none.
        TrustListError: the file is no trust list.
    """
    if not site.node.has_tftp:
        raise MissingFileError(
            "ITL File not found.", f"{site.node.name} has no TFTP service."
        )
    try:
        raw = site.tftp.read(LIST_FILE)
        modified = site.tftp.modified(LIST_FILE)
    except MissingFileError as problem:
        from cucmsh.services.lists.foreign import (  # noqa: PLC0415 - half a megabyte
            how_to_compose,
        )

        raise MissingFileError(
            "ITL File not found.",
            how_to_compose(site, "Run `utils service restart Cisco Tftp`."),
        ) from problem
    trust_list = decode(raw)
    return HeldList(
        raw, modified, trust_list, check(trust_list, site.backends.verifier())
    )


@use_case("show itl")
def show_list(site: Site) -> HeldList:
    """The use-case of ``read_list``; raises as that does."""
    return read_list(site)


class Mismatch(NamedTuple):
    """A node whose TFTP service does not give the list that it should.

    Attributes:
        name: the node.
        sha1: digest of what it serves, as ``show itl`` there prints it; empty without.
        problem: why nothing could be read; empty if something was.
    """

    name: str
    sha1: str
    problem: str = ""


@use_case("show itl")
def find_mismatches(site: Site, raw: bytes) -> list[Mismatch]:
    """Which other nodes should serve the publisher's ``raw`` now, and do not.

    A replica always should; a member only while a reset to this very list is open:
    later every start of its TFTP service gives it a list of its own. Asks them over
    TFTP, all at once, and nobody where no node has to serve the same.
    """
    if not site.node.is_publisher:
        return []
    is_open = unfinished_list(site) == sha256(raw).hexdigest()
    bound = [node for node in other_tftp_nodes(site) if is_open or not node.is_member]
    if not bound:
        return []
    found = {
        each.node.name: each
        for each in ask_all_served(site, bound, SERVED_LIST_SECONDS)
    }
    return [
        Mismatch(node.name, found[node.name].sha1, found[node.name].problem)
        for node in bound
        if found[node.name].raw != raw
    ]
