"""A member's Cisco Tftp serves under the release that it was told.

The other end of ``change``, run by ``cucmsh hook``. The unit that starts the service
composes, as at each start; nothing else is done here.
"""

from __future__ import annotations

from cucmsh.services.lists.served_lists import served_list, why_unserved
from cucmsh.services.nodes.own_services import is_running, restart
from cucmsh.services.outcome import NodeOutcome, State
from cucmsh.services.site import Site
from cucmsh.services.sweep import sweep
from cucmsh.services.usecase import use_case


@use_case("hook restart-tftp", changes=True)
def restart_tftp(site: Site) -> NodeOutcome:
    """Restart this node's Cisco Tftp, and read back what it serves.

    A service that is stopped stays so.

    Raises:
        ServiceError: this node has none, or it did not restart.
    """
    name = site.node.name
    if not is_running(site):
        return NodeOutcome(name, State.STOPPED)
    sweep(site)  # what an earlier hook left that was killed
    restart(site)
    raw = served_list(site)
    if raw is None:
        return NodeOutcome(name, State.UNPROVEN, "no list lies there")
    why = why_unserved(site, site.node.tftp, raw)
    return NodeOutcome(name, State.UNPROVEN if why else State.UPDATED, why)
