"""Asterisk's manager interface: asked, told, and whatever it does instead."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from cucmsh.config.phones import AmiAddress
from cucmsh.errors import (
    AuthenticationError,
    ConnectionFailedError,
    CucmshError,
    NoAnswerError,
    ServiceError,
)
from cucmsh.remote import ami
from cucmsh.remote.ami import Ami
from cucmsh.secret import Secret
from tests.rigs.ami import CHALLENGE, SECRET, USER, Contact, StandInAmi
from tests.rigs.loopback import LOOPBACK, free_port

pytestmark = pytest.mark.loopback
NAME = "SEP001122334455"
HEADERS = (("Event", "service-control"), ("Content", "a=1"), ("Content", "b={2}"))


@pytest.fixture
def asterisk() -> Iterator[StandInAmi]:
    server = StandInAmi()
    yield server
    server.close()


def log_in(server: StandInAmi, user: str = USER, secret: str = SECRET) -> Ami:
    return Ami(AmiAddress(LOOPBACK, server.port, user, ""), Secret(secret))


def test_contacts_are_read_and_a_notify_is_sent(asterisk: StandInAmi) -> None:
    asterisk.contacts[NAME] = [
        Contact(f"sip:a@{LOOPBACK}:9", "one@phone"),
        Contact(f"sip:b@{LOOPBACK}:9", "two@phone"),
    ]
    with log_in(asterisk) as connection:
        first, second = connection.contacts(NAME)
        assert first == (f"sip:a@{LOOPBACK}:9", "one@phone", "1000")
        connection.notify(("URI", second.uri), HEADERS)
        assert asterisk.told == [
            [
                ("URI", second.uri),
                ("Variable", "Event=service-control"),
                ("Variable", "Content=a=1"),
                ("Variable", "Content=b={2}"),
            ]
        ]
        with pytest.raises(ServiceError, match="Unable to retrieve endpoint other"):
            connection.contacts("other")
        assert len(connection.contacts(NAME)) == 2  # it goes on after a refusal


@pytest.mark.parametrize(("user", "secret"), [(USER, "wrong"), ("x", SECRET)])
def test_a_wrong_secret_is_said_and_not_shown(
    asterisk: StandInAmi, user: str, secret: str
) -> None:
    with pytest.raises(AuthenticationError, match="accepts neither") as told:
        log_in(asterisk, user, secret)
    assert secret not in f"{told.value.message}{told.value.advice}"


@pytest.mark.parametrize(
    "given",
    ["", "Challenge: \r\n", "Challenge: 123\r\n"],
    ids=["none", "empty", "short"],
)
def test_nothing_is_sent_of_a_secret_without_a_challenge(
    asterisk: StandInAmi, given: str
) -> None:
    asterisk.silent_at = "Challenge"
    asterisk.raw = f"Response: Success\r\nActionID: 1\r\n{given}\r\n".encode()
    with pytest.raises(AuthenticationError, match="gives no challenge to log in by"):
        log_in(asterisk)
    assert "Login" not in asterisk.asked


def test_one_that_trickles_is_hung_up_on_in_time(
    asterisk: StandInAmi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right answer comes, but after the end: seconds pass with each look."""
    seconds = count(step=3)
    monkeypatch.setattr(ami, "monotonic", lambda: next(seconds))
    asterisk.silent_at = "Challenge"
    asterisk.raw = (
        b"Event: x\r\nActionID: 9\r\n\r\n" * 9_000
        + b"Response: Success\r\nActionID: 1\r\nChallenge: "
        + CHALLENGE.encode()
        + b"\r\n\r\n"
    )
    with pytest.raises(NoAnswerError, match="did not answer within 10 seconds"):
        log_in(asterisk).close()


@pytest.mark.parametrize("action", ["Challenge", "Login", "PJSIPShowEndpoint"])
def test_one_that_hangs_is_hung_up_on(
    asterisk: StandInAmi, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ami, "ANSWER_SECONDS", 0.1)
    asterisk.silent_at = action
    with pytest.raises(NoAnswerError, match="did not answer within"):  # noqa: SIM117
        with log_in(asterisk) as connection:
            connection.contacts(NAME)


@pytest.mark.parametrize(
    "raw",
    [
        b"x" * (ami.LARGEST_BLOCK * 3),
        b"Event: x\r\nActionID: 9\r\n\r\n" * (ami.MOST_BLOCKS + 10),
        b"\xff\xfe\r\n\r\n" * 20_000,
    ],
    ids=["no end", "no answer", "garbage"],
)
def test_one_that_talks_without_end_is_hung_up_on(
    asterisk: StandInAmi, raw: bytes
) -> None:
    asterisk.silent_at, asterisk.raw = "Challenge", raw
    with pytest.raises(ConnectionFailedError, match=r"is no AMI|come to an end"):
        log_in(asterisk)


def test_one_that_hangs_up_is_told(asterisk: StandInAmi) -> None:
    with log_in(asterisk) as connection:
        asterisk.contacts[NAME] = []
        assert connection.contacts(NAME) == []
        for each in asterisk._open:  # noqa: SLF001 - Asterisk is restarted
            each.shutdown(2)
        with pytest.raises(ConnectionFailedError, match=r"hung up|broke off"):
            connection.contacts(NAME)


def test_nobody_there_is_one_sentence() -> None:
    address = AmiAddress(LOOPBACK, free_port(), USER, "")
    with pytest.raises(ConnectionFailedError, match=r"does not answer: .*refused"):
        Ami(address, Secret(SECRET))


@pytest.mark.parametrize("value", ["x\r\nAction: Command", "x,Event=y", 'x"y', "x\\y"])
def test_no_value_becomes_another_request(asterisk: StandInAmi, value: str) -> None:
    with log_in(asterisk) as connection:
        with pytest.raises(CucmshError):
            connection.notify(("Endpoint", NAME), (("Content", value),))
        with pytest.raises(ServiceError, match=r"line end|Unable"):
            connection.contacts(value)
    assert not asterisk.told
