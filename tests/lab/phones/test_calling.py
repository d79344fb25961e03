"""How a lab phone calls a SIP server that is good, bad, slow or not there."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cucmsh.lab.phones import calling
from cucmsh.lab.phones.boot import RESET
from cucmsh.lab.phones.calling import LARGEST_HEAD, call
from cucmsh.lab.phones.order import phones_of
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.plan import Host, plan_phones
from cucmsh.phones.sip import SipRequest, read_request
from cucmsh.phones.texts import StatusCode
from tests.rigs.loopback import LOOPBACK

pytestmark = pytest.mark.loopback

NOBODY = ("127.0.0.1", 1)
HOST = Host("one.lab.example", NOBODY, NOBODY, NOBODY, Path("/none"))
FIRST, SECOND = StatusCode.FIRST_ITL, StatusCode.FAILED_OLD_ITL
Answer = Callable[[list[SipRequest]], bytes]


def lab_phone(root: Path, *codes: StatusCode) -> LabPhone:
    plan = plan_phones(root, [HOST], phones_of("8845:1"))[0]
    phone = LabPhone(plan, lambda: 1_700_000_000.0)
    for code in codes:
        phone.tell(code)
    return phone


def answer_to(request: SipRequest, status: int) -> bytes:
    return (
        f"SIP/2.0 {status} Words\r\nCall-ID: {request.find('call-id')}\r\n"
        f"CSeq: {request.find('cseq')}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def accept(requests: list[SipRequest]) -> bytes:
    return b"".join(
        answer_to(each, 202 if each.method == "REFER" else 200) for each in requests
    )


async def read_all(reader: asyncio.StreamReader) -> list[SipRequest]:
    """What comes until the REGISTER, which is the last."""
    found: list[SipRequest] = []
    while not found or found[-1].method != "REGISTER":
        head = await reader.readuntil(b"\r\n\r\n")
        bare = read_request(head)
        assert bare is not None
        body = await reader.readexactly(int(bare.find("content-length")))
        request = read_request(head + body)
        assert request is not None
        found.append(request)
    return found


def called(phone: LabPhone, answer: Answer, why: str = RESET) -> list[SipRequest]:
    """What the server got; it answers and then waits for the phone to go."""
    got: list[SipRequest] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await read_all(reader))
        assert writer.get_extra_info("peername")[0] == phone.plan.address
        writer.write(answer(got))
        await reader.read()
        writer.close()

    asyncio.run(_with_server(talk, lambda port: call(phone, (LOOPBACK, port), why)))
    return got


async def _with_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    act: Callable[[int], Awaitable[None]],
) -> None:
    server = await asyncio.start_server(talk, LOOPBACK, 0)
    async with server:
        await act(server.sockets[0].getsockname()[1])


def methods(requests: list[SipRequest]) -> list[str]:
    return [request.method for request in requests]


def test_alarms_come_before_the_register_and_are_told_once(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST)
    assert methods(called(phone, accept)) == ["REFER", "REGISTER"]
    assert not phone.untold
    assert not phone.reasons
    assert methods(called(phone, accept)) == ["REGISTER"]
    assert len(phone.facts.alarms) == 1  # its page shows it still


def test_what_was_refused_is_kept(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST)

    def refuse(requests: list[SipRequest]) -> bytes:
        return b"".join(answer_to(each, 403) for each in requests)

    called(phone, refuse)
    assert len(phone.untold) == 1
    assert any("REFER was answered 403" in reason for reason in phone.reasons)
    assert any("REGISTER was answered 403" in reason for reason in phone.reasons)


def test_an_untold_alarm_outlives_the_lab_and_comes_first(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST)
    phone.remember()
    again = lab_phone(tmp_path, SECOND)
    got = called(again, accept)
    assert methods(got) == ["REFER", "REFER", "REGISTER"]
    codes = [each.body.partition(b'"StatusCode">')[2][:1] for each in got[:2]]
    assert codes == [b"3", b"8"]
    assert not again.untold


def test_only_what_was_accepted_is_forgotten(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST, SECOND)
    first, second = phone.untold

    def second_only(requests: list[SipRequest]) -> bytes:
        one, two, last = requests
        parts = [answer_to(two, 202), answer_to(last, 200), answer_to(one, 500)]
        return b"".join(parts)

    called(phone, second_only)
    assert phone.untold == (first,)
    assert second not in phone.untold


def test_what_else_comes_is_passed_over(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST)

    def chatty(requests: list[SipRequest]) -> bytes:
        notify = b"NOTIFY sip:a SIP/2.0\r\nl: 3\r\n\r\nabc"
        stranger = b"SIP/2.0 202 OK\r\nCall-ID: other\r\n\r\n"
        trying = b"".join(answer_to(each, 100) for each in requests)
        return b"\r\n\r\n" + notify + stranger + trying + accept(requests)

    called(phone, chatty)
    assert not phone.untold
    assert not phone.reasons


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "answers no SIP"),
        (b"SIP/2.0\r\n\r\n", "answers no SIP"),
        (b"SIP/2.0 abc\r\n\r\n", "answers no SIP"),
        (b"SIP/2.0 200 OK\r\nContent-Length: 9999999999\r\n\r\n", "answers no SIP"),
        (b"SIP/2.0 200 OK\r\nContent-Length: 999999\r\n\r\n", "answers no SIP"),
        (b"SIP/2.0 200 OK\r\nContent-Length: -1\r\n\r\n", "answers no SIP"),
        (b"a" * (LARGEST_HEAD + 8), "answers no SIP"),
        (b"\xff\xfe\r\n\r\n", "answers no SIP"),
    ],
)
def test_a_server_that_is_none_costs_nothing(
    tmp_path: Path, said: bytes, words: str
) -> None:
    phone = lab_phone(tmp_path, FIRST)
    called(phone, lambda _: said)
    assert len(phone.untold) == 1
    assert words in phone.reasons[-1]


def test_a_server_that_closes_is_told_of(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST)

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    asyncio.run(_with_server(close, lambda port: call(phone, (LOOPBACK, port), RESET)))
    assert len(phone.untold) == 1
    assert phone.reasons[-1].startswith("SIP at 127.0.0.1:")


def test_a_server_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    phone = lab_phone(tmp_path, FIRST)
    asyncio.run(call(phone, NOBODY, RESET))
    assert len(phone.untold) == 1
    assert phone.reasons == ["SIP at 127.0.0.1:1: Connection refused"]


def test_a_silent_server_is_not_waited_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "SECONDS", 0.05)
    phone = lab_phone(tmp_path, FIRST)
    with socket.create_server((LOOPBACK, 0)) as silent:
        asyncio.run(call(phone, silent.getsockname()[:2], RESET))
    assert len(phone.untold) == 1
    assert "no answer within" in phone.reasons[-1]
