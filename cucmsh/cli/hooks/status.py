"""The status of this node, which is asked most often and of each node at once."""

from __future__ import annotations

from cucmsh.cli.hooks import Call, Run
from cucmsh.services.lists.locate_nodes import service_status


def _service_status(call: Call) -> tuple[str, int]:
    return service_status(call.site), 0


RUNS = {
    "service-status": Run(_service_status, service_status),
}
