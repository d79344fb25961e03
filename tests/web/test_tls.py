"""The page off loopback: TLS by the tomcat pair, as openssl and curl see it."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cucmsh.app import admit_to_page
from cucmsh.config.web import WebSettings
from cucmsh.errors import CertificateError, ServiceError
from cucmsh.layout import pair_file
from cucmsh.pki.model import Unit
from cucmsh.services.site import Site
from cucmsh.web import connections, server
from cucmsh.web.server import serve
from tests.rigs.loopback import LOOPBACK, free_port
from tests.services.made_cluster import MadeCluster

pytestmark = pytest.mark.loopback


@contextmanager
def served(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The page as `cucmsh web` has it, until the body ends."""
    port, started = free_port(), threading.Event()
    running: list[connections.BoundedServer] = []

    class Watched(connections.BoundedServer):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            running.append(self)
            started.set()

    monkeypatch.setattr(server, "BoundedServer", Watched)
    settings = site.settings._replace(own_web=WebSettings(port=port))
    shown = site.with_settings(settings)
    thread = threading.Thread(target=serve, args=(lambda: shown, admit_to_page))
    thread.start()
    assert started.wait(60)
    try:
        yield port
    finally:
        running[0].should_exit = True
        thread.join()


def put_pair(site: Site) -> None:
    """Another tomcat pair, put in the place of the present one as the store does it.

    Made cluster's keys are too short for OpenSSL.
    """
    pair = Path(site.settings.home, pair_file(Unit.TOMCAT))
    new = pair.with_name("new")
    name = site.settings.cluster.full_name(site.node)
    wanted = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    key = pair.with_name("key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *wanted),
            *("-keyout", str(key), "-out", str(new)),
        ],
        capture_output=True,
        check=True,
    )
    new.write_bytes(key.read_bytes() + new.read_bytes())
    new.replace(pair)


@pytest.fixture
def site(cluster: MadeCluster) -> Site:
    put_pair(cluster.site)
    return cluster.site


def handshake(port: int, *options: str) -> str:
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"{LOOPBACK}:{port}", *options],
        input="",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout


def certificate(port: int, *options: str) -> str:
    """What is shown in the handshake, PEM."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    text = handshake(port, *options)
    return begin + text.partition(begin)[2].partition(end)[0] + end


def pem(site: Site) -> str:
    text = Path(site.settings.home, pair_file(Unit.TOMCAT)).read_text()
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return begin + text.partition(begin)[2].partition(end)[0] + end


def test_tls_by_the_tomcat_pair_and_another_one_without_a_restart(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Path(site.settings.home, pair_file(Unit.TOMCAT))
    with served(site, monkeypatch) as port:
        before = pem(site)
        assert certificate(port, "-servername", site.node.name) == before
        assert certificate(port, "-noservername") == before
        for version in ("-tls1_2", "-tls1_3"):
            assert certificate(port, version) == before
        old = ("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        assert "Cipher is (NONE)" in handshake(port, *old)
        put_pair(site)
        assert pem(site) != before
        assert certificate(port, "-noservername") == pem(site)
        assert certificate(port, "-servername", site.node.name) == pem(site)
        after = pem(site)
        pair.write_bytes(b"no pair")
        assert certificate(port) == after


def test_curl_takes_it_for_the_node(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trusted = tmp_path / "tomcat.pem"
    trusted.write_text(pem(site))
    name = site.settings.cluster.full_name(site.node)
    with served(site, monkeypatch) as port:
        found = subprocess.run(
            [
                *("curl", "-sS", "-i", "--noproxy", "*", "--cacert", str(trusted)),
                *("--resolve", f"{name}:{port}:{LOOPBACK}", f"https://{name}:{port}/"),
            ],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert found.stdout.startswith("HTTP/1.1 200"), found.stderr
    assert "strict-transport-security: max-age=" in found.stdout.lower()
    assert "set-cookie: __host-cucmsh" in found.stdout.lower()


def test_handshakes_that_do_not_come_are_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "HANDSHAKE_SECONDS", 0.2)
    with (
        served(site, monkeypatch) as port,
        socket.create_connection((LOOPBACK, port), 30) as client,
    ):
        assert client.recv(1) == b""


def test_plain_http_is_no_tls(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with (
        served(site, monkeypatch) as port,
        socket.create_connection((LOOPBACK, port), 30) as client,
    ):
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not client.recv(100).startswith(b"HTTP")
    assert capfd.readouterr().err == ""


def test_a_taken_port_and_a_missing_pair_are_one_sentence(site: Site) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        port = other.getsockname()[1]
        settings = site.settings._replace(own_web=WebSettings(port=port))
        shown = site.with_settings(settings)
        with pytest.raises(ServiceError, match=f"port {port} of {LOOPBACK}"):
            serve(lambda: shown, admit_to_page)
    Path(site.settings.home, pair_file(Unit.TOMCAT)).write_text("none")
    with pytest.raises(CertificateError, match="no certificate that TLS can show"):
        serve(lambda: shown, admit_to_page)
