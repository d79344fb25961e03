"""The process of all phones: a member of the lab, it ends when its channel closes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from cucmsh.errors import CucmshError
from cucmsh.lab.conditions import Conditions
from cucmsh.lab.members import DONE, READY
from cucmsh.lab.phones.control import serve
from cucmsh.lab.phones.fleet import Fleet
from cucmsh.lab.phones.pages_server import PageServer
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.plan import PhonePlan
from cucmsh.lab.phones.wire import Address
from cucmsh.trustlist.check import Verifier


class Ways(NamedTuple):
    """How the process is reached, and whom it calls.

    Attributes:
        control: the path of its socket.
        pages: a TCP socket, bound, for the phones' pages.
        sip: the server that phones call; None for none.
    """

    control: Path
    pages: socket.socket
    sip: Address | None


Tools = tuple[Verifier, Callable[[], float]]


def run_phones(
    plans: Sequence[PhonePlan],
    ways: Ways,
    tools: Tools,
    channel: Connection,
    conditions: Conditions,
) -> None:
    """Run the phones until the other end of ``channel`` closes.

    Sends ``READY``, or what went wrong, once; phones that had power start then. What a
    process can be told (``conditions``) is for servers: phones only say that they heard
    it.

    Args:
        plans: which phones.
        ways: in and out.
        tools: what verifies signatures, and the time in seconds since 1970.
        channel: to the lab.
        conditions: see above.
    """
    del conditions
    try:
        asyncio.run(_run(plans, ways, tools, channel))
    finally:
        ways.control.unlink(missing_ok=True)


async def _run(
    plans: Sequence[PhonePlan],
    ways: Ways,
    tools: Tools,
    channel: Connection,
) -> None:
    verifier, now = tools
    try:
        fleet = Fleet([LabPhone(plan, now) for plan in plans], verifier, ways.sip)
        server = await serve(ways.control, fleet.answer)
        pages = PageServer(ways.pages, fleet.facts, lambda: fleet.names)
        await pages.start()
    except (CucmshError, OSError) as problem:
        channel.send(f"the phones: {problem}")
        return
    fleet.power_on()
    channel.send(READY)
    while await _comes(channel):
        channel.send(DONE)
    server.close()
    await pages.stop()


async def _comes(channel: Connection) -> bool:
    """Wait for what comes; False when the other end is closed."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(channel.fileno(), came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(channel.fileno())
    try:
        channel.recv()
    except (EOFError, OSError):
        return False
    return True
