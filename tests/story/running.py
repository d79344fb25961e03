"""A real lab in a process of its own, and the ways to look at it from outside."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect

CUCMSH = [sys.executable, "-I", "-m", "cucmsh"]
SECONDS = 15


class Lab:
    """`cucmsh lab --serve` as a program sees it."""

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
        self.described: dict[str, Any] = json.loads(line)
        self.publisher = self.described["publisher"]
        self.subscriber = self.described["subscribers"][0]
        self.nodes = [self.publisher, *self.described["subscribers"]]
        self.sftp = self.described["sftp"]
        self.passwords = self.described["passwords"]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(4 * SECONDS)  # two nodes may take 10 each
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def shell(self, node: dict[str, Any]) -> "Shell":
        return Shell([*CUCMSH, "--config", node["config"]])

    def call(
        self, node: dict[str, Any], line: str, answers: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """One command with `-c`; answers a line each."""
        return subprocess.run(
            [*CUCMSH, "--config", node["config"], "-c", line],
            input=answers,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )

    def digests(self) -> dict[str, str]:
        """Every file of every node but logs, locks and the sockets."""
        found = {}
        for node in self.nodes:
            for top in (node["home"], node["tftp_directory"]):
                for path in sorted(Path(top).rglob("*")):
                    skipped = "log" in path.parts or path.suffix == ".lock"
                    if path.is_file() and not skipped and path.name != "known_hosts":
                        raw = path.read_bytes()
                        found[str(path)] = hashlib.sha256(raw).hexdigest()
        return found

    def fetch(self, node: dict[str, Any], name: str, into: Path) -> bytes:
        """What the node serves, through curl: a TFTP client of another make."""
        address = f"{node['tftp']['host']}:{node['tftp']['port']}"
        subprocess.run(
            ["curl", "-s", "-f", "-m", "20", "-o", into, f"tftp://{address}/{name}"],
            check=True,
        )
        return into.read_bytes()


class Shell:
    """The prompt on a terminal of its own."""

    def __init__(self, words: list[str], password: str = "") -> None:
        self.child = pexpect.spawn(
            words[0],
            words[1:],
            env={"TERM": "vt100", "PATH": os.defpath},
            dimensions=(24, 80),
            timeout=SECONDS,
            encoding="utf-8",
            echo=True,
        )
        self.child.delaybeforesend = None
        self.seen = ""
        if password:
            self.answer("assword:", password)
        self.await_prompt()

    def await_text(self, text: str) -> str:
        """Wait for the text; return what came before it."""
        try:
            self.child.expect_exact(text)
        except (pexpect.TIMEOUT, pexpect.EOF) as problem:
            rest = self.child.before
            raise AssertionError(f"no {text!r} in {rest!r}") from problem
        before = str(self.child.before)
        self.seen += before + text
        return before.replace("\r\n", "\n")

    def await_prompt(self) -> str:
        return self.await_text("\r\nadmin:")

    def send(self, text: str) -> None:
        self.child.send(text)

    def call(self, line: str) -> str:
        """Send a command; return its output without the echo."""
        self.send(f"{line}\r")
        echo, _, output = self.await_prompt().partition("\n")
        assert echo == line
        return output

    def answer(self, question: str, text: str) -> str:
        before = self.await_text(question)
        self.send(f"{text}\r")
        return before

    def quit(self) -> int:
        self.send("quit\r")
        return self.quit_status()

    def quit_status(self) -> int:
        """Wait for the end."""
        self.child.expect(pexpect.EOF)
        self.child.close()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -1)
