"""Whether something runs the rounds of the Certificate Monitor: a timer, or cron."""

from __future__ import annotations

from collections.abc import Iterator

from cucmsh.layout import MONITOR_TIMER
from cucmsh.services.certificates.monitor_told import seconds_since_round
from cucmsh.services.nodes.health.finding import Finding, Level
from cucmsh.services.nodes.health.units import state_of
from cucmsh.services.site import Site

# Rounds are hourly, but not in the third hour of the night.
LATE_SECONDS = 3 * 3600
UNITS = (
    "`cucmsh init` printed its units, and a line for cron (docs/production.md step 3); "
    f"then: systemctl enable --now {MONITOR_TIMER}"
)


def examine_timer(site: Site) -> Iterator[Finding]:
    """What keeps rounds from being run. A lab runs them on request."""
    if site.settings.lab:
        return
    state = state_of(site, MONITOR_TIMER)
    since = seconds_since_round(site)
    is_late = since is None or since > LATE_SECONDS
    if state.get("ActiveState") == "active":
        if state.get("UnitFileState") != "enabled":
            what = f"{MONITOR_TIMER} runs, but does not start with the machine"
            yield Finding(Level.WARN, what, f"Run: systemctl enable {MONITOR_TIMER}")
        elif since is not None and is_late:
            what = f"{MONITOR_TIMER} runs, but no round of the Certificate Monitor did "
            what += f"for {_hours(since)}"
            advice = "See: journalctl -u cucmsh-monitor; by hand: cucmsh hook monitor"
            yield Finding(Level.WARN, what, advice)
        else:
            yield Finding(Level.OK, "the timer of the Certificate Monitor runs")
    elif not is_late:
        yield Finding(Level.OK, "something runs the Certificate Monitor each hour")
    else:
        when = "yet" if since is None else f"for {_hours(since)}"
        what = f"no round of the Certificate Monitor was run {when}: nobody is told of "
        what += "certificates that expire"
        yield Finding(Level.WARN, what, UNITS)


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.0f} hours"
