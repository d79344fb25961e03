"""A whole lab in a process of its own, and the ways to look at it from outside."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

from cucmsh import testing
from cucmsh.testing import Node
from tests.rigs.terminal import Prompt, open_terminal
from tests.rigs.tftp_get import by_curl

CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
SECONDS = 15

# What a command that is refused may write: who guessed how often, which host was seen.
NOTES = ("known_hosts", "failures")


class Lab(testing.Lab):
    """`cucmsh lab --serve`, started by hand: a test may break and kill it.

    Attributes:
        root: its directory, which is kept.
        process: the lab's.
        subscriber: the first one.
        nodes: the publisher, then all subscribers.
    """

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [*CUCMSH, "lab", "--serve", "--dir", str(root), *options],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"no lab; exit status {self.process.wait()}"
        super().__init__(json.loads(line))
        self.subscriber = self.subscribers[0]
        self.nodes = [self.publisher, *self.subscribers]

    def stop(self) -> int:
        """End it as a service manager does; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(4 * SECONDS)  # two nodes may take 10 each
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def prompt(self, node: Node | None = None) -> Prompt:
        """A session at a node's `admin:`; the publisher's without one."""
        return prompt_of((node or self.publisher).config)

    def call(
        self, node: Node, line: str, answers: str = "", seconds: float = SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """One command with `-c`; answers a line each."""
        return subprocess.run(
            [*CUCMSH, "--config", str(node.config), "-c", line],
            input=answers,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def digests(self) -> dict[str, str]:
        """Every file of every node but logs, locks, sockets and counted passwords."""
        found = {}
        for node in self.nodes:
            for top in (node.home, node.tftp_directory):
                for path in sorted(top.rglob("*")):
                    skipped = "log" in path.parts or path.suffix == ".lock"
                    if path.is_file() and not skipped and path.name not in NOTES:
                        raw = path.read_bytes()
                        found[str(path)] = hashlib.sha256(raw).hexdigest()
        return found

    def fetch(self, node: Node, name: str, into: Path) -> bytes:
        """What the node serves, through curl."""
        return by_curl(*node.tftp, name, into)


def prompt_of(config: Path) -> Prompt:
    """A session at the `admin:` of the node that the configuration names."""
    words = [*CUCMSH, "--config", str(config)]
    opened = Prompt(open_terminal(words, seconds=SECONDS))
    opened.await_prompt()
    return opened
