"""`show ctl`: the CTL of another tool in the TFTP directory. We write none."""

from __future__ import annotations

from cucmsh.errors import MissingFileError, RefusedError, TrustListError
from cucmsh.layout import CTL_FILE
from cucmsh.services.lists.show_list import HeldList
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case
from cucmsh.trustlist.check import check
from cucmsh.trustlist.decode import decode


@use_case("show ctl")
def show_ctl(site: Site) -> HeldList | None:
    """The CTL of this node; None without one.

    Raises:
        RefusedError: the file is no trust list.
        StoreError: it cannot be read.
    """
    if not site.node.has_tftp:
        return None
    try:
        raw = site.tftp.read(CTL_FILE)
        modified = site.tftp.modified(CTL_FILE)
    except MissingFileError:
        return None
    try:
        trust_list = decode(raw)
    except TrustListError as problem:
        raise RefusedError(
            f"Error parsing the CTL File.\n{problem.message}",
            f"Have the tool that made {CTL_FILE} make it anew, or take it away: phones "
            "look at it before any ITL.",
        ) from problem
    return HeldList(
        raw, modified, trust_list, check(trust_list, site.backends.verifier())
    )
