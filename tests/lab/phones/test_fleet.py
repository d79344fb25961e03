"""The lab's phones through their socket: requests good and bad; what needs no node."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cucmsh.errors import ServiceError
from cucmsh.lab.phones import asking
from cucmsh.lab.phones.asking import address_of
from cucmsh.lab.phones.control import LONGEST, ask, serve
from cucmsh.lab.phones.fleet import Fleet
from cucmsh.lab.phones.order import phones_of
from cucmsh.lab.phones.phone import LabPhone
from cucmsh.lab.phones.plan import Host, plan_phones
from cucmsh.lab.phones.provisioning import (
    DEFAULT_FILE,
    configuration,
    write_configurations,
)
from cucmsh.phones.configuration import Server, read_configuration
from cucmsh.pki.verify import SignatureVerifier

pytestmark = pytest.mark.loopback

NOW = 1_700_000_000.0
SILENT = ("127.0.0.1", 1)  # a port that nobody of ours has


def hosts() -> list[Host]:
    return [
        Host(f"{name}.lab.example", SILENT, SILENT, ("127.0.0.1", port), Path("/none"))
        for name, port in (("one", 11), ("two", 22))
    ]


def phones(root: Path, words: str = "8845:2,7940:1") -> list[LabPhone]:
    plans = plan_phones(root, hosts(), phones_of(words))
    return [LabPhone(plan, lambda: NOW) for plan in plans]


def answers(root: Path, *requests: object) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        fleet = Fleet(phones(root), SignatureVerifier())
        return [await fleet.answer(request) for request in requests]

    return asyncio.run(run())


def test_phones_take_turns_in_whom_they_ask_first(tmp_path: Path) -> None:
    found = [phone.plan for phone in phones(tmp_path)]
    firsts = [plan.hosts[0].name for plan in found]
    assert firsts == ["one.lab.example", "two.lab.example", "one.lab.example"]
    assert all(len(plan.hosts) == 2 for plan in found)
    assert len({plan.address for plan in found}) == len(found)


def test_a_configuration_says_whom_to_ask(tmp_path: Path) -> None:
    plan = phones(tmp_path)[1].plan
    found = read_configuration(configuration(plan, "one.lab.example").encode())
    names = ("two.lab.example", "one.lab.example")
    assert found.call_managers == names
    assert found.tvs == tuple(Server(name, 2445) for name in names)
    assert (found.capf, found.label) == ("one.lab.example", "1002")


def test_files_that_somebody_changed_stay(tmp_path: Path) -> None:
    plans = [phone.plan for phone in phones(tmp_path / "flash")]
    write_configurations([tmp_path], plans, hosts())
    changed = tmp_path / f"{plans[0].name}.cnf.xml"
    changed.write_text("mine")
    write_configurations([tmp_path], plans, hosts())
    assert changed.read_text() == "mine"
    default = read_configuration((tmp_path / DEFAULT_FILE).read_bytes())
    assert default.tvs == ()
    assert len(default.call_managers) == 2


@pytest.mark.parametrize(
    ("server", "address"),
    [
        (Server("one.lab.example", 2445), ("127.0.0.1", 11)),
        (Server("TWO", 2445), ("127.0.0.1", 22)),
        (Server("one.lab.example", 2446), None),
        (Server("three.lab.example", 2445), None),
        (Server("127.0.0.9", 2446), ("127.0.0.9", 2446)),
        (Server("192.0.2.1", 2445), None),  # no lab phone leaves this machine
        (Server("localhost", 2445), None),
    ],
)
def test_names_lead_to_this_machine_only(
    tmp_path: Path, server: Server, address: tuple[str, int] | None
) -> None:
    assert address_of(phones(tmp_path)[0], server) == address


def test_a_phone_that_reaches_nobody_says_so_and_keeps_what_it_has(
    tmp_path: Path,
) -> None:
    (answer,) = answers(tmp_path, {"verb": "reset", "names": ["SEP02C188450001"]})
    (shown,) = answer["phones"]
    assert shown["status"][-1].endswith("TFTP timeout")
    assert [boot["why"] for boot in shown["boots"]] == ["reset"]
    assert shown["itl"] == "none"


def test_what_it_remembers_is_there_after_the_lab_ended(tmp_path: Path) -> None:
    name = "SEP02C188450002"
    answers(tmp_path, {"verb": "reset"}, {"verb": "unplug", "names": [name]})
    answers(tmp_path, {"verb": "clock", "names": [name], "at": 5})
    (answer,) = answers(tmp_path, {"verb": "list"})
    assert [each["is_plugged"] for each in answer["phones"]] == [True, False, True]
    (shown,) = answers(tmp_path, {"verb": "show", "names": [name]})[0]["phones"]
    assert shown["now"] == 5
    assert shown["directory"] == ""
    assert [boot["why"] for boot in shown["boots"]] == ["reset"]


def test_erasing_is_said_on_the_screen(tmp_path: Path) -> None:
    (answer,) = answers(tmp_path, {"verb": "erase", "names": ["SEP02C188450001"]})
    assert "Erasing CTL and ITL files" in answer["phones"][0]["status"][0]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (None, "an object"),
        ([], "an object"),
        ({}, "no such verb"),
        ({"verb": []}, "no such verb"),
        ({"verb": "fly"}, "no such verb"),
        ({"verb": "list", "names": "all"}, "list of names"),
        ({"verb": "list", "names": [{}]}, "no phone"),
        ({"verb": "list", "names": ["SEP000000000000"]}, "no phone"),
        ({"verb": "list", "names": [""] * 5000}, "list of names"),
        ({"verb": "clock", "at": "noon"}, "number"),
        ({"verb": "clock", "at": True}, "number"),
        ({"verb": "clock", "at": 1e300}, "number"),
        ({"verb": "clock", "at": float("nan")}, "number"),
        ({"verb": "pace", "factor": -1}, "number"),
        ({"verb": "pace"}, "number"),
    ],
)
def test_other_requests_are_refused_in_words(
    tmp_path: Path, request_: object, words: str
) -> None:
    (answer,) = answers(tmp_path, request_)
    assert words in answer["error"]
    assert set(answer) == {"error", "advice"}


Echo = Callable[[object], Awaitable[dict[str, Any]]]


async def echo(request: object) -> dict[str, Any]:
    return {"phones": [request]}


def test_the_socket_is_its_owners_and_replaces_one_that_is_left(
    tmp_path: Path,
) -> None:
    path = tmp_path / ("deep" * 30) / "phones.socket"  # longer than a socket's name
    path.parent.mkdir()

    async def run() -> None:
        for _ in range(2):
            server = await serve(path, echo)
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            said = await asyncio.to_thread(ask, path, {"verb": "list"})
            assert said == {"phones": [{"verb": "list"}]}
            server.close()

    asyncio.run(run())


def test_an_error_of_the_phones_is_one_of_the_asker(tmp_path: Path) -> None:
    async def refuse(_: object) -> dict[str, Any]:
        return {"error": "no", "advice": "Ask for less."}

    async def run() -> None:
        server = await serve(tmp_path / "s", refuse)
        with pytest.raises(ServiceError, match="no") as refused:
            await asyncio.to_thread(ask, tmp_path / "s", {})
        assert refused.value.advice == "Ask for less."
        server.close()

    asyncio.run(run())


def test_where_no_phones_are_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="this lab has no phones") as refused:
        ask(tmp_path / "nothing", {})
    assert "--phones" in refused.value.advice


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"no JSON\n", b"that is no JSON"),
        (b"[" * 10_000 + b"\n", b"that is no JSON"),
        (b'{"a": 1}\n{"b": 2}\n', b'{"phones": [{"b": 2}]}'),
        (b"x" * (LONGEST + 10), b""),  # it is closed
        (b"", b""),
    ],
)
def test_bytes_on_the_socket(tmp_path: Path, sent: bytes, said: bytes) -> None:
    async def run() -> bytes:
        server = await serve(tmp_path / "s", echo)
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(sent)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    answer = asyncio.run(run())
    assert said in answer
    assert all(isinstance(json.loads(line), dict) for line in answer.splitlines())


def test_tvs_answers_count_for_as_long_as_they_said(tmp_path: Path) -> None:
    now = [NOW]
    plan = plan_phones(tmp_path, hosts(), phones_of("8845:1"))[0]
    phone = LabPhone(plan, lambda: now[0])
    phone.held = phone.held._replace(vouched={b"one": (0,), b"two": (3,)})
    phone.vouch(b"one", 86400)
    phone.vouch(b"two", 10)
    now[0] += 10
    phone.drop_old_answers()
    assert dict(phone.held.vouched) == {b"one": (0,)}
    assert phone.is_vouched(b"one")
    phone.forget_answers()
    assert not phone.held.vouched
    assert not phone.is_vouched(b"one")


def test_a_phone_without_any_list_opens_its_directory(tmp_path: Path) -> None:
    phone = phones(tmp_path)[0]
    assert asyncio.run(asking.open_directory(phone)) == asking.DIRECTORY
