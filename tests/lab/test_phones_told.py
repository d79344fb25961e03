"""``python -m cucmsh.lab.phones.tell``: what `utils phone reset` runs in the lab."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cucmsh.lab.phones.tell import tell

pytestmark = pytest.mark.loopback
NAME = "SEP001122334455"


class Phones:
    """Answers one asker, and keeps what it asked."""

    def __init__(self, path: Path) -> None:
        self.asked: list[Any] = []
        self.answer: bytes = json.dumps({"phones": [{"is_plugged": True}]}).encode()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer, peer.makefile("rb") as lines:
            for line in lines:
                self.asked.append(json.loads(line))
                if len(self.asked) == 1:
                    peer.sendall(self.answer + b"\n")

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def phones(tmp_path: Path) -> Iterator[Phones]:
    made = Phones(tmp_path / "phones")
    yield made
    made.close()


def test_a_phone_is_told_and_not_waited_for(phones: Phones, tmp_path: Path) -> None:
    assert tell(str(tmp_path / "phones"), "restart", NAME) == ""
    phones.thread.join()
    assert phones.asked == [
        {"verb": "list", "names": [NAME]},
        {"verb": "restart", "names": [NAME]},
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"error": "there is no phone", "advice": ""}', "there is no phone"),
        (b'{"phones": [{"is_plugged": false}]}', f"{NAME} has no power"),
        (b"{}", "the lab's phones broke off"),
        (b"no JSON", "the lab's phones broke off"),
        (b"", "the lab's phones broke off"),
    ],
)
def test_what_keeps_a_phone_from_it_is_said(
    phones: Phones, tmp_path: Path, answer: bytes, said: str
) -> None:
    phones.answer = answer
    assert tell(str(tmp_path / "phones"), "reset", NAME) == said
    phones.thread.join()
    assert len(phones.asked) == 1


def test_a_lab_without_phones_is_said(tmp_path: Path) -> None:
    said = tell(str(tmp_path / "phones"), "reset", NAME)
    assert said.startswith("the lab has no phones: ")
