"""The known breaks of other restricted shells, one test each, by their names.

Each comes as an exec request to the shipped sshd, and is judged by what was executed:
nothing but what an innocent request executes. How the same strings do in the other ways
in, and random ones, is the escape suite's business (tests/escape).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.login.box import ADMIN, Box
from tests.rigs.draws import some

pytestmark = [pytest.mark.loopback]

EXECUTED = re.compile(r'execve(?:at)?\(.*?"([^"]+)"')
CANARY = "/tmp/cucmsh-break"
TOUCH = f"touch {CANARY}"

# What broke (docs/security.md#breaks-of-others), and what would break us.
BREAKS: dict[str, tuple[str, ...]] = {
    "CVE-2017-8386 git-shell: a name that is an option opens a pager": (
        "git-upload-pack '--help'",
        "help --help",
        "show itl --help",
    ),
    "gitolite: a newline in the client's command": (
        f"show itl\n{TOUCH}",
        f"show itl\r{TOUCH}",
    ),
    "gitolite 3.1: path traversal": (
        "file list tftp ../../../etc",
        "file get tftp ../../etc/passwd",
    ),
    "gitolite 3.6.11: rsync's helper": (f"rsync --server -e '{TOUCH}' . .",),
    "CVE-2012-3478 rssh: the environment": (
        f"scp -S/bin/sh -o'ProxyCommand {TOUCH}' a b",
        f"LD_PRELOAD=/tmp/x.so show itl; {TOUCH}",
    ),
    "CVE-2012-2251 rssh: rsync -e": (f"rsync -e {CANARY} --server . .",),
    "CVE-2012-2252 rssh: rsync --rsh": (f"rsync --rsh={CANARY} --server . .",),
    "CVE-2019-1000018 rssh: scp's options": (f"scp -S {CANARY} -t .", "scp -f -S x y"),
    "CVE-2019-3463 rssh: rsync's arguments": (
        f"rsync --server --daemon --config={CANARY}",
    ),
    "CVE-2019-3464 rssh: rsync's environment": ("rsync --server --sender . ~/.popt",),
    "scponly 4.0: a helper that names another program": (
        f"svnserve -t --tunnel-user={CANARY}",
        f"unison -server -sshcmd {CANARY}",
    ),
    "CVE-2016-6902 lshell #147: a syntax that is read in two ways": (
        f"show itl;{TOUCH}",
        f"show itl && {TOUCH}",
        f"show itl|{TOUCH}",
    ),
    "lshell #148: a quoted path": (f"'/bin/touch' {CANARY}", f'"touch" {CANARY}'),
    "CVE-2016-6903 lshell #149: a second line by Ctrl-V Ctrl-J": (
        f"show itl\x16\n{TOUCH}",
        f"show itl\x11\n{TOUCH}",
    ),
    "lshell #151: cd () bash": (f"cd () bash && {TOUCH}", "cd () { :; } && bash"),
    "CVE-2021-20039 SonicWall: a newline that no filter sees": (
        f"show itl\n`{TOUCH}`",
        f"show\x85itl\u2028{TOUCH}",
    ),
    "CVE-2014-6271 Shellshock: a function": (f"() {{ :; }}; {TOUCH}",),
    "CVE-2014-0741 VOS: certificate import reads any file": (
        "show cert own ../../../../etc/passwd",
        "set cert import trust /etc/passwd",
    ),
    "CVE-2014-0742 VOS: CSR writes any file": (f"set csr gen {CANARY}",),
    "CVE-2014-0747 VOS: a command in CAPF's words": (
        f"set cert regen `{TOUCH}`",
        f"utils capf set x;{TOUCH}",
    ),
    "CVE-2025-20278 VOS: an option among the arguments": (
        f"file get tftp --config={CANARY}",
        "utils itl reset remotekey -oProxyCommand=x a b",
    ),
    "CVE-2025-20112 VOS: a system command with rights of its own": (
        f"utils service restart $({TOUCH})",
        f"utils service restart Cisco Tftp;{TOUCH}",
    ),
    "CVE-2024-20399 NX-OS: a command in an argument": (
        f"show itl | {TOUCH}",
        f"show cert own CallManager${{IFS}}{TOUCH}",
    ),
    "CVE-2023-51385 OpenSSH: a command in a host name": (
        f"utils itl reset remotekey `{TOUCH}` user /p",
    ),
}


class Traced:
    """A server whose sessions' programs are written down."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._log = box.folder / "executed"
        calls = ["-e", "trace=execve,execveat", "-e", "signal=none"]
        strace = ["strace", "-f", "--seccomp-bpf", *calls, "-o", str(self._log)]
        self._server = box.sshd(before=strace)
        self.innocent = self.run("show version active")[1] | self.run("show itl")[1]

    def run(self, line: str) -> tuple[int, set[str]]:
        """The status, and every program that this request executed."""
        before = self._log.stat().st_size
        done = self._box.ssh(ADMIN, "--", "127.0.0.1", line, port=self._server.port)
        text = self._log.read_bytes()[before:].decode(errors="replace")
        return done.returncode, set(EXECUTED.findall(text))

    def close(self) -> None:
        self._server.close()


@pytest.fixture(scope="module")
def traced(box: Box) -> Iterator[Traced]:
    box.root(["sed", "-i", '1i exec = "all"', "/etc/cucmsh/cucmsh.toml"])
    made = Traced(box)
    yield made
    made.close()
    box.root(["sed", "-i", "1d", "/etc/cucmsh/cucmsh.toml"])


@pytest.mark.parametrize("name", some(BREAKS, 8))
def test_known_break_of_another_shell_executes_nothing(
    traced: Traced, name: str
) -> None:
    for line in BREAKS[name]:
        status, executed = traced.run(line)
        assert status in (1, 2), line
        assert "/usr/local/bin/cucmsh-login" in executed
        assert executed <= traced.innocent, (line, executed - traced.innocent)
    assert not Path(CANARY).exists()
