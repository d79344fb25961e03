"""``/metrics`` for Prometheus: when certificates end, and which alarms the log has.

Without a log-in, and only with ``[web] metrics = true``: it names nodes, units and
alarms, and nothing else. Alert rules and a dashboard are in docs/.
"""

from __future__ import annotations

from collections import Counter

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from cucmsh import services
from cucmsh.errors import MissingFileError
from cucmsh.services.site import Site
from cucmsh.web.pages import File, Query

TEXT = "text/plain; version=0.0.4; charset=utf-8"


def _metrics(site: Site, _: Query) -> tuple[str, str, bytes]:
    if not site.settings.web.metrics:
        raise MissingFileError(
            "This page has no metrics.", "Set metrics = true under [web]."
        )
    registry = CollectorRegistry()
    ends = Gauge(
        "cucmsh_certificate_not_after_timestamp_seconds",
        "When the certificate ends, Unix time.",
        ("node", "unit", "usage", "name"),
        registry=registry,
    )
    unreadable = Gauge(
        "cucmsh_certificates_unreadable",
        "Certificates that cannot be read.",
        registry=registry,
    )
    for each in services.every_certificate(site):
        if each.certificate is None:
            unreadable.inc()
            continue
        labels = (each.node, each.unit, each.usage, each.name)
        ends.labels(*labels).set(each.certificate.not_after.timestamp())
    logged = Gauge(
        "cucmsh_alarms_logged",
        "Alarms in the last mebibyte of CiscoSyslog.",
        ("node", "alarm", "severity"),
        registry=registry,
    )
    counted = Counter(
        (each.name, each.severity)
        for each in services.seen_alarms(site)
        if each.severity is not None
    )
    for (name, severity), number in counted.items():
        logged.labels(site.node.name, name, f"{severity:d}").set(number)
    return "metrics", TEXT, generate_latest(registry)


PARTS = (File("/metrics", _metrics, needs_log_in=False),)
