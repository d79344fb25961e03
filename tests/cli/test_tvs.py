"""``cucmsh tvs``: a process that answers phones over TLS, as others see it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from cucmsh.app import open_site
from cucmsh.config.settings import read_settings
from cucmsh.pki.model import Unit
from cucmsh.secret import Secret
from cucmsh.services.certificates.keystore import Keystore
from cucmsh.services.nodes.make import make_node, new_credential
from cucmsh.services.site import Site
from cucmsh.tvs.client import ask
from cucmsh.tvs.codec import QueryAnswer, QueryRequest, VerifyRequest, decode, encode
from tests.rigs.lab import CUCMSH
from tests.rigs.loopback import LOOPBACK, free_port
from tests.rigs.waiting import until

pytestmark = [pytest.mark.loopback, pytest.mark.thorough]

CONFIGURATION = """\
[tvs]
listen = "127.0.0.1"
workers = {workers}
tls_minimum = "{least}"
[node]
name = "pub"
home = "{home}"
[cluster]
domain = "example.org"
[[cluster.nodes]]
name = "pub"
role = "publisher"
services = {services}
tvs = {{ host = "127.0.0.1", port = {port} }}
"""


class Tvs:
    """A node's process, and what it said."""

    def __init__(self, site: Site, log: Path) -> None:
        self.site = site
        self.port = site.node.tvs.port
        self._log = log
        self._out: IO[bytes] = log.open("wb")
        words = [*CUCMSH, "--config", site.settings.path, "tvs"]
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._out
        )
        until(lambda: "listens" in self.said(), "it does not listen")

    def said(self) -> str:
        return self._log.read_text()

    def query(self, unit: Unit = Unit.CALL_MANAGER) -> QueryRequest:
        found = Keystore(self.site).certificate(unit)
        names = found.subject_name, found.issuer_name
        return QueryRequest(1001, "CP-8845-SEP001122334455", *names, found.serial)

    def shown(self) -> bytes:
        """The certificate that it shows (DER)."""
        shown: list[bytes] = []

        def see(der: bytes) -> bool:
            shown.append(der)
            return True

        ask(LOOPBACK, self.port, self.query(), trust=see)
        return shown[0]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(30)
        self._out.close()
        return status


def configured(folder: Path, **values: object) -> Path:
    path = folder / "cucmsh.toml"
    given = {"workers": 1, "least": "1.2", "services": '["tvs"]', "port": 1} | values
    path.write_text(CONFIGURATION.format(home=folder / "home", **given))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("tvs")
    site = open_site(read_settings(str(configured(found))))
    make_node(site, Secret("a password of the cluster"), Secret("another one"))
    return found


@pytest.fixture
def tvs(folder: Path, tmp_path: Path) -> Iterator[Tvs]:
    path = configured(folder, port=free_port())
    found = Tvs(open_site(read_settings(str(path))), tmp_path / "said")
    yield found
    if found.process.poll() is None:
        found.end(signal.SIGKILL)


def test_query_by_openssl_as_a_phone_asks(tvs: Tvs) -> None:
    """TLS 1.2 with RSA key exchange, as an 8861 was seen to speak."""
    words = ["openssl", "s_client", "-quiet", "-tls1_2", "-cipher", "AES256-SHA"]
    words += ["-connect", f"{LOOPBACK}:{tvs.port}"]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as client:
        assert client.stdin
        assert client.stdout
        client.stdin.write(encode(tvs.query()))
        client.stdin.flush()
        head = client.stdout.read(10)
        answer = decode(head + client.stdout.read(int.from_bytes(head[8:10])))
        client.kill()
    own = Keystore(tvs.site).certificate(Unit.CALL_MANAGER)
    assert answer == QueryAnswer(1001, True, own.der, (0, 3), 86_400)


def test_new_certificate_is_served_and_vouched_for_without_a_restart(
    tvs: Tvs,
) -> None:
    keystore = Keystore(tvs.site)
    assert tvs.shown() == keystore.certificate(Unit.TVS).der
    for unit in (Unit.TVS, Unit.CALL_MANAGER):
        old = tvs.query(unit)
        keystore.install(unit, new_credential(tvs.site, unit))
        tvs.process.send_signal(signal.SIGHUP)  # which is no reason to end
        assert tvs.shown() == keystore.certificate(Unit.TVS).der
        for request, is_known in ((old, False), (tvs.query(unit), True)):
            answer = ask(LOOPBACK, tvs.port, request, trust=lambda _: True)
            assert answer.is_known == is_known


def test_another_least_version_is_taken_without_a_restart(
    tvs: Tvs, folder: Path
) -> None:
    assert tvs.shown()
    configured(folder, port=tvs.port, least="1.0")
    old = ask(LOOPBACK, tvs.port, tvs.query(), trust=lambda _: True, is_old=True)
    assert old.is_known
    assert "It speaks TLS 1.0 or newer from now on." in tvs.said()


def test_unreadable_store_leaves_who_is_unknown_unanswered(tvs: Tvs) -> None:
    place = Path(tvs.site.settings.home, "security/imported/CAPF-trust/x.pem")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("no certificate")
    stranger = VerifyRequest(1, "x", b"a stranger's")
    try:
        with pytest.raises(Exception, match="TVS on 127"):
            ask(LOOPBACK, tvs.port, stranger, trust=lambda _: True)
        assert ask(LOOPBACK, tvs.port, tvs.query(), trust=lambda _: True).is_known
    finally:
        place.unlink()
    assert not ask(LOOPBACK, tvs.port, stranger, trust=lambda _: True).is_known
    assert "left unanswered" in tvs.said()
    assert "x.pem" in tvs.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_when_it_is_stopped(tvs: Tvs, number: int) -> None:
    assert tvs.shown()
    assert tvs.end(number) == 0
    assert "Traceback" not in tvs.said()


def test_failed_handshake_is_a_line_with_its_reason(tvs: Tvs) -> None:
    words = ["openssl", "s_client", "-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"]
    words += ["-connect", f"{LOOPBACK}:{tvs.port}"]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode
    reason = "the TLS handshake failed: it speaks no version of TLS that is allowed"
    until(lambda: reason in tvs.said(), "no line")


def test_two_workers_answer_and_end(folder: Path, tmp_path: Path) -> None:
    path = configured(folder, port=free_port(), workers=2, least="1.0")
    tvs = Tvs(open_site(read_settings(str(path))), tmp_path / "said")
    for is_old in (False, True):
        answer = ask(
            LOOPBACK, tvs.port, tvs.query(), trust=lambda _: True, is_old=is_old
        )
        assert answer.is_known
    assert tvs.end() == 0


def refused(path: Path) -> str:
    words = [*CUCMSH, "--config", str(path), "tvs"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_node_without_the_service_says_so(folder: Path) -> None:
    said = refused(configured(folder, services="[]"))
    assert "pub does not run Cisco Trust Verification Service" in said


def test_port_in_use_and_missing_keys_are_one_sentence(
    tvs: Tvs, folder: Path, tmp_path: Path
) -> None:
    said = refused(configured(folder, port=tvs.port))
    assert f"TVS cannot listen on 127.0.0.1, port {tvs.port}" in said
    (tmp_path / "home").mkdir()
    said = refused(configured(tmp_path, port=free_port()))
    assert "cannot be read by TVS: No such file" in said
