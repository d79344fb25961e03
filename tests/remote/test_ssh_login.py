"""Logging in: every method, several at once, and what the refusals say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.config.model import SshAddress
from cucmsh.errors import AuthenticationError, ConnectionFailedError, NoAnswerError
from cucmsh.remote.known_hosts import KnownHosts
from cucmsh.remote.ssh.client import Login, open_host, open_node
from cucmsh.secret import Secret
from tests.remote.ssh_hosts import PASSWORD, Behaviour, Person, Server, log_in

pytestmark = pytest.mark.loopback


@pytest.mark.parametrize("way", ["password", "keyboard-interactive"])
def test_password_opens_either_way_and_goes_out_once(
    start: Callable[[Behaviour], Server], known: KnownHosts, way: str
) -> None:
    server = start(Behaviour(way))
    log_in(server, known).close()
    sent = ("password", PASSWORD) if way == "password" else ("answers", (PASSWORD,))
    assert server.told == [("none", "admin"), sent]


@pytest.mark.parametrize(
    ("rounds", "answers"),
    [
        ([[], [("Password: ", False)], []], [(), (PASSWORD,), ()]),
        ([[("Name: ", True), ("Password: ", False)]], [("", PASSWORD)]),
        ([[("Password: ", False)], [("Code: ", False)]], [(PASSWORD,), ("",)]),
        ([[("Password: ", False), ("Again: ", False)]], [(PASSWORD, "")]),
        ([[("Password (shown): ", True)], [("P: ", False)]], [("",), (PASSWORD,)]),
    ],
)
def test_password_answers_the_first_question_that_does_not_echo(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    rounds: list[list[tuple[str, bool]]],
    answers: list[tuple[str, ...]],
) -> None:
    server = start(Behaviour("keyboard-interactive", rounds=rounds))
    log_in(server, known).close()
    assert server.told[1:] == [("answers", each) for each in answers]


def test_wrong_password_goes_out_once_where_two_ways_take_it(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour())
    with pytest.raises(AuthenticationError) as refused:
        log_in(server, known, "wrong")
    assert server.told == [("none", "admin"), ("password", "wrong")]
    assert "tried password; it offers password, keyboard" in refused.value.message
    assert "wrong" not in str(refused.value)


def test_server_that_offers_no_way_of_ours_gets_no_password(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour("publickey,gssapi-with-mic"))
    with pytest.raises(AuthenticationError, match="gssapi-with-mic"):
        log_in(server, known)
    assert server.told == [("none", "admin")]


def test_key_that_is_not_accepted_is_an_authentication_error(
    start: Callable[[Behaviour], Server], identity: Path
) -> None:
    server = start(Behaviour("publickey"))
    line = " ".join(server.host_key)
    with pytest.raises(AuthenticationError, match="cucmsh"):
        open_node(SshAddress(*server.address, "cucmsh", str(identity), line))
    assert [way for way, _ in server.told] == ["publickey"]


def test_password_shows_in_no_repr() -> None:
    login = Login("admin", Secret(PASSWORD))
    assert PASSWORD not in f"{login} {[login]}"


@pytest.mark.parametrize("content", ["", "no key", None])
def test_identity_that_is_no_key_is_named(
    start: Callable[[Behaviour], Server], tmp_path: Path, content: str | None
) -> None:
    server, path = start(Behaviour("publickey")), tmp_path / "id"
    if content is not None:
        path.write_text(content)
    line = " ".join(server.host_key)
    with pytest.raises(AuthenticationError, match=str(path)):
        open_node(SshAddress(*server.address, "cucmsh", str(path), line))


# Several methods at once (docs/security.md F13, CSCun19112)

ALL = ("publickey", "password", "keyboard-interactive")
TWO = [(first, then) for first in ALL for then in ALL if first != then]


@pytest.mark.parametrize(("first", "then"), TWO)
def test_cscun19112_partial_success_is_followed_in_any_order(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    identity: Path,
    first: str,
    then: str,
) -> None:
    server = start(Behaviour(steps=(first, then), takes_keys=True))
    login = Login("admin", Secret(PASSWORD), str(identity))
    open_host(server.address, login, known, Person(answer=True)).close()
    ways = {"answers": "keyboard-interactive"}
    assert [ways.get(way, way) for way, _ in server.told[1:]] == [first, then]


def test_three_methods_in_a_row_work(
    start: Callable[[Behaviour], Server], known: KnownHosts, identity: Path
) -> None:
    server = start(Behaviour(steps=ALL, takes_keys=True))
    login = Login("admin", Secret(PASSWORD), str(identity))
    open_host(server.address, login, known, Person(answer=True)).close()


@pytest.mark.parametrize(("step", "missing"), [(0, "password"), (1, "hostbased")])
def test_missing_method_is_named_after_a_partial_success(
    start: Callable[[Behaviour], Server],
    known: KnownHosts,
    identity: Path,
    step: int,
    missing: str,
) -> None:
    steps = ("publickey", "password", "hostbased")[: step + 2]
    server = start(Behaviour(steps=steps, takes_keys=True))
    password = Secret(PASSWORD) if step else None
    login = Login("admin", password, str(identity))
    with pytest.raises(AuthenticationError) as refused:
        open_host(server.address, login, known, Person(answer=True))
    took = "publickey and password" if step else "publickey"
    assert f"it took {took} and also wants {missing}" in refused.value.message


def test_second_factor_that_we_lack_is_named_in_the_server_s_words(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    rounds = ((("Password: ", False),), (("Verification \x1b[2Jcode: ", False),))
    server = start(Behaviour("keyboard-interactive", rounds=rounds, answers="123456"))
    with pytest.raises(AuthenticationError) as refused:
        log_in(server, known)
    assert "it asked 'Verification \\x1b[2Jcode:' (its words)" in refused.value.message
    assert "second factor" in refused.value.advice
    assert [told[1] for told in server.told[1:]] == [(PASSWORD,), ("",)]


def test_paramiko_1569_second_factor_after_the_password_gets_no_password(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    rounds = ((("One-time code: ", False),),)
    steps = ("password", "keyboard-interactive")
    server = start(Behaviour(rounds=rounds, steps=steps, answers="123456"))
    with pytest.raises(AuthenticationError, match="it took password") as refused:
        log_in(server, known)
    assert "'One-time code:'" in refused.value.message
    assert server.told == [
        ("none", "admin"),
        ("password", PASSWORD),
        ("answers", ("",)),
    ]


def test_refused_interactive_password_is_not_sent_by_the_other_method(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour(steps=("keyboard-interactive",)))
    with pytest.raises(AuthenticationError):
        log_in(server, known, "wrong")
    assert server.told[1:] == [("answers", ("wrong",))]


def test_interactive_that_asks_for_nothing_leaves_the_password_for_its_method(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    rounds: tuple[tuple[tuple[str, bool], ...], ...] = ((("Name: ", True),), ())
    server = start(Behaviour("keyboard-interactive", rounds=rounds))
    with pytest.raises(AuthenticationError, match=r"asked 'Name:' \(its words\)"):
        log_in(server, known)
    assert PASSWORD not in str(server.told)


def test_method_names_of_a_server_are_shown_escaped(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour("hostbased,\x1b]0;owned\x07,\u202e"))
    with pytest.raises(AuthenticationError) as refused:
        log_in(server, known)
    assert refused.value.message.isprintable()
    assert "hostbased" in refused.value.message


def test_connection_cut_during_the_login_is_no_refusal(
    start: Callable[[Behaviour], Server], known: KnownHosts
) -> None:
    server = start(Behaviour(cuts_login=True))
    with pytest.raises(ConnectionFailedError) as broke:
        log_in(server, known)
    assert not isinstance(broke.value, AuthenticationError | NoAnswerError)
