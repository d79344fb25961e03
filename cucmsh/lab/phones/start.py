"""The lab's phones as the lab sees them: planned, begun, described, ended."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cucmsh.lab.members import Member, Serve
from cucmsh.lab.phones.order import PhoneName
from cucmsh.lab.phones.pages_server import page_address
from cucmsh.lab.phones.plan import host_of, plan_phones
from cucmsh.lab.phones.process import Ways, run_phones
from cucmsh.lab.phones.provisioning import write_configurations
from cucmsh.lab.phones.wire import Address
from cucmsh.lab.plan import NodePlan, bound_listener
from cucmsh.layout import LAB_PHONES_CONTROL
from cucmsh.trustlist.check import Verifier

PHONES = "phones"  # how their process is called


class LabPhones:
    """All phones of a lab, in one process.

    Their configurations are written now, before the nodes sign their files.

    Args:
        root: the lab's directory.
        nodes: its nodes.
        domain: theirs.
        names: which phones.
        tools: what verifies signatures, and the time in seconds since 1970.
        sip: the server that phones call; None for none.

    Attributes:
        member: their process.
    """

    def __init__(
        self,
        root: Path,
        nodes: tuple[Sequence[NodePlan], str],
        names: Sequence[PhoneName],
        tools: tuple[Verifier, Callable[[], float]],
        sip: Address | None = None,
    ) -> None:
        plans, domain = nodes
        hosts = [host_of(node, domain) for node in plans]
        self._plans = plan_phones(root, hosts, names)
        self._control = root / LAB_PHONES_CONTROL
        self._tools = tools
        self._sip = sip
        self._pages, self._port = bound_listener()
        self.member = Member(PHONES)
        folders = [node.tftp_directory for node in plans]
        write_configurations(folders, self._plans, hosts)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """Those that wait for the process."""
        return (self._pages,)

    @property
    def work(self) -> Serve:
        """What the process does."""
        ways = Ways(self._control, self._pages, self._sip)
        return partial(run_phones, self._plans, ways, self._tools)

    def bind_again(self) -> None:
        """Get the sockets for the next process, after this one has ended."""
        self._pages = bound_listener(self._port, is_again=True)[0]

    def describe(self) -> list[dict[str, Any]]:
        """What ``--serve`` says of them; ``page`` is that of the status messages."""
        return [
            {
                "name": plan.name,
                "model": plan.model,
                "page": page_address(self._port, plan.name, plan.model),
            }
            for plan in self._plans
        ]
