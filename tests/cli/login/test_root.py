"""What root runs spoils no node, and acts on nobody else's word."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.login.box import CUCMSH, SETTINGS, Box

pytestmark = [pytest.mark.loopback]

HOME = "/var/lib/cucmsh"
ROOTS = "/srv/roots"  # a node in a home of root's
TRACE = "/srv/trace"
ASKED = "SSH_ORIGINAL_COMMAND=show version active"
BY_ROOT: dict[str, tuple[list[str], str]] = {
    "command": ([CUCMSH, "-c", "show version active"], ""),
    "JSON": ([CUCMSH, "-c", "show itl", "--json"], ""),
    "change": ([CUCMSH, "-c", "utils tftp sign"], ""),
    "prompt": ([CUCMSH], "show version active\nquit\n"),
    "TFTP start": ([CUCMSH, "hook", "tftp-start"], ""),
    "replicas": ([CUCMSH, "hook", "update-replicas"], ""),
    "hook": ([CUCMSH, "hook", "sign", "/srv/tftp/SEP1.cnf.xml"], ""),
    "node": ([CUCMSH, "node", "list"], ""),
    "forced command": (["env", ASKED, CUCMSH], ""),
}


def roots_files(box: Box) -> str:
    return box.root(["find", HOME, "/srv/tftp", "-not", "-user", "cucmsh"])


@pytest.mark.parametrize("name", BY_ROOT)
def test_no_file_of_the_node_becomes_roots(box: Box, name: str) -> None:
    words, typed = BY_ROOT[name]
    box.node(["touch", "/srv/tftp/SEP1.cnf.xml"])
    box.root(["rm", "-rf", f"{HOME}/log", f"{HOME}/state/node.lock"])
    box.root(words, typed)
    assert roots_files(box) == ""
    assert box.root(["cat", f"{HOME}/log/audit"])


def test_record_names_who_came_by_sudo(box: Box) -> None:
    box.root(["env", "SUDO_USER=alice", CUCMSH, "-c", "show version active"])
    last = json.loads(box.root(["tail", "-n", "1", f"{HOME}/log/audit"]))
    assert (last["sudo"], last["user"], last["uid"]) == (
        "alice",
        "cucmsh",
        box.root(["id", "-u", "cucmsh"]).strip(),
    )


def test_home_of_nobodys_is_refused_with_the_command_that_helps(box: Box) -> None:
    box.root(["chown", "64123", HOME])
    try:
        status, said = box.try_root([CUCMSH, "-c", "show version active"])
    finally:
        box.root(["chown", "cucmsh", HOME])
    assert status == 1
    assert said == (
        f"cucmsh: {HOME} belongs to user id 64123, which has no account\n"
        f"Give it to the node's account: chown -R cucmsh: {HOME}\n"
    )


def test_forced_command_of_root_answers_exec_as_the_prompt(box: Box) -> None:
    shown = box.root([CUCMSH], "show version active\nquit\n")
    told = box.root(["env", ASKED, "SSH_CONNECTION=1 2 3 4", CUCMSH])
    assert told.splitlines()[0] in shown
    asked = "SSH_ORIGINAL_COMMAND=set cert regen TVS"
    status, told = box.try_root(["env", asked, CUCMSH])
    assert (status, "does not run by an exec request" in told) == (1, True)
    status, told = box.try_root(["env", "SSH_ORIGINAL_COMMAND=scp -t .", CUCMSH])
    assert (status, "sftp, scp and rsync do not work here" in told) == (1, True)


@pytest.fixture
def roots_node(box: Box) -> Iterator[str]:
    """A node in a home of root's; gives its configuration, which is the account's."""
    path = "/etc/cucmsh/other.toml"
    box.root(["cp", "-a", HOME, ROOTS])
    box.root(["chown", "-R", "root:", ROOTS])
    text = box.root(["cat", SETTINGS]).replace(HOME, ROOTS)
    text += f"""
[[cluster.nodes]]
name = "branch1"
role = "replica"
services = ["tftp"]
tftp_directory = "/srv/tftp"

[cluster.nodes.ssh]
host = "127.0.0.1"
port = {box.shipped.port}
identity = "{ROOTS}/ssh/id_ed25519"
host_key = "ssh-ed25519 AAAA"
"""
    box.put(path, text)
    box.root(["chown", "cucmsh:", path])
    yield path
    box.root(["rm", "-rf", ROOTS, path, TRACE])


def test_doctor_as_root_in_a_home_of_roots_opens_no_key(
    box: Box, roots_node: str
) -> None:
    trace = ["strace", "-f", "-qq", "-o", TRACE, "-e", "trace=open,openat,connect"]
    status, said = box.try_root([*trace, CUCMSH, "--config", roots_node, "doctor"])
    assert status != 0
    assert "fail  branch1: as root no node is logged in to. " in said
    assert "private.pem is root's: as root no key is opened. " in said
    assert "ok    the ITL verifies\n" in said
    done = box.root(["cat", TRACE]).splitlines()
    secrets = ("private.pem", ".p12", "/security/secrets", "id_ed25519")
    opened = [line for line in done if any(name in line for name in secrets)]
    assert opened == []
    assert not any(f"htons({box.shipped.port})" in line for line in done)


@pytest.mark.parametrize("words", [["-c", "show itl"], ["hook", "tftp-start"], []])
def test_root_does_not_act_on_what_another_account_says(
    box: Box, roots_node: str, words: list[str]
) -> None:
    before = box.root(["find", ROOTS, "-newer", f"{ROOTS}/state"])
    status, said = box.try_root([CUCMSH, "--config", roots_node, *words])
    assert status == 1
    assert "root does not act on what that one says\n" in said
    assert box.root(["find", ROOTS, "-newer", f"{ROOTS}/state"]) == before


def test_root_becomes_nobody_on_another_accounts_word(box: Box) -> None:
    """What a configuration runs, its owner could run as whoever has the home."""
    path, home = "/etc/cucmsh/lent.toml", "/srv/lent"
    made = "/srv/made-by-it"
    box.root(["cp", "-a", HOME, home])
    box.root(["chown", "-R", "games:", home])
    text = box.root(["cat", SETTINGS]).replace(HOME, home)
    box.put(path, text.replace('status = ["true"]', f'status = ["touch", "{made}"]'))
    box.root(["chown", "cucmsh:", path])
    box.root(["chmod", "1777", "/srv"])
    try:
        for words in (["doctor"], ["-c", "show itl"], ["hook", "tftp-start"], []):
            status, said = box.try_root([CUCMSH, "--config", path, *words])
            assert status == 1
            assert (
                f"{home} is games's, and {path} is another account's: root does not "
                "act on what that one says\n"
                f"Give it, and its folder, to games or to root: chown games: {path}\n"
            ) in said
        assert "made-by-it" not in box.root(["ls", "/srv"])
    finally:
        box.root(["chmod", "755", "/srv"])
        box.root(["rm", "-rf", home, path, made])


def test_node_that_root_made_is_roots_as_before(box: Box, roots_node: str) -> None:
    box.root(["chown", "root:", roots_node, "/etc/cucmsh"])
    try:
        box.root([CUCMSH, "--config", roots_node, "-c", "show itl"])
    finally:
        box.root(["chown", "cucmsh:", "/etc/cucmsh"])
    assert box.root(["find", ROOTS, "-not", "-user", "root"]) == ""
