"""What comes by HEP is bounded for each sender."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from cucmsh.services.phones.listen import Listening, listen
from tests.rigs.loopback import LOOPBACK
from tests.services.made_cluster import made_cluster

pytestmark = pytest.mark.loopback


class Flood:
    """A ``ListenDialog``: ten packets come before the first look, and then it ends."""

    def __init__(self) -> None:
        self._looks = iter([False, True])

    def listening(self, host: str, port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            for _ in range(10):
                sending.sendto(b"no HEP", (host, port))

    def say(self, line: str) -> None:
        raise AssertionError(line)

    def is_over(self, seconds: float) -> bool:
        assert not seconds
        return next(self._looks)


def test_of_one_sender_so_many_packets_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cucmsh.services.phones.listen.BURST", 3)
    monkeypatch.setattr("cucmsh.services.phones.listen.A_SECOND", 0)
    site = made_cluster(tmp_path).site
    heard = listen(site, Listening(LOOPBACK, 0), Flood())
    assert (heard.packets, heard.too_many) == (3, 7)
