"""``cucmsh phones`` from its options to its exit status."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cucmsh.cli.phones import run
from cucmsh.config.settings import read_settings
from cucmsh.errors import StoreError, UsageError
from tests.phones.sip_messages import NAME, REASON, register
from tests.phones.test_sip import FROM, SIP, WHEN, chunk, packet
from tests.rigs.loopback import LOOPBACK, free_port
from tests.services.made_cluster import made_cluster

pytestmark = pytest.mark.loopback

LINE = "2014-02-26T18:20:00+00:00 pub in.tftpd[7]: RRQ from 10.1.1.9 filename {}\n"


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    made = made_cluster(tmp_path)
    made.write_configurations()
    return made.site.settings.path


def document(capfd: pytest.CaptureFixture[str]) -> dict[str, object]:
    said = json.loads(capfd.readouterr().out)
    assert isinstance(said, dict)
    return said


def test_an_import_says_what_it_found(
    configuration: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "syslog"
    log.write_text(LINE.format(f"CTL{NAME}.tlv") + LINE.format("other") + "\0ITL.tlv\n")
    assert run(configuration, ["import", str(log)]) == 0
    said = capfd.readouterr().out
    assert "3 lines, 1 about phones' lists, 1 not understood (" in said
    assert "(the first is line 3: " in said
    assert "Recorded: 1 claims about 1 phones; 1 say something new." in said
    assert run(configuration, ["import", "--json", str(log)]) == 0
    assert document(capfd)["error"] is None


def test_partly_done_is_3_and_nothing_done_is_1(
    configuration: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "syslog"
    log.write_text(LINE.format(f"CTL{NAME}.tlv"))
    missing = str(tmp_path / "missing")
    assert run(configuration, ["import", str(log), missing]) == 3
    assert "It broke off" in capfd.readouterr().out
    with pytest.raises(StoreError, match="missing"):
        run(configuration, ["import", missing])
    assert run(configuration, ["import", "--json", missing]) == 1
    assert document(capfd)["result"] is None


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["steal"],
        ["import"],
        ["import", "--node", "nobody", "log"],
        ["listen", "--listen", "127.0.0.1:port"],
        ["poll", "--address", "a:b:c/d"],
        ["poll", "--address", "a/\u00e4"],
    ],
)
def test_wrong_use_is_refused(configuration: str, argv: Sequence[str]) -> None:
    with pytest.raises(UsageError):
        run(configuration, argv)


def test_a_page_that_is_not_there_is_1(
    configuration: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(configuration, ["poll", "--address", f"{LOOPBACK}:1"]) == 1
    assert "Connection refused" in capfd.readouterr().out


def test_units_are_printed(
    configuration: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(configuration, ["units", "/var/log/a log"]) == 0
    said = capfd.readouterr().out
    assert f'--config {configuration} phones import --follow "/var/log/a log"' in said
    assert said.count("<<'END'") == 4


def test_units_may_write_where_the_configuration_says(
    configuration: str, capfd: pytest.CaptureFixture[str]
) -> None:
    home = read_settings(configuration).home
    with Path(configuration).open("a") as file:
        file.write('[inventory]\nurl = "sqlite:////srv/known phones/phones.sqlite"\n')
        file.write('[alarms.metrics]\nfile = "/var/lib/node/cucmsh.prom"\n')
    assert run(configuration, ["units"]) == 0
    said = capfd.readouterr().out
    line = f'ReadWritePaths={home} "/srv/known phones" /var/lib/node'
    assert said.splitlines().count(line) == 3


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_listener_writes_what_it_heard_when_it_is_ended(
    configuration: str, end: signal.Signals
) -> None:
    port = free_port()
    words = [sys.executable, "-I", "-m", "cucmsh", "--config", configuration]
    words += ["phones", "listen", "--json", "--listen", f"{LOOPBACK}:{port}"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "Listening on" in process.stderr.readline()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            message = chunk(15, register(REASON).encode())
            sender.sendto(packet(FROM, WHEN, SIP, message), (LOOPBACK, port))
        process.send_signal(end)
        result = json.loads(process.stdout.read())["result"]
        assert process.wait() == 0
    assert result["claims"] == result["recorded"]["claims"] == 1


def test_a_pipe_is_followed_to_its_end(configuration: str) -> None:
    words = [sys.executable, "-I", "-m", "cucmsh", "--config", configuration]
    words += ["phones", "import", "--follow", "--json", "-"]
    line = f"dnsmasq-tftp[7]: sent /srv/CTL{NAME}.tlv to 10.1.1.9"  # and no line end
    done = subprocess.run(words, input=line, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["result"]["recorded"]["claims"] == 1
