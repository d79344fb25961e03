"""A phone of a lab: asked through the lab's socket, a line of JSON in, a line out.

A request is answered when it is done: after ``reset`` the phone has started.
"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from cucmsh.errors import ServiceError
from cucmsh.layout import LAB_PHONES_CONTROL

SECONDS = 60


class Phone:
    """One phone.

    Attributes:
        name: ``SEP`` and its MAC address.
        model: such as ``8845``.
        page: the URL of its status messages.
    """

    def __init__(self, described: dict[str, str], directory: Path) -> None:
        self.name = described["name"]
        self.model = described["model"]
        self.page = described["page"]
        self._directory = directory

    def show(self) -> dict[str, Any]:
        """What it holds, runs and shows; its corporate directory is opened, too."""
        return self.ask("show")

    @property
    def status(self) -> list[str]:
        """Its status messages as they stand on its screen, the oldest first."""
        return list(self.ask("wait")["status"])

    def reset(self) -> dict[str, Any]:
        """Start it, all of it."""
        return self.ask("reset")

    def restart(self) -> dict[str, Any]:
        """Let it read its files anew; what TVS said is remembered."""
        return self.ask("restart")

    def erase(self) -> dict[str, Any]:
        """Erase its lists as by its menu; it starts then."""
        return self.ask("erase")

    def unplug(self) -> dict[str, Any]:
        """Take its power away."""
        return self.ask("unplug")

    def plug(self) -> dict[str, Any]:
        """Give it power, and let it start."""
        return self.ask("plug")

    def set_clock(self, at: int | None) -> dict[str, Any]:
        """Set its clock: seconds since 1970, None for the right time."""
        return self.ask("clock", at=at)

    def ask(self, verb: str, **more: object) -> dict[str, Any]:
        """What it is after that verb (docs/lab.md#phones).

        Raises:
            ServiceError: it cannot be done, or nobody answers.
        """
        request = {"verb": verb, "names": [self.name], **more}
        answer = _exchange(self._directory, json.dumps(request).encode() + b"\n")
        if "error" in answer:
            raise ServiceError(answer["error"], answer["advice"])
        (shown,) = answer["phones"]
        return dict(shown)


def _exchange(directory: Path, line: bytes) -> dict[str, Any]:
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(SECONDS)
            # Short enough for a socket's name, however deep the directory lies.
            asking.connect(f"/proc/self/fd/{folder}/{LAB_PHONES_CONTROL}")
            asking.sendall(line)
            with asking.makefile("rb") as stream:
                return dict(json.loads(stream.readline()))
    except (OSError, ValueError) as problem:
        raise ServiceError(f"the phones do not answer: {problem}") from problem
    finally:
        os.close(folder)
