"""What we read in a known_hosts file is what OpenSSH reads (goal G13).

Each case is a file and a name; OpenSSH's client says to a real server what it thinks of
the server's key, and we must say the same.
"""

import hmac
import os
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cucmsh.remote.known_hosts import HostKey, KnownHosts, Trust
from tests.rigs.draws import some
from tests.rigs.keys import make_key
from tests.rigs.loopback import LOOPBACK
from tests.rigs.sshd import Sshd

pytestmark = pytest.mark.loopback

ALIAS = "backup.lab"  # ssh then asks for this name, as it does on port 22
SAYS = {
    "HOST IDENTIFICATION HAS CHANGED": Trust.CHANGED,
    "REVOKED HOST KEY": Trust.REVOKED,
    "host key is known for": Trust.STRANGER,
    "Permission denied": Trust.KNOWN,  # it got as far as the login
}


class Shown(NamedTuple):
    """A real server, and the lines of its keys and of a stranger's."""

    port: int
    keys: dict[str, str]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("sshd")
    keys = {
        name: make_key(folder / name, kind)
        for name, kind in (
            *(("ed", "ed25519"), ("rsa", "rsa"), ("ec", "ecdsa")),
            *(("other", "ed25519"), ("otherrsa", "rsa"), ("ca", "ed25519")),
        )
    }
    own = [f"HostKey {folder / name}" for name in ("ed", "rsa", "ec")]
    server = Sshd(folder / "sshd", first=[*own, "LogLevel QUIET"])
    yield Shown(server.port, keys)
    server.stop()


ALGORITHMS = {
    "ed": "ssh-ed25519",
    "rsa": "rsa-sha2-512",
    "ec": "ecdsa-sha2-nistp256",
}


def openssh_says(path: Path, shown: Shown, key: str, name: str) -> Trust:
    """The verdict of the real client."""
    alias = [] if name == LOOPBACK else ["-o", f"HostKeyAlias={name}"]
    done = subprocess.run(
        [
            *("ssh", "-F", "none", "-p", str(shown.port), "-l", "nobody", *alias),
            *("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"),
            *("-o", f"UserKnownHostsFile={path}", "-o", "GlobalKnownHostsFile=none"),
            *("-o", f"HostKeyAlgorithms={ALGORITHMS[key]}"),
            *("-o", "UpdateHostKeys=no", "-o", "IdentityFile=none", LOOPBACK, "true"),
        ],
        capture_output=True,
        text=True,
        timeout=30,
        env={"PATH": os.environ["PATH"]},
        check=False,
    )
    found = [trust for text, trust in SAYS.items() if text in done.stderr]
    assert found, done.stderr
    return found[0]


def hashed(name: str, salt: bytes = bytes(range(20))) -> str:
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{b64encode(salt).decode()}|{b64encode(digest).decode()}"


# Each: what the file holds ({ed} is the line of that key, {port} the server's port),
# the key that is shown, and the name it is asked for: the address with its port, or an
# alias, which has none.
A, H = ALIAS, LOOPBACK
CASES = [
    ("", "ed", A),
    ("# only a comment\n\n\r\n \t\n", "ed", A),
    (f"{A} {{ed}}\n", "ed", A),
    (f"{A} {{ed}}", "ed", A),
    (f"{A} {{ed}}\r\n", "ed", A),
    (f"{A} {{ed}} a comment with * and @revoked\n", "ed", A),
    (f" \t{A} \t{{ed}}\n", "ed", A),
    (f"{A}\t{{ed}}\n", "ed", A),
    (f"{A} {{other}}\n", "ed", A),
    (f"{A} {{rsa}}\n", "ed", A),
    (f"{A} {{otherrsa}}\n", "rsa", A),
    (f"{A} {{other}}\n{A} {{ed}}\n", "ed", A),
    (f"{A} {{ed}}\n{A} {{other}}\n", "ed", A),
    (f"{A} {{ed}}\n{A} {{rsa}}\n{A} {{ec}}\n", "ec", A),
    (f"{A} {{ed}}\n{A} {{rsa}}\n", "ec", A),
    ("BACKUP.Lab {ed}\n", "ed", A),
    ("backup {ed}\n", "ed", A),
    ("backup.lab.example {ed}\n", "ed", A),
    (f"x,{A},y {{ed}}\n", "ed", A),
    (f"x, {A} {{ed}}\n", "ed", A),
    (f",{A}, {{ed}}\n", "ed", A),
    ("* {ed}\n", "ed", A),
    ("*.lab {ed}\n", "ed", A),
    ("*.LAB {ed}\n", "ed", A),
    ("backup.la? {ed}\n", "ed", A),
    ("backup?lab {ed}\n", "ed", A),
    ("backup.la?? {ed}\n", "ed", A),
    ("b*k*p*lab {ed}\n", "ed", A),
    ("*backup.lab* {ed}\n", "ed", A),
    ("[b]ackup.lab {ed}\n", "ed", A),
    (f"*,!{A} {{ed}}\n", "ed", A),
    (f"!{A},* {{ed}}\n", "ed", A),
    (f"!other,{A} {{ed}}\n", "ed", A),
    ("!other {ed}\n", "ed", A),
    (f"*,!{A} {{other}}\n{A} {{ed}}\n", "ed", A),
    (f"!{A} {{ed}}\n* {{other}}\n", "ed", A),
    (f"{hashed(A)} {{ed}}\n", "ed", A),
    (f"{hashed(A)} {{other}}\n", "ed", A),
    (f"{hashed('x.lab')} {{ed}}\n", "ed", A),
    (f"{hashed('BACKUP.LAB')} {{ed}}\n", "ed", A),
    (f"{hashed(A)},x {{ed}}\n", "ed", A),
    (f"x,{hashed(A)} {{ed}}\n", "ed", A),
    (f"{hashed(A, b'short')} {{ed}}\n", "ed", A),
    (f"|2|{hashed(A)[3:]} {{ed}}\n", "ed", A),
    ("|1|no base64|x {ed}\n", "ed", A),
    (f"@revoked {A} {{ed}}\n", "ed", A),
    (f"@revoked {A} {{ed}}\n{A} {{ed}}\n", "ed", A),
    (f"{A} {{ed}}\n@revoked * {{ed}}\n", "ed", A),
    (f"@revoked {A} {{other}}\n{A} {{ed}}\n", "ed", A),
    (f"@revoked x.lab {{ed}}\n{A} {{ed}}\n", "ed", A),
    (f"@revoked {hashed(A)} {{ed}}\n{A} {{ed}}\n", "ed", A),
    (f"@revoked {A} {{ed}}\n{A} {{other}}\n", "ed", A),
    (f"@revoked  \t{A} {{ed}}\n", "ed", A),
    (f"@revoked\t{A} {{ed}}\n", "ed", A),
    (f"@REVOKED {A} {{ed}}\n{A} {{ed}}\n", "ed", A),
    (f"@revoked @revoked {A} {{ed}}\n{A} {{ed}}\n", "ed", A),
    (f"@unknown {A} {{ed}}\n", "ed", A),
    (f"@cert-authority {A} {{ed}}\n", "ed", A),
    (f"@cert-authority * {{ca}}\n{A} {{ed}}\n", "ed", A),
    ("@cert-authority * {ca}\n", "ed", A),
    (f"# {A} {{ed}}\n", "ed", A),
    (f"{A}\n{A} ssh-ed25519\n{A} {{ed}}\n", "ed", A),
    (f"{A} ssh-ed25519 AAAA\n", "ed", A),
    (f"{A} ssh-ed25519 !!!!\n{A} {{ed}}\n", "ed", A),
    (f"{A} no-such-type AAAA\n", "ed", A),
    (f"{A} 1024 65537 1234567\n", "ed", A),
    (f"{A} ssh-rsa {{ed.key}}\n", "ed", A),
    (f"{A} ED25519 {{ed.key}}\n", "ed", A),
    (f"{A} rsa {{rsa.key}}\n", "rsa", A),
    (f"{A} rsa-sha2-512 {{rsa.key}}\n", "rsa", A),
    (f"{A} ECDSA {{ec.key}}\n", "ec", A),
    (f"{A} {{ed.torn}}", "ed", A),
    (f"{A} {{otherrsa.torn}}", "rsa", A),
    (f"{A} {{ed}}AAAA\n", "ed", A),
    (f"h\xf6st\xff {{ed}}\n{A} {{ed}}\n", "ed", A),
    (f"{'x' * 5000},{A} {{ed}}\n", "ed", A),
    (f"{'x' * 1023},{A} {{ed}}\n", "ed", A),
    (f"{'x' * 1022},{A} {{ed}}\n", "ed", A),
    ("::1,fe80::1 {ed}\n", "ed", "::1"),
    ("[::1] {ed}\n", "ed", "::1"),
    ("*:* {ed}\n", "ed", "::1"),
    (f"{hashed('::1')} {{ed}}\n", "ed", "::1"),
    (f"[{H}]:{{port}} {{ed}}\n", "ed", H),
    (f"[{H}]:{{port}} {{other}}\n", "ed", H),
    (f"[{H}]:1 {{ed}}\n", "ed", H),
    (f"[{H}]:1 {{other}}\n", "ed", H),
    (f"{H} {{ed}}\n", "ed", H),
    (f"{H} {{other}}\n", "ed", H),
    (f"{H}:{{port}} {{ed}}\n", "ed", H),
    (f"{H} {{other}}\n[{H}]:{{port}} {{ed}}\n", "ed", H),
    (f"{H} {{ed}}\n[{H}]:{{port}} {{other}}\n", "ed", H),
    (f"[{H}]:* {{ed}}\n", "ed", H),
    ("[127.0.*]:{port} {ed}\n", "ed", H),
    ("127.0.* {ed}\n", "ed", H),
    ("* {ed}\n", "ed", H),
    ("* {other}\n", "ed", H),
    (f"*,!{H} {{ed}}\n", "ed", H),
    (f"*,![{H}]:{{port}} {{ed}}\n", "ed", H),
    (f"@revoked [{H}]:{{port}} {{ed}}\n", "ed", H),
    (f"@revoked [{H}]:{{port}} {{ed}}\n{H} {{ed}}\n", "ed", H),
    (f"@revoked {H} {{ed}}\n[{H}]:{{port}} {{ed}}\n", "ed", H),
    (f"@revoked * {{ed}}\n[{H}]:{{port}} {{ed}}\n", "ed", H),
    (f"@cert-authority [{H}]:{{port}} {{ed}}\n", "ed", H),
]


def test_table_is_large_enough() -> None:
    assert len(CASES) >= 40
    assert len(set(CASES)) == len(CASES)


def written(path: Path, content: str, shown: Shown) -> None:
    text = content.replace("{port}", str(shown.port))
    for name, line in shown.keys.items():
        kind, key = line.split()
        text = text.replace(f"{{{name}}}", line).replace(f"{{{name}.key}}", key)
        text = text.replace(f"{{{name}.torn}}", f"{kind} {key[: len(key) // 8 * 4]}")
    path.write_bytes(text.encode("latin-1"))


@pytest.mark.parametrize(("content", "key", "name"), some(CASES, 30))
def test_verdict_is_openssh_s(
    shown: Shown, tmp_path: Path, content: str, key: str, name: str
) -> None:
    path = tmp_path / "known_hosts"
    written(path, content, shown)
    before = path.read_bytes()
    port = shown.port if name == LOOPBACK else 22
    kind, text = shown.keys[key].split()
    verdict = KnownHosts(str(path)).judge(name, port, HostKey(kind, text))
    assert verdict is openssh_says(path, shown, key, name)
    assert path.read_bytes() == before


def test_hashed_names_are_those_that_ssh_keygen_makes(
    shown: Shown, tmp_path: Path
) -> None:
    path = tmp_path / "known_hosts"
    known = KnownHosts(str(path))
    key = HostKey(*shown.keys["ed"].split())
    for host, port in ((ALIAS, 22), (ALIAS, 2222), ("::1", 22), ("fe80::1", 2222)):
        known.add(host, port, key)
    subprocess.run(
        ["ssh-keygen", "-H", "-f", str(path)], check=True, capture_output=True
    )
    assert ALIAS not in path.read_text()
    for host, port in ((ALIAS, 22), (ALIAS, 2222), ("::1", 22), ("fe80::1", 2222)):
        assert known.judge(host, port, key) is Trust.KNOWN
        assert known.find(host, port) == [key]
    assert known.judge("other", 22, key) is Trust.STRANGER
