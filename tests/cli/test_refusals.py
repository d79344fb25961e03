"""What goes wrong on the way to a cluster: named, nothing half-done, run again."""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cucmsh.config.settings import read_settings
from tests.cli.conftest import CCM, SECURITY
from tests.cli.hosts import CUCMSH, Host, Member, TftpBox
from tests.rigs.account import Account, unused_uid
from tests.rigs.keys import make_key
from tests.rigs.terminal import ends

pytestmark = [pytest.mark.loopback, pytest.mark.terminal]

BOTH = f"{SECURITY}\n{CCM}\n"


@pytest.fixture(scope="module")
def made(publisher: Member) -> Member:
    """A publisher without a running service."""
    options = [*publisher.init_options, "--secrets-fd", "FD"]
    done = publisher.call("init", "publisher", *options, secrets=BOTH)
    assert done.returncode == 0, done.stderr
    return publisher


@pytest.fixture
def box(
    made: Member, make_host: Callable[[str], Host], request: pytest.FixtureRequest
) -> Host:
    """A host of the test's own."""
    return make_host(f"box-{abs(hash(request.node.name)) % 10**6}")


def add(box: Host, administrator: Path, *more: str) -> list[str]:
    words = ["node", "add", "branch1", *box.options, *box.tftp.options]
    return [*words, "--identity", str(administrator), *more]


@pytest.fixture
def unchanged(made: Member) -> Iterator[None]:
    """The configuration is at the end what it was at the beginning."""
    before = made.config.read_bytes()
    yield
    assert made.config.read_bytes() == before


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("answers", ["no\n", "y\nYES\nok\n", ""])
def test_host_key_that_was_not_accepted_gets_nothing_sent(
    made: Member, box: Host, administrator: Path, answers: str
) -> None:
    done = made.call(*add(box, administrator), answers=answers)
    assert done.returncode == 1
    assert "Are you sure you want to pin this key (yes/no)? " in done.stdout
    assert "cucmsh: The " in done.stderr
    assert not box.was_logged_in_to


@pytest.mark.usefixtures("unchanged")
def test_other_host_key_than_the_given_one_gets_nothing_sent(
    made: Member, box: Host, administrator: Path, tmp_path: Path
) -> None:
    other = make_key(tmp_path / "other")
    done = made.call(*add(box, administrator, "--host-key", other))
    assert done.returncode == 1
    assert box.fingerprint("sha256") in done.stderr
    assert "nothing was sent to it" in done.stderr
    assert not box.was_logged_in_to


def test_host_that_was_built_anew_is_refused_until_its_new_key_is_given(
    made: Member, box: Host, administrator: Path
) -> None:
    box.tftp.do("start")
    key = ["--host-key", box.key_line]
    done = made.call(*add(box, administrator, *key))
    assert "is a replica of the cluster" in done.stdout, done.stderr
    host_key = box.sshd.host_key_file
    host_key.unlink()
    host_key.with_suffix(".pub").unlink()
    make_key(host_key)
    box.sshd.log.write_bytes(b"")
    done = made.call("node", "add", "branch1")
    assert (done.returncode, box.was_logged_in_to) == (1, False)
    assert "the host key of 127.0.0.1 has changed" in done.stderr
    assert "--host-key" in done.stderr
    done = made.call("node", "add", "branch1", "--host-key", box.key_line)
    assert "is a replica of the cluster" in done.stdout, done.stderr
    node = read_settings(str(made.config)).cluster.find("branch1")
    assert node is not None
    assert node.ssh is not None
    assert node.ssh.host_key == box.key_line
    box.sshd.stop()
    done = made.call("node", "list")
    assert (done.returncode, "Connection refused" in done.stdout) == (2, True)
    done = made.call("-c", "utils itl reset localkey", answers=f"{CCM}\n")
    assert "pending: branch1" in done.stdout + done.stderr
    assert "branch1" in notice(made)
    done = made.call("node", "remove", "branch1", answers="yes\n")
    assert done.returncode == 3
    assert "fail  our key stays in authorized_keys on branch1" in done.stdout
    assert "branch1" not in notice(made)


def notice(member: Member) -> str:
    """What a login says before its prompt."""
    child = member.spawn()
    child.expect_exact("admin:")
    shown = str(child.before)
    child.send("quit\r")
    ends(child)
    return shown


@pytest.mark.usefixtures("unchanged")
def test_node_that_is_down_is_refused_and_added_when_it_is_up(
    made: Member, box: Host, administrator: Path
) -> None:
    before = made.config.read_bytes()
    words = add(box, administrator, "--host-key", box.key_line)
    box.sshd.stop()
    done = made.call(*words)
    assert (done.returncode, made.config.read_bytes()) == (1, before)
    assert "cannot connect" in done.stderr
    box.sshd.start()
    done = made.call(*words)
    assert "fail  its TFTP service does not run" in done.stdout
    assert "branch1 was not added" in done.stderr
    assert (done.returncode, made.config.read_bytes()) == (1, before)
    box.tftp.do("start")
    assert made.call(*words).returncode == 0
    assert made.call("node", "remove", "branch1", answers="yes\n").returncode == 0


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("name", [".ssh", ".ssh/authorized_keys"])
def test_link_in_the_way_of_the_key_is_named_and_not_followed(
    made: Member, box: Host, administrator: Path, tmp_path: Path, name: str
) -> None:
    target = tmp_path / "precious"
    if name == ".ssh":
        target.mkdir()
    else:
        (box.home / ".ssh").mkdir()
        target.write_text("")
    (box.home / name).symlink_to(target)
    done = made.call(*add(box, administrator, "--host-key", box.key_line))
    assert done.returncode == 1
    assert name in done.stderr
    assert "was not touched" in done.stderr
    assert not list(target.iterdir()) if target.is_dir() else not target.read_text()


@pytest.mark.usefixtures("unchanged")
def test_directory_that_is_not_there_is_named(
    made: Member, box: Host, administrator: Path
) -> None:
    shutil.rmtree(box.tftp.directory)
    done = made.call(*add(box, administrator, "--host-key", box.key_line))
    assert done.returncode == 1
    assert str(box.tftp.directory) in done.stderr


@pytest.mark.usefixtures("unchanged")
def test_words_that_are_no_program_are_named(
    made: Member, box: Host, administrator: Path
) -> None:
    words = ["node", "add", "branch1", *box.options]
    words += ["--tftp-directory", str(box.tftp.directory)]
    words += ["--restart", "no-such-word", "--status", "no-such-word x"]
    words += ["--identity", str(administrator), "--host-key", box.key_line]
    done = made.call(*words)
    assert done.returncode == 1
    assert "no-such-word cannot be run on branch1" in done.stderr


@pytest.mark.usefixtures("unchanged")
def test_second_administrator_is_told_who_is_first(
    made: Member, box: Host, administrator: Path
) -> None:
    note = made.home / "state/cluster.lock"
    folder = os.open(note.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        note.write_text("somebody (process 1)")
        done = made.call(*add(box, administrator, "--host-key", box.key_line))
    finally:
        os.close(folder)
    assert done.returncode == 1
    assert "somebody (process 1)" in done.stderr


@pytest.mark.usefixtures("unchanged")
def test_subscriber_with_another_security_password_does_not_join(
    made: Member, box: Host, administrator: Path
) -> None:
    sub = Member(box.folder, "sub", box.tftp)
    options = ["--publisher", "pub", *sub.init_options, "--secrets-fd", "FD"]
    done = sub.call("init", "subscriber", *options, secrets="quite other words 1\n")
    assert done.returncode == 0, done.stderr
    words = ["node", "add", "sub", "--role", "subscriber", *box.options]
    words += ["--identity", str(administrator), "--host-key", box.key_line]
    done = made.call(*words, "--program", " ".join(sub.program))
    assert done.returncode == 1
    assert "security password of pub is another one" in done.stderr
    done = made.call(*words, "--program", "no-such-word")
    assert "cucmsh does not run on sub" in done.stderr
    done = sub.call("node", "add", "other", "--host", "127.0.0.1")
    assert "This is not a Publisher Node" in done.stderr


@pytest.mark.usefixtures("unchanged")
def test_control_c_at_each_question_of_node_add_changes_nothing(
    made: Member, box: Host, administrator: Path
) -> None:
    for questions in (["(yes/no)? "], ["(yes/no)? ", "Password of "]):
        child = made.spawn("node", "add", "branch1", *box.options)
        *answered, last = questions
        for question in answered:
            child.expect_exact(question)
            child.send("yes\r")
        child.expect_exact(last)
        child.send("\x03")
        status, shown = ends(child)
        assert (status, "Control-C pressed" in shown) == (1, True)
    assert not box.authorized_keys.exists()


def test_control_c_at_each_question_of_init_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "box").mkdir()
    node = Member(tmp_path / "box" / "x", "pub", TftpBox(tmp_path / "box"))
    answers = [SECURITY, SECURITY, CCM, CCM]
    for count in range(4):
        child = node.spawn("init", "publisher", *node.init_options, "--yes")
        for answer in answers[:count]:
            child.expect_exact("password")
            child.expect_exact(" :")
            child.send(f"{answer}\r")
        child.expect_exact("password")
        child.expect_exact(" :")
        child.send("\x03")
        status, shown = ends(child)
        assert (status, "Control-C pressed" in shown) == (1, True)
    assert not node.home.exists()
    assert not node.config.exists()


@pytest.mark.parametrize("answer", ["no", "\x03"])
def test_names_that_were_not_meant_make_nothing(tmp_path: Path, answer: str) -> None:
    (tmp_path / "box").mkdir()
    node = Member(tmp_path / "box" / "x", "pub", TftpBox(tmp_path / "box"))
    child = node.spawn("init", "publisher", *node.init_options)
    child.expect_exact("Is this right (yes/no)? ")
    child.send(answer if answer == "\x03" else f"{answer}\r")
    status, shown = ends(child)
    assert (status, "Nothing was made" in shown or "pressed" in shown) == (1, True)
    assert not node.home.exists()


def test_node_is_made_anew_by_its_program_and_the_earlier_one_kept(
    tmp_path: Path,
) -> None:
    (tmp_path / "box").mkdir()
    node = Member(tmp_path / "box" / "x", "pub", TftpBox(tmp_path / "box"))
    words = ["init", "publisher", *node.init_options, "--secrets-fd", "FD"]
    assert node.call(*words, secrets=BOTH).returncode == 0
    done = node.call(*words, secrets=BOTH)
    assert (done.returncode, "add --again" in done.stderr) == (1, True)
    done = node.call(*words, "--again", secrets=BOTH)
    assert done.returncode == 0, done.stderr
    assert f"The earlier node is kept in {node.home}/earlier/1." in done.stdout
    assert "(yes/no)" not in done.stdout
    assert node.call("hook", "tftp-start").returncode == 0
    assert node.call("-c", "show itl").returncode == 0


def test_nothing_is_said_to_be_made_before_the_passwords_are_good(
    tmp_path: Path,
) -> None:
    node = Member(tmp_path / "x", "pub", TftpBox(tmp_path))
    words = ["init", "publisher", *node.init_options, "--secrets-fd", "FD"]
    for secrets in (f"short\n{CCM}\n", f"{SECURITY}\nshort\n", f"{SECURITY}\n" * 2):
        done = node.call(*words, secrets=secrets)
        assert (done.returncode, "Making" in done.stdout) == (1, False)
        assert not node.home.exists()


def test_init_killed_at_any_time_is_run_again(tmp_path: Path) -> None:
    for most in (1, 6, 12):
        (tmp_path / f"{most}").mkdir()
        box = TftpBox(tmp_path / f"{most}")
        node = Member(tmp_path / f"{most}" / "x", "pub", box)
        words = ["init", "publisher", *node.init_options, "--secrets-fd", "0"]
        with subprocess.Popen(
            [*node.program, *words], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as child:
            assert child.stdin is not None
            child.stdin.write(BOTH.encode())
            child.stdin.close()
            while child.poll() is None and len(list(node.home.rglob("*.*"))) < most:
                time.sleep(0.005)
            child.send_signal(signal.SIGKILL)
        done = node.call(*words[:-1], "FD", secrets=BOTH)
        if "is there already" not in done.stderr:  # it was faster than we
            assert done.returncode == 0, done.stderr
        assert node.call("hook", "tftp-start").returncode == 0
        assert node.call("-c", "show itl").returncode == 0


def test_secrets_are_nowhere_but_in_their_file(made: Member) -> None:
    holders = [
        path.relative_to(made.home).as_posix()
        for path in made.home.rglob("*")
        if path.is_file()
        and (
            SECURITY.encode() in path.read_bytes() or CCM.encode() in path.read_bytes()
        )
    ]
    assert holders == ["security/secrets/security"]
    assert SECURITY not in made.config.read_text()


FULL_DISK = """
set -e
mount -t tmpfs -o size=$1k tmpfs "$2"
shift; disk=$1; shift
if "$@" < "$SECRETS" 2> "$disk.err"; then echo "it was large enough"; exit 9; fi
cat "$disk.err"
mount -o remount,size=1m "$disk"
"$@" < "$SECRETS"
set -- "$@"
ls "$disk/node/state"
"""


@pytest.mark.parametrize("kibibytes", [8, 24, 40, 56, 72])
def test_disk_that_fills_up_is_named_and_init_finishes_with_more_room(
    tmp_path: Path, kibibytes: int
) -> None:
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        pytest.skip("LOUD: no mount namespaces for this account: needs unshare -rm")
    disk = tmp_path / "disk"
    disk.mkdir()
    secrets = tmp_path / "secrets"
    secrets.write_text(BOTH)
    words = [*CUCMSH, "--config", str(disk / "cucmsh.toml"), "init", "publisher"]
    words += ["--name", "pub", "--home", str(disk / "node")]
    words += ["--tftp-directory", str(disk / "tftp"), "--secrets-fd", "0"]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FULL_DISK, "sh", str(kibibytes), disk, *words],
        env={**os.environ, "SECRETS": str(secrets)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No space left on device" in done.stdout
    assert "The publisher pub is made" in done.stdout
    assert "init.toml" not in done.stdout


@pytest.fixture
def account() -> Iterator[pwd.struct_passwd]:
    """An account of its own with a password, and a home directory."""
    if os.geteuid() != 0:
        pytest.skip("LOUD: making an account with a password needs root")
    name = f"cucmsh-enrol{os.getpid()}"
    home = Path(tempfile.mkdtemp(prefix="cucmsh-account-")) / "home"
    home.parent.chmod(0o755)
    words = ["useradd", "-u", unused_uid(), "-m", "-d", str(home), "-s", "/bin/sh"]
    subprocess.run([*words, name], check=True)
    made = pwd.getpwnam(name)
    try:
        secret = f"{name}:the first password\n"
        subprocess.run(["chpasswd"], input=secret, text=True, check=True)
        yield made
    finally:
        Account.remove_named(name, made.pw_uid)
        shutil.rmtree(home.parent)


def test_password_opens_the_first_login_and_the_key_every_other(
    made: Member, administrator: Path, account: pwd.struct_passwd
) -> None:
    home = Path(account.pw_dir)
    first = ["StrictModes yes", "PasswordAuthentication yes"]
    box = Host(home.parent / "box", home.parent / "nobody", first)
    try:
        config = box.sshd.config
        text = config.read_text().replace(f" -d {box.home}", "")
        text = text.replace(str(box.authorized_keys), ".ssh/authorized_keys")
        config.write_text(text)
        os.chown(box.tftp.directory, account.pw_uid, account.pw_gid)
        box.user = account.pw_name
        box.tftp.do("start")
        # `true` for its service words: the account may not read this interpreter.
        words = ["node", "add", "branch1", *box.options]
        words += ["--tftp-directory", str(box.tftp.directory)]
        words += ["--tftp", f"127.0.0.1:{box.tftp.port}"]
        words += ["--restart", "true", "--status", "true"]
        child = made.spawn(*words, "--host-key", box.key_line)
        child.expect_exact(f"Password of {account.pw_name} on 127.0.0.1 :")
        child.send("wrong\r")
        status, shown = ends(child)
        assert (status, "did not accept" in shown) == (1, True)
        assert not (home / ".ssh").exists()
        words += ["--password-fd", "FD", "--host-key", box.key_line]
        done = made.call(*words, secrets="the first password\n")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        keys = home / ".ssh/authorized_keys"
        assert keys.stat().st_mode & 0o777 == 0o600
        assert keys.stat().st_uid == account.pw_uid
        subprocess.run(["usermod", "-p", "*", account.pw_name], check=True)
        assert made.call("node", "add", "branch1").returncode == 0
    finally:
        made.call("node", "remove", "branch1", answers="yes\n")
        box.close()


def test_other_account_is_refused_before_it_writes_anything(made: Member) -> None:
    if os.geteuid() != 0:
        pytest.skip("LOUD: giving a folder to another account needs root")
    os.chown(made.home, 12345, 12345)
    try:
        done = made.call("node", "list")
    finally:
        os.chown(made.home, 0, 0)
    assert done.returncode == 1
    assert "belongs to user id 12345, which has no account" in done.stderr
