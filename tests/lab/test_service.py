"""A lab node's TFTP service: it comes up, whatever becomes of its log."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from cucmsh.lab.service import TftpService, answer
from cucmsh.layout import START_RESULT
from cucmsh.tftp.server import TftpServer

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"
SAYS = [sys.executable, "-I", "-c", "print('composed')"]


def test_a_log_that_cannot_be_written_keeps_no_service_down(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file where the folder of logs should be")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HOST, 0))
        port = holder.getsockname()[1]
    service = TftpService(TftpServer(HOST, port, tmp_path), SAYS, tmp_path)
    try:
        services = {"tftp": service}
        assert answer(services, "tftp start") == "done"
        assert answer(services, "tftp status") == "done"
        assert answer(services, "tftp stop") == "done"
        assert answer(services, "tftp status") == "not running"
        assert answer(services, "tvs start") == "'tvs' is none of tftp"
        assert answer(services, "tftp kill").startswith("'kill' is none of start, ")
    finally:
        service.stop()


def test_what_the_hook_says_is_in_the_log(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HOST, 0))
        port = holder.getsockname()[1]
    service = TftpService(TftpServer(HOST, port, tmp_path), SAYS, tmp_path)
    try:
        service.start()
    finally:
        service.stop()
    assert "composed" in (tmp_path / "log" / "tftp").read_text()


@pytest.mark.parametrize(
    ("hook", "result"),
    [
        (SAYS, "success exited 0\n"),
        ([*SAYS[:-1], "raise SystemExit(1)"], "exit-code exited 1\n"),
        (["/no/such/program"], "exit-code exited 203\n"),
    ],
)
def test_how_the_hook_ended_is_written_as_the_unit_does(
    tmp_path: Path, hook: list[str], result: str
) -> None:
    (tmp_path / START_RESULT).parent.mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((HOST, 0))
        port = holder.getsockname()[1]
    service = TftpService(TftpServer(HOST, port, tmp_path), hook, tmp_path)
    try:
        service.start()
    finally:
        service.stop()
    assert (tmp_path / START_RESULT).read_text() == result
