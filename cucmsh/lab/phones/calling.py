"""How a lab phone calls a SIP server: what it has to tell of its lists, then REGISTER.

All goes over one TCP connection at once, the oldest alarm first, before the first
answer; an alarm that was answered 202 is told no more. Nothing else of SIP is here: no
registration is kept, and requests of the server are not answered.

Whatever the server does, or does not, costs at most ``SECONDS``.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress

from cucmsh.hosts import host_port
from cucmsh.lab.phones import boot
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.sip_requests import (
    INITIALIZED,
    RESET,
    RESTARTED,
    LastStart,
    Way,
    call_id,
    refer,
    register,
)
from cucmsh.lab.phones.wire import Address
from cucmsh.phones.facts import Alarm

SECONDS = 5.0
LARGEST_HEAD = 8 << 10  # bytes of an answer
LARGEST_BODY = 64 << 10
ACCEPTED = 202
_FINAL, _FAILED = 200, 300
_LAST = {boot.RESET: RESET, boot.RESTART: RESTARTED}  # for the others no word is known


async def call(phone: LabPhone, server: Address, why: str) -> None:
    """Tell the server what there is to tell; what goes wrong is a note of the phone.

    Args:
        phone: of a family that sends alarms.
        server: where it listens, a loopback address.
        why: it started, as ``boot`` says it.
    """
    last = _LAST.get(why, INITIALIZED)
    where = f"SIP at {host_port(*server)}"
    try:
        async with asyncio.timeout(SECONDS):
            await _call(phone, server, last)
    except TimeoutError:
        phone.note(f"{where}: no answer within {SECONDS:g} seconds")
    except OSError as problem:
        words = os.strerror(problem.errno) if problem.errno else str(problem)
        phone.note(f"{where}: {words}")
    except (EOFError, ValueError, asyncio.LimitOverrunError):
        phone.note(f"{where}: it closed the connection, or answers no SIP")


async def _call(phone: LabPhone, server: Address, last: LastStart) -> None:
    own = phone.plan.address
    reader, writer = await asyncio.open_connection(
        *server, limit=LARGEST_HEAD, local_addr=(own, 0)
    )
    try:
        way = Way(server[0], *writer.get_extra_info("sockname")[:2])
        facts = phone.facts
        waiting: dict[str, Alarm | None] = {}
        for alarm in (*phone.untold, None):
            token = secrets.token_hex(12)
            waiting[call_id(token, way)] = alarm
            writer.write(
                register(facts, last, way, token)
                if alarm is None
                else refer(facts, alarm, way, token)
            )
        await writer.drain()
        while waiting:
            status, answered = await _answer(reader)
            if status < _FINAL or answered not in waiting:
                continue
            alarm = waiting.pop(answered)
            if alarm is None and status >= _FAILED:
                phone.note(f"its REGISTER was answered {status}")
            elif alarm is not None and status == ACCEPTED:
                phone.was_told(alarm)
            elif alarm is not None:
                phone.note(f"its REFER was answered {status}: it will tell it again")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Status and Call-ID of the next answer; 0 for a request of the server.

    Raises:
        EOFError: the connection ended.
        ValueError: these bytes are no SIP.
        LimitOverrunError: a head without an end.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
    if not head:
        return 0, ""
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = _number(headers.get("content-length", headers.get("l", "0")))
    if length > LARGEST_BODY:
        raise ValueError(length)
    await reader.readexactly(length)
    words = first.split(" ", 2)
    if words[2:] == ["SIP/2.0"]:
        return 0, ""
    if words[0] != "SIP/2.0" or len(words) < 2:
        raise ValueError(first)
    return _number(words[1]), headers.get("call-id", headers.get("i", ""))


def _number(digits: str) -> int:
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 7):
        raise ValueError(digits)
    return int(digits)
