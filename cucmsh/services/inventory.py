"""What this node holds, for looking at. Changes nothing, needs no X.509."""

from __future__ import annotations

from typing import NamedTuple

from cucmsh.cluster.model import Node
from cucmsh.errors import CucmshError, MissingFileError
from cucmsh.services.site import LIST_FILE, Site
from cucmsh.trustlist.check import SignatureVerdict, check
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.model import TrustList


class HeldList(NamedTuple):
    """The list in the TFTP directory, when it was written, and whether it verifies."""

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
        raise MissingFileError(
            "ITL File not found.", "Run `utils service restart Cisco Tftp`."
        ) from problem
    trust_list = decode(raw)
    return HeldList(raw, modified, trust_list, check(trust_list, site.doors.verifier()))


def reach(site: Site, node: Node) -> str:
    """Empty if the node lets us in with its pinned host key; else why not."""
    try:
        with site.link_to(node):
            return ""
    except CucmshError as problem:
        return problem.message
