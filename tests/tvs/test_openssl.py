"""OpenSSL's own client, under the two Pythons whose defaults differ."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from cucmsh.tvs.client import AskError, Failure, ask
from cucmsh.tvs.codec import QueryRequest
from tests.rigs.tvs import DEBIAN_PYTHON, HOST, Pair, Process, Vouching, tvs_process

pytestmark = pytest.mark.loopback

SECONDS = 20
LEVEL_0 = ("-cipher", "DEFAULT:@SECLEVEL=0")
KNOWN = QueryRequest(
    1001, "CP-7965", Vouching.SUBJECT, Vouching.SUBJECT, Vouching.SERIAL
)
PYTHONS = pytest.mark.parametrize(
    "python", [sys.executable, DEBIAN_PYTHON], scope="module", ids=["ours", "Debian's"]
)


@pytest.fixture(scope="module")
def current(python: str, pair: Pair) -> Iterator[Process]:
    with tvs_process(pair, "1.2", python=python) as process:
        yield process


@pytest.fixture(scope="module")
def old(python: str, pair: Pair) -> Iterator[Process]:
    with tvs_process(pair, "1.0", python=python) as process:
        yield process


def s_client(process: Process, *words: str, typed: str = "Q\n") -> str:
    """What it says of the session."""
    address = f"{HOST}:{process.port}"
    found = subprocess.run(
        ["openssl", "s_client", "-connect", address, *words],
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    return found.stdout + found.stderr


@PYTHONS
@pytest.mark.parametrize(
    ("words", "version", "cipher"),
    [
        (("-tls1_2", "-cipher", "AES256-SHA"), "TLSv1.2", "AES256-SHA"),
        (
            ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"),
            "TLSv1.2",
            "ECDHE-RSA-AES256-GCM-SHA384",
        ),
        (("-tls1_3",), "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    ],
)
def test_current_phones_are_served_by_both(
    current: Process, old: Process, words: tuple[str, ...], version: str, cipher: str
) -> None:
    for process in (current, old):
        said = s_client(process, *words)
        assert f"New, {version}, Cipher is {cipher}" in said.replace("SSLv3", "TLSv1.2")
        assert "Verify return code: 18 (self-signed certificate)" in said


@PYTHONS
@pytest.mark.parametrize(
    ("words", "version"),
    [
        (("-tls1", *LEVEL_0), "TLSv1"),
        (("-tls1", "-cipher", "AES256-SHA"), "TLSv1"),
        (("-tls1_1", *LEVEL_0), "TLSv1.1"),
    ],
)
def test_old_phones_are_served_where_they_are_let_in(
    current: Process, old: Process, words: tuple[str, ...], version: str
) -> None:
    said = s_client(old, *words)
    assert f"Protocol  : {version}\n" in said  # stands there without a session, too
    assert "Cipher is (NONE)" not in said
    assert "self-signed certificate" in said
    said = s_client(current, *words)
    assert "Cipher is (NONE)" in said
    assert "alert protocol version" in said
    assert "no peer certificate available" in said


@PYTHONS
def test_ours_asks_as_an_old_phone_and_is_answered_or_told_why(
    current: Process, old: Process, pair: Pair
) -> None:
    def trust(der: bytes) -> bool:
        return der == pair.der

    assert ask(HOST, old.port, KNOWN, trust=trust, is_old=True).is_known
    assert ask(HOST, old.port, KNOWN, trust=trust).is_known
    assert ask(HOST, current.port, KNOWN, trust=trust).is_known
    with pytest.raises(AskError, match="allows no version of TLS") as refused:
        ask(HOST, current.port, KNOWN, trust=trust, is_old=True)
    assert refused.value.failure is Failure.NO_HANDSHAKE


@PYTHONS
def test_a_client_certificate_makes_no_difference(
    current: Process, old: Process, other_pair: Pair
) -> None:
    words = ("-cert", str(other_pair.certificate), "-key", str(other_pair.key))
    for process in (current, old):
        said = s_client(process, "-tls1_2", *words)
        assert "Cipher is ECDHE-RSA" in said
        assert "No client certificate CA names sent" in said


@PYTHONS
def test_nobody_negotiates_anew(current: Process) -> None:
    said = s_client(current, "-tls1_2", typed="R\n")
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said
    assert ask(HOST, current.port, KNOWN, trust=lambda _der: True).is_known


@PYTHONS
def test_no_ticket_is_given_and_no_session_taken_up(current: Process) -> None:
    said = s_client(current, "-tls1_2", "-reconnect")
    assert "TLS session ticket" not in said
    assert s_client(current, "-tls1_3").count("New Session Ticket arrived") == 0


def test_the_log_names_each_that_was_refused(pair: Pair) -> None:
    with tvs_process(pair) as process:
        s_client(process, "-tls1", *LEVEL_0)
        s_client(process, "-tls1_2", "-cipher", "PSK")
        assert process.end() == 0
    lines = "".join(process.lines)
    assert lines.count("it speaks no version of TLS that is allowed here") == 1
    assert lines.count("127.0.0.1: the TLS handshake failed") == len(process.lines)
