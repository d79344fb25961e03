"""The production chapter on real sshds: from nothing to finished resets.

The tests of this module follow each other, as the chapter's steps do.
"""

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cucmsh.app import open_site
from cucmsh.config.settings import read_settings
from cucmsh.services.nodes.health.finding import Level
from cucmsh.services.nodes.health.node_status import examine_members
from cucmsh.trustlist.decode import decode
from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import Host, Member
from tests.rigs.terminal import ends

pytestmark = [pytest.mark.loopback, pytest.mark.terminal]

ABOUT = ["--domain", "example.org", "--subject", "O=example;C=US"]


@pytest.fixture(scope="module")
def branch(make_host: Callable[[str], Host]) -> Host:
    return make_host("branch1")


@pytest.fixture(scope="module")
def second(make_host: Callable[[str], Host]) -> Host:
    return make_host("sub")


@pytest.fixture(scope="module")
def subscriber(second: Host) -> Member:
    return Member(second.folder, "sub", second.tftp)


def signer(raw: bytes) -> str:
    return decode(raw).header.signer_name.split(";")[0].removeprefix("CN=")


def reset(publisher: Member) -> str:
    """`utils itl reset localkey`, typed at the prompt."""
    child = publisher.spawn()
    child.expect_exact("admin:")
    child.send("utils itl reset localkey\r")
    child.expect_exact("Enter CCM Administrator password :")
    child.send(f"{CCM}\r")
    child.expect_exact("\r\nadmin:", timeout=120)
    shown = str(child.before)
    child.send("quit\r")
    ends(child)
    return shown


def test_publisher_is_made_by_typing_each_password_twice(publisher: Member) -> None:
    child = publisher.spawn("init", "publisher", *ABOUT, *publisher.init_options)
    child.expect_exact("Is this right (yes/no)? ")
    shown = str(child.before)
    assert "CN  pub.example.org (ITLRECOVERY_pub.example.org in" in shown
    assert "O   example (organization)" in shown
    assert "C   US (country)" in shown
    child.send("yes\r")
    for question, answer in (
        ("security password :", SECURITY),
        ("security password (again) :", SECURITY),
        ("CCM Administrator password :", CCM),
        ("CCM Administrator password (again) :", CCM),
    ):
        child.expect_exact(question)
        assert answer not in str(child.before)
        child.send(f"{answer}\r")
    status, shown = ends(child)
    assert (status, SECURITY in shown, CCM in shown) == (0, False, False), shown
    assert "The publisher pub is made" in shown
    assert "hook tftp-start" in shown
    settings = read_settings(str(publisher.config))
    assert (settings.digest, settings.keep_trust) == ("sha512", True)
    for path in publisher.home.rglob("*"):
        is_public = path.suffix in (".pem", ".pub") and path.name != "private.pem"
        expected = 0o700 if path.is_dir() else 0o644 if is_public else 0o600
        assert path.stat().st_mode & 0o777 == expected, path
    assert publisher.home.stat().st_mode & 0o777 == 0o700


def test_first_list_is_composed_when_tftp_starts(
    publisher: Member, tmp_path: Path
) -> None:
    assert publisher.tftp.do("start") == 0
    raw = publisher.tftp.fetch("ITLFile.tlv", tmp_path / "list")
    assert signer(raw) == "pub.example.org"
    done = publisher.call("-c", "show itl")
    assert "The ITL file was verified successfully." in done.stdout


def test_replica_is_added_after_its_fingerprint_was_confirmed(
    publisher: Member, branch: Host, administrator: Path, tmp_path: Path
) -> None:
    assert branch.tftp.do("start") == 0
    identity = ["--identity", str(administrator)]
    words = ["node", "add", "branch1", *branch.options, *branch.tftp.options]
    child = publisher.spawn(*words, *identity)
    child.expect_exact("(yes/no)? ")
    shown = str(child.before)
    assert branch.fingerprint("sha256") in shown
    assert branch.fingerprint("md5").removeprefix("MD5:") in shown
    assert "branch1 becomes a replica" in shown
    assert not branch.authorized_keys.exists()
    child.send("yes\r")
    status, shown = ends(child)
    assert status == 0, shown
    assert f"serves {branch.tftp.directory}" in shown
    assert os.listdir(branch.tftp.directory) == ["ITLFile.tlv"]
    ours = (publisher.tftp.directory / "ITLFile.tlv").read_bytes()
    assert branch.tftp.fetch("ITLFile.tlv", tmp_path / "list") == ours
    line = branch.authorized_keys.read_text()
    public = (publisher.home / "ssh/id_ed25519.pub").read_text()
    assert line == f"restrict {public}"
    assert branch.authorized_keys.stat().st_mode & 0o777 == 0o600
    assert branch.authorized_keys.parent.stat().st_mode & 0o777 == 0o700
    node = read_settings(str(publisher.config)).cluster.find("branch1")
    assert node is not None
    assert node.ssh is not None
    assert node.ssh.host_key == branch.key_line


def test_reset_brings_the_publishers_list_to_the_replica(
    publisher: Member, branch: Host, tmp_path: Path
) -> None:
    shown = reset(publisher)
    assert "Cisco Tftp service restarted on host branch1" in shown
    raw = publisher.tftp.fetch("ITLFile.tlv", tmp_path / "pub")
    assert branch.tftp.fetch("ITLFile.tlv", tmp_path / "branch") == raw
    assert signer(raw) == "ITLRECOVERY_pub.example.org"


def test_subscriber_is_made_there_and_added_here(
    publisher: Member, second: Host, subscriber: Member, administrator: Path
) -> None:
    made = subscriber.call(
        *("init", "subscriber", "--publisher", "pub", *ABOUT),
        *subscriber.init_options,
        *("--secrets-fd", "FD"),
        secrets=f"{SECURITY}\n",
    )
    assert made.returncode == 0, made.stderr
    done = publisher.call(
        *("node", "add", "sub", "--role", "subscriber", *second.options),
        *("--identity", str(administrator), "--host-key", second.key_line),
        *("--program", " ".join(subscriber.program)),
    )
    assert "fail  its TFTP service is inactive" in done.stdout, done.stderr
    assert done.returncode == 3
    assert subscriber.tftp.do("start") == 0
    done = publisher.call("node", "add", "sub")
    assert (done.returncode, done.stderr) == (0, "")
    there, here = (
        read_settings(str(member.config)).cluster for member in (subscriber, publisher)
    )
    assert [node.name for node in there.nodes] == ["pub", "sub", "branch1"]
    assert [node.name for node in here.nodes] == ["pub", "branch1", "sub"]
    assert here.nodes[2].program == tuple(subscriber.program)


def opened_by(publisher: Member, host: Host, *words: str) -> tuple[int, str]:
    """What the publisher's key gets on a host: OpenSSH's client, and its status."""
    options = ["-F", "none", "-i", str(publisher.home / "ssh/id_ed25519")]
    for option in (
        *("BatchMode=yes", "IdentitiesOnly=yes", "LogLevel=ERROR"),
        *("StrictHostKeyChecking=no", f"UserKnownHostsFile={os.devnull}"),
    ):
        options += ["-o", option]
    port = str(host.port)
    done = subprocess.run(
        ["ssh", *options, "-p", port, "-l", host.user, "127.0.0.1", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_the_publishers_key_opens_hooks_on_a_subscriber_and_nothing_else(
    publisher: Member, second: Host, subscriber: Member
) -> None:
    secret = f"{subscriber.home}/security/secrets/security"
    assert opened_by(publisher, second, "cat", secret) == (1, "")
    done = opened_by(publisher, second, *subscriber.program, "hook", "describe")
    assert json.loads(done[1])["name"] == "sub"


def test_an_old_line_is_found_by_doctor_and_mended_by_node_add(
    publisher: Member, second: Host, subscriber: Member
) -> None:
    served = second.authorized_keys.read_text()
    public = (publisher.home / "ssh/id_ed25519.pub").read_text()
    second.authorized_keys.write_text(f"# mine\nrestrict {public}")
    secret = f"{subscriber.home}/security/secrets/security"
    assert opened_by(publisher, second, "cat", secret) == (0, SECURITY)
    # Of root, whose home this is, the command itself logs in nowhere.
    site = open_site(read_settings(str(publisher.config)))
    (told,) = examine_members(site)
    assert told.level is Level.FAIL
    assert told.what.startswith("our key opens a shell on sub: ")
    assert told.advice == "Run `cucmsh node add sub`."
    done = publisher.call("node", "add", "sub")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok    our key runs hooks on sub, and no more" in done.stdout
    assert second.authorized_keys.read_text() == f"# mine\n{served}"
    assert opened_by(publisher, second, "cat", secret) == (1, "")
    (told,) = examine_members(site)
    assert told.level is Level.OK


def test_a_forced_command_that_does_not_run_leaves_the_old_way(
    publisher: Member, second: Host, subscriber: Member
) -> None:
    served = second.authorized_keys.read_text()
    public = (publisher.home / "ssh/id_ed25519.pub").read_text()
    old = f"restrict {public}"
    second.authorized_keys.write_text(old)
    # Runs hooks by hand, and is no cucmsh when sshd calls it.
    shell = ["sh", "-c", '[ "$8" = serve-node ] || exec "$@"', "sh"]
    program = shlex.join([*shell, *subscriber.program])
    text = publisher.config.read_text()
    done = publisher.call("node", "add", "sub", "--program", program)
    assert done.returncode == 1, done.stdout
    assert "was left as it was" in done.stderr
    assert second.authorized_keys.read_text() == old
    assert publisher.config.read_text() == text
    second.authorized_keys.write_text(served)


def test_each_list_names_the_other_nodes_tvs_after_the_next_start(
    publisher: Member, subscriber: Member, tmp_path: Path
) -> None:
    assert publisher.tftp.do("restart") == 0
    for member in (publisher, subscriber):
        raw = member.tftp.fetch("ITLFile.tlv", tmp_path / "list")
        assert signer(raw) == f"{member.name}.example.org"
        names = [record.subject_name for record in decode(raw).records]
        assert names[3].startswith("CN=pub.example.org")
        assert names[5].startswith("CN=sub.example.org")


def test_reset_reaches_all_and_ends_with_each_nodes_restart(
    publisher: Member, subscriber: Member, branch: Host, tmp_path: Path
) -> None:
    shown = reset(publisher)
    assert "['pub', 'branch1', 'sub']" in shown
    boxes = [publisher.tftp, branch.tftp, subscriber.tftp]
    lists = [box.fetch("ITLFile.tlv", tmp_path / "list") for box in boxes]
    assert len(set(lists)) == 1
    assert signer(lists[0]) == "ITLRECOVERY_pub.example.org"
    done = publisher.call("node", "list")
    assert done.returncode == 0
    assert done.stdout.count("same list") == 3
    for member in (publisher, subscriber):
        done = member.call("-c", "utils service restart Cisco Tftp")
        assert done.returncode == 0, done.stdout
    raw = publisher.tftp.fetch("ITLFile.tlv", tmp_path / "list")
    assert signer(raw) == "pub.example.org"
    # keep_trust: a holder of the reset list would not take the subscriber's own one,
    # and that a TVS speaks for it does not count (docs/decisions/009).
    assert subscriber.tftp.fetch("ITLFile.tlv", tmp_path / "list") == lists[0]
    child = subscriber.spawn()
    child.expect_exact("the served list was kept")
    child.close(force=True)


def test_comments_of_the_administrator_outlive_every_change(
    publisher: Member, branch: Host
) -> None:
    text = publisher.config.read_text()
    text = text.replace("keep_trust", "# never turn off\nkeep_trust", 1)
    publisher.config.write_text(text)
    done = publisher.call("node", "add", "branch1")
    assert done.returncode == 0, done.stderr
    assert publisher.config.read_text() == text


def test_removed_replica_is_out_and_our_key_with_it(
    publisher: Member, branch: Host
) -> None:
    others = "# mine\nssh-ed25519 AAAA somebody@else\n"
    ours = branch.authorized_keys.read_text()
    branch.authorized_keys.write_text(others + ours)
    done = publisher.call("node", "remove", "branch1", answers="no\n")
    assert (done.returncode, "Nothing was changed" in done.stderr) == (1, True)
    done = publisher.call("node", "remove", "branch1", answers="yes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert branch.authorized_keys.read_text() == others
    assert read_settings(str(publisher.config)).cluster.find("branch1") is None
    assert (branch.tftp.directory / "ITLFile.tlv").exists()


def test_removed_subscriber_leaves_no_certificate_here_and_no_key_there(
    publisher: Member, subscriber: Member, second: Host
) -> None:
    trust = publisher.home / "security/trust/sub"
    assert "CallManager.pem" in [path.name for path in trust.iterdir()]
    assert (subscriber.home / "security/trust/pub/CallManager.pem").exists()
    done = publisher.call("node", "remove", "sub", answers="yes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(trust.iterdir()) == []
    assert second.authorized_keys.read_text() == "# mine\n"
    assert json.loads(subscriber.call("hook", "describe").stdout)["name"] == "sub"
