"""Tells an alarm of ``cucmsh.alarms`` to the node's sinks; never raises."""

from __future__ import annotations

from contextlib import suppress

from cucmsh.alarms import Alarm
from cucmsh.errors import CucmshError
from cucmsh.events import Event
from cucmsh.services.site import Site


def tell(site: Site, alarm: Alarm, *values: str) -> None:
    """Send the alarm to the node's sinks. Raises nothing: work goes on without a log.

    Args:
        site: the node on which it happened.
        alarm: what happened.
        values: of its parameters, in the order of ``alarm.tags``; the last ones may be
            left out, and are then not told. No secret.
    """
    parameters = dict(zip(alarm.tags, values, strict=False))
    about = {
        "AppID": alarm.app_id,
        "ClusterID": site.settings.alarms.cluster_id,
        "NodeID": site.node.name,
    }
    event = Event(
        facility=alarm.application,
        name=alarm.name,
        severity=alarm.severity,
        node=site.node.name,
        time=site.clock.now(),
        parameters={**parameters, **about},
        action=alarm.action,
        text=alarm.text,
    )
    with suppress(CucmshError):  # `doctor` says which sink does not work
        site.sinks.send(event)
