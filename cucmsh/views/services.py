"""``utils service list`` as lines and as JSON (docs/cli.md#services). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cucmsh.services.nodes.own_services import ServiceState
from cucmsh.services.nodes.service_list import ServiceList
from cucmsh.views.documents import Document


def service_list_lines(found: ServiceList) -> Iterator[str]:
    """The platform's with a blank before the bracket, the others without."""
    for name, state in found.platform:
        yield f"{name} {_state(state)}".rstrip()
    yield "Service Manager is running"
    yield "Getting list of all services"
    yield ">> Return code = 0"
    for name, state in found.services:
        yield f"{name}{_state(state)}"
    yield f"Primary Node ={'true' if found.is_primary else 'false'}"


def services_document(node: str, found: ServiceList) -> Document:
    """The same for programs."""
    return {
        "node": node,
        "is_primary": found.is_primary,
        "services": _documents(found.services),
        "platform_services": _documents(found.platform),
    }


def _state(state: ServiceState) -> str:
    """Behind the bracket two blanks, and why it does not run."""
    return f"[{'STARTED' if state.is_running else 'STOPPED'}]  {state.reason}"


def _documents(entries: Iterable[tuple[str, ServiceState]]) -> list[Document]:
    return [
        {
            "name": name,
            "state": "started" if state.is_running else "stopped",
            "reason": state.reason or None,
        }
        for name, state in entries
    ]
