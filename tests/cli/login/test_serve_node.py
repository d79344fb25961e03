"""Another node's key on a member, behind a real sshd: hooks, and no way past them."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.cli.login.box import CCM, CUCMSH, SECURITY, Box
from tests.rigs.draws import some
from tests.rigs.keys import make_key
from tests.rigs.loopback import LOOPBACK, free_port

pytestmark = [pytest.mark.loopback, pytest.mark.terminal]

ACCOUNT = "cucmsh"
KEYS = "/home/cucmsh/.ssh/authorized_keys"
HOME = "/var/lib/cucmsh"
STAGING = f"{HOME}/state/staging"
SECRETS = f"{HOME}/security/secrets"
PRIVATE = f"{HOME}/security/CallManager/private.pem"
BYTES = b"staged bytes"
SHA256 = sha256(BYTES).hexdigest()
LINK = "install-list-sub-1"


class Node:
    """Another node, which has a key on the box."""

    def __init__(self, box: Box, folder: Path) -> None:
        self.box = box
        self.identity = folder / "identity"
        self.public = make_key(self.identity)
        self.line = f'restrict,command="{CUCMSH} hook serve-node" {self.public}'
        self.authorize(self.line)

    def authorize(self, *lines: str) -> None:
        text = "".join(f"{line} cucmsh@other\n" for line in lines)
        self.box.node(["sh", "-c", f"mkdir -p ~{ACCOUNT}/.ssh; cat > {KEYS}"], text)

    def ssh(
        self, *words: str, program: str = "ssh", port: int = 0, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        port = port or self.box.plain.port
        options = ["-o", f"IdentityFile={self.identity}"]
        own = self.box.options(port, program)
        at = own.index("-i")
        words = (*own[:at], *own[at + 2 :], *options, "-o", f"User={ACCOUNT}", *words)
        return subprocess.run(
            [program, *words],
            input=stdin,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )

    def run(self, line: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return self.ssh("--", LOOPBACK, line, stdin=stdin)


@pytest.fixture(scope="module")
def node(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    made = Node(box, tmp_path_factory.mktemp("node"))
    box.node(["mkdir", "-p", STAGING])
    box.node(["ln", "-s", f"{SECRETS}/security", f"{STAGING}/{LINK}"])
    yield made
    box.node(["rm", "-rf", KEYS, STAGING])


def tree(box: Box) -> str:
    """Every file that the account can change, with its digest; not its logs."""
    look = f"find {HOME} /srv /home -type f -not -path '*/log/*' "
    look += "-not -name '*.lock' -print0 2>/dev/null | sort -z | xargs -0r sha256sum"
    return box.node(["sh", "-c", look])


def says_nothing_secret(done: subprocess.CompletedProcess[str]) -> None:
    said = done.stdout + done.stderr
    for secret in (SECURITY, CCM, "PRIVATE KEY", "scrypt"):
        assert secret not in said
    assert "uid=" not in said
    assert "Traceback" not in said


ESCAPES = [
    f"cat {SECRETS}/security",
    "id",
    "",
    "sh",
    "/bin/sh -c id",
    "true; id",
    CUCMSH,
    f"{CUCMSH} -c 'show itl'",
    f"{CUCMSH} node list",
    f"{CUCMSH} hook",
    f"{CUCMSH} hook nosuch",
    f"{CUCMSH} hook serve-node",
    f"{CUCMSH} hook tftp-start",
    f"{CUCMSH} hook sign /etc/passwd",
    f"{CUCMSH} hook 'describe; id'",
    f"{CUCMSH} hook describe; id",
    f"{CUCMSH} hook describe && id",
    f"{CUCMSH} hook describe\nid",
    f"{CUCMSH} hook describe $(id)",
    f"{CUCMSH} hook 'describe",
    f"{CUCMSH} hook install-list ../../security/secrets/security {SHA256} - active",
    f"{CUCMSH} hook install-list {LINK} {SHA256} - active",
    f"{CUCMSH} hook join ../../security/secrets/security {SHA256}",
    f"{CUCMSH} hook join {LINK} {SHA256}",
    f"{CUCMSH} hook join {PRIVATE} {SHA256}",
    f"{CUCMSH} hook install-certificate - {SHA256} ../../../../home/cucmsh/x TVS",
    f"{CUCMSH} hook stage ../../security/secrets/security-1 {SHA256}",
    f"{CUCMSH} hook stage ../x-1 {SHA256}",
    f"{CUCMSH} hook stage /home/cucmsh/.ssh/rc-1 {SHA256}",
    f"{CUCMSH} hook stage .. {SHA256}",
    f"{CUCMSH} hook stage '' {SHA256}",
    f"{CUCMSH} hook stage install-list-stranger-0a {SHA256}",
    f"{CUCMSH} hook stage x-0a {SHA256}",
    f"{CUCMSH} hook discard ../../security/secrets/security",
    f"{CUCMSH} hook discard {PRIVATE}",
    f"{CUCMSH} hook leave somebody",
    f"{CUCMSH} hook leave",
    "internal-sftp",
    "/usr/lib/openssh/sftp-server",
    f"/usr/lib/openssh/sftp-server -d {STAGING}",
    f"scp -f {SECRETS}/security",
    f"scp -t {STAGING}",
    "rsync --server --sender . /var/lib/cucmsh/security",
]


@pytest.mark.parametrize("line", some(ESCAPES, 15))
def test_whatever_is_asked_for_opens_nothing(node: Node, line: str) -> None:
    before = tree(node.box)
    done = node.run(line, stdin=BYTES.decode())
    assert done.returncode in (1, 2), done
    says_nothing_secret(done)
    assert tree(node.box) == before


@pytest.mark.parametrize("program", ["sftp", "scp", "scp -O"])
@pytest.mark.parametrize("remote", [f"{SECRETS}/security", f"{STAGING}/x", "x"])
def test_no_file_goes_in_or_out(
    node: Node, program: str, remote: str, tmp_path: Path
) -> None:
    before = tree(node.box)
    local = tmp_path / "file"
    local.write_bytes(BYTES)
    there = f"{LOOPBACK}:{remote}"
    name, *flags = program.split()
    if name == "sftp":
        batch = tmp_path / "batch"
        batch.write_text(f"put {local} {remote}\nget {remote} {local}\nls /\n")
        done = node.ssh("-b", str(batch), LOOPBACK, program="sftp")
        assert done.returncode != 0
        says_nothing_secret(done)
    else:
        for words in ((there, str(local)), (str(local), there)):
            done = node.ssh(*flags, *words, program="scp")
            assert done.returncode != 0
            says_nothing_secret(done)
    assert local.read_bytes() == BYTES
    assert tree(node.box) == before


def test_a_terminal_and_a_shell_are_refused(node: Node) -> None:
    done = node.ssh("-tt", LOOPBACK, stdin="id\ncat /etc/passwd\n")
    assert done.returncode != 0
    says_nothing_secret(done)
    assert "root:" not in done.stdout


def test_the_clients_environment_counts_for_nothing(node: Node) -> None:
    server = node.box.careless()
    try:
        own = {
            "CUCMSH_CONFIG": "/etc/passwd",
            "PYTHONPATH": "/tmp",
            "PYTHONSTARTUP": f"{SECRETS}/security",
            "HOME": "/root",
            "SSH_ORIGINAL_COMMAND": "id",
        }
        words = [f"SetEnv={name}={text}" for name, text in own.items()]
        for word in words:
            done = node.ssh(
                *("-o", word, LOOPBACK, f"{CUCMSH} hook describe"), port=server.port
            )
            assert json.loads(done.stdout)["name"] == "pub", done
    finally:
        server.close()


def test_nothing_is_forwarded(node: Node, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as target:
        there = f"{LOOPBACK}:{target.getsockname()[1]}"
        target.settimeout(0.3)
        # Data for a stranger's port, through a channel of its own.
        done = node.ssh("-W", there, LOOPBACK, stdin="let me in")
        assert done.returncode != 0
        with pytest.raises(TimeoutError):
            target.accept()
    for words in (
        ("-R", f"{free_port()}:{there}"),
        ("-R", f"{tmp_path}/socket:{there}"),
        ("-R", str(free_port())),
    ):
        options = ("-o", "ExitOnForwardFailure=yes", "-N", *words)
        assert node.ssh(*options, LOOPBACK).returncode != 0, words
    # A local forward fails when it is used; agent, X11 and a device change nothing.
    for option in ("-A", "-X"):
        done = node.ssh(option, LOOPBACK, f"{CUCMSH} hook describe")
        assert json.loads(done.stdout)["name"] == "pub", done


def test_the_hooks_that_nodes_need_run(node: Node) -> None:
    assert json.loads(node.run(f"{CUCMSH} hook describe").stdout)["name"] == "pub"
    assert node.run("/elsewhere/cucmsh hook service-status").stdout.split()[0] in (
        *("active", "inactive"),
    )
    name = "install-list-pub-0a"
    words = [CUCMSH, "hook", "stage", name, SHA256]
    done = node.run(shlex.join(words), stdin=BYTES.decode())
    assert (done.returncode, done.stdout) == (0, "staged\n"), done.stderr
    assert node.box.node(["cat", f"{STAGING}/{name}"]) == BYTES.decode()
    # The next attempt of the same node takes what an earlier one left away.
    words[3] = "install-list-pub-0b"
    assert node.run(shlex.join(words), stdin=BYTES.decode()).returncode == 0
    assert node.box.node(["ls", STAGING]).split() == ["install-list-pub-0b", LINK]
    # Neither more nor fewer bytes than announced.
    for given in ("staged byte", "staged bytes!"):
        done = node.run(shlex.join(words), stdin=given)
        assert (done.returncode, "not what was to be sent" in done.stderr) == (1, True)
    assert node.run(f"{CUCMSH} hook discard {words[3]}").returncode == 0
    assert node.box.node(["ls", STAGING]).split() == [LINK]


def test_what_was_refused_is_in_the_log(node: Node) -> None:
    assert node.run("cat /etc/shadow").returncode == 1
    log = node.box.node(["cat", f"{HOME}/log/audit"])
    last = json.loads(log.splitlines()[-1])
    assert "cat /etc/shadow" in json.dumps(last)
    assert last["outcome"] == "RefusedError"


def test_a_node_that_leaves_takes_its_line_and_no_other(node: Node) -> None:
    other = "ssh-ed25519 AAAAC3other"
    key = node.public.split()[1]
    by_hand = f'from="10.0.0.1" {node.public}'
    node.authorize(node.line, by_hand, other)
    assert node.run(f"{CUCMSH} hook leave AAAAC3other").returncode == 0
    assert node.run(f"{CUCMSH} hook leave {key}").returncode == 0
    left = node.box.node(["cat", KEYS])
    assert left == f"{by_hand} cucmsh@other\n{other} cucmsh@other\n"
    node.authorize(node.line)
