"""The least version of TLS: each of the four, and another one while TVS runs."""

from __future__ import annotations

import socket
import ssl
import warnings
from itertools import product

import pytest

from cucmsh.tvs.contexts import Identity, TlsMinimum, server_context
from tests.rigs.tvs import Pair
from tests.tvs.conftest import Running, Start

pytestmark = [pytest.mark.loopback, pytest.mark.thorough]

VERSIONS: dict[TlsMinimum, ssl.TLSVersion] = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}


def speaks(running: Running, version: TlsMinimum) -> bool:
    """Whether a client of this one version gets through its handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = VERSIONS[version]
    with socket.create_connection(running.server.address, timeout=10) as sock:
        try:
            with context.wrap_socket(sock) as tls:
                return tls.version() == {"1.0": "TLSv1"}.get(version, f"TLSv{version}")
        except ssl.SSLError:
            return False


@pytest.mark.parametrize(("least", "spoken"), list(product(VERSIONS, VERSIONS)))
def test_clients_of_less_are_refused_and_no_others(
    start: Start, pair: Pair, least: TlsMinimum, spoken: TlsMinimum
) -> None:
    running = start(Identity(pair.pem, least))
    assert speaks(running, spoken) == (spoken >= least)


def test_another_least_version_holds_from_the_next_handshake_on(
    start: Start, pair: Pair
) -> None:
    said: list[TlsMinimum] = ["1.2"]
    running = start(Identity(pair.pem, "1.2", lambda: said[-1]))
    assert not speaks(running, "1.0")
    said.append("1.0")
    assert speaks(running, "1.0")
    running.logged("It speaks TLS 1.0 or newer from now on.")
    said.append("1.3")
    assert not speaks(running, "1.2")
    assert speaks(running, "1.3")


@pytest.mark.parametrize("least", VERSIONS)
def test_no_warning_of_a_version_reaches_anybody(
    recwarn: pytest.WarningsRecorder, pair: Pair, least: TlsMinimum
) -> None:
    context = server_context(Identity(pair.pem, least))
    assert context.options & ssl.OP_NO_SSLv3
    assert not recwarn.list
