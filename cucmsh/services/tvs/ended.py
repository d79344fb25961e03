"""TVS has ended: the alarm, which whoever watches its process tells.

Under its unit TVS can write no file, and a process that was killed tells nothing. So
systemd runs this behind it (``views.units``).
"""

from __future__ import annotations

from cucmsh.alarms import SERVICE_FAILED
from cucmsh.config.model import TVS
from cucmsh.errors import one_line
from cucmsh.layout import TVS_ENDED
from cucmsh.services.records.alarms import tell
from cucmsh.services.records.state import forget, recall, remember
from cucmsh.services.site import Site
from cucmsh.services.usecase import use_case

SUCCESS = "success"  # of SERVICE_RESULT: it was stopped
# Its unit starts it anew every two seconds: that tells one failure, not thousands.
IN_A_ROW = 60  # seconds; whoever ran longer failed anew
AGAIN = 3600  # seconds after which one that goes on failing is told again


@use_case("hook tvs-ended")
def tvs_ended(site: Site, result: str, code: str, status: str) -> bool:
    """Tell that TVS failed, unless that was told of this row of failures.

    Args:
        site: this node.
        result: systemd's ``SERVICE_RESULT``: ``success``, or how it failed.
        code: ``EXIT_CODE``: ``exited``, ``killed`` or ``dumped``.
        status: ``EXIT_STATUS``: a number, or the name of a signal.

    Returns:
        Whether an alarm was told.

    Raises:
        StoreError: what was told cannot be noted; it was told.
    """
    if result == SUCCESS:
        forget(site.home, TVS_ENDED)
        return False
    reason = one_line(f"{result}: {code} {status}".strip())
    now = site.clock.now().timestamp()
    before = recall(site.home, TVS_ENDED)
    told, last = _seconds(before, "told"), _seconds(before, "last")
    is_same = before.get("reason") == reason and 0 <= now - last < IN_A_ROW
    is_new = not (is_same and 0 <= now - told < AGAIN)
    if is_new:
        tell(site, SERVICE_FAILED, TVS, reason)
        told = int(now)
    note: dict[str, object] = {"reason": reason, "told": told, "last": int(now)}
    remember(site.home, TVS_ENDED, note)
    return is_new


def _seconds(facts: dict[str, object], key: str) -> int:
    value = facts.get(key)
    return value if isinstance(value, int) else 0
