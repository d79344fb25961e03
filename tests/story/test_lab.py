"""What the lab promises and what it refuses; and that no secret leaves."""

import json
import os
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from cucmsh.layout import LAB_FILE, LAB_LOCK
from tests.rigs.lab import CUCMSH, Lab
from tests.rigs.terminal import PROMPT, Prompt, open_terminal

pytestmark = [pytest.mark.lab, pytest.mark.loopback]


def processes_of(root: Path) -> list[int]:
    """Processes whose command line or environment names the lab."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes()
                line += (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(root).encode() in line:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("number", ["0", "-1", "999", "x", "", "1.5"])
def test_impossible_numbers_of_subscribers_are_refused(number: str) -> None:
    done = subprocess.run(
        [*CUCMSH, "lab", "--serve", "--subscribers", number],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "is no number of subscribers" in done.stderr
    assert done.stdout == ""


def test_a_directory_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = subprocess.run(
        [*CUCMSH, "lab", "--serve", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "holds other things" in done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine"]


def test_a_lab_that_was_killed_as_it_began_is_called_that(tmp_path: Path) -> None:
    for name in (LAB_LOCK, "test10pub"):
        (tmp_path / name).write_text("")
    done = subprocess.run(
        [*CUCMSH, "lab", "--serve", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "holds a lab that was not finished" in done.stderr


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("LOUD: only root can give a directory away")
    os.chown(tmp_path, 65534, 65534)
    done = subprocess.run(
        [*CUCMSH, "lab", "--serve", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is somebody else's" in done.stderr
    assert list(tmp_path.iterdir()) == []


def kill_owner_of(lab: Lab, port: int) -> None:
    """Kill the lab's process that owns the TCP port."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {row[9] for row in rows if row[1].endswith(f":{port:04X}")}
    tasks = Path(f"/proc/{lab.process.pid}/task").glob("*/children")
    for pid in (int(child) for task in tasks for child in task.read_text().split()):
        links = {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        if links & {f"socket:[{inode}]" for inode in inodes}:
            os.kill(pid, signal.SIGKILL)
            return
    raise AssertionError(f"nobody listens on port {port}")


def test_a_subscriber_that_was_killed_is_pending_and_nothing_of_it_is_changed(
    open_lab: Callable[..., Lab],
) -> None:
    lab = open_lab()
    before = lab.digests()
    kill_owner_of(lab, lab.subscriber.ssh.port)
    answer = f"{lab.passwords.ccm}\n"
    done = lab.call(lab.publisher, "utils itl reset localkey", answer)
    assert done.returncode == 3, done.stdout
    assert "1 of 2 nodes updated; pending: test10sub" in done.stdout
    home = str(lab.subscriber.home), str(lab.subscriber.tftp_directory)
    after = lab.digests()
    assert {p: d for p, d in after.items() if p.startswith(home)} == {
        p: d for p, d in before.items() if p.startswith(home)
    }
    served = str(Path(lab.publisher.tftp_directory, "ITLFile.tlv"))
    assert after[served] != before[served]


def test_a_directory_in_use_is_refused_and_the_lab_lives(lab: Lab) -> None:
    done = subprocess.run(
        [*CUCMSH, "lab", "--serve", "--dir", str(lab.root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is in use by another lab" in done.stderr
    assert lab.call(lab.publisher, "show itl").returncode == 0


def test_a_second_start_finds_keys_and_passwords_again(
    open_lab: Callable[..., Lab],
) -> None:
    first = open_lab()
    key_file = first.publisher.home / "security/ITLRecovery/ITLRecovery.p12"
    key = key_file.read_bytes()
    assert first.stop() == 0
    assert processes_of(first.root) == []
    second = open_lab()
    assert second.passwords == first.passwords
    assert second.backup.password == first.backup.password
    assert key_file.read_bytes() == key
    answer = f"{second.passwords.ccm}\n"
    done = second.call(second.publisher, "utils itl reset localkey", answer)
    assert done.returncode == 0, done.stdout


def test_nobody_else_may_enter_a_directory_of_a_node(lab: Lab) -> None:
    folders = [path for path in lab.root.rglob("*") if path.is_dir()]
    open_ones = [path for path in folders if path.stat().st_mode & 0o077]
    assert lab.root.stat().st_mode & 0o077 == 0
    assert len(folders) > 20
    assert open_ones == []


def test_three_nodes_reset_together(open_lab: Callable[..., Lab]) -> None:
    lab = open_lab("--subscribers", "2")
    answer = f"{lab.passwords.ccm}\n"
    done = lab.call(lab.publisher, "utils itl reset localkey", answer)
    assert "['test10pub', 'test10sub', 'test10sub2']" in done.stdout
    files = [node.tftp_directory / "ITLFile.tlv" for node in lab.nodes]
    assert len({file.read_bytes() for file in files}) == 1


@pytest.mark.terminal
@pytest.mark.parametrize("end", ["quit", "kill"])
def test_the_lab_with_a_shell_leaves_nothing(tmp_path: Path, end: str) -> None:
    environment = {"TMPDIR": str(tmp_path), "PATH": os.defpath}
    child = open_terminal([*CUCMSH, "lab"], environment=environment, seconds=60)
    child.expect_exact(PROMPT)
    (root,) = tmp_path.iterdir()
    shown = str(child.before)
    described = json.loads((root / "lab.json").read_text())
    assert not [word for word in described["passwords"].values() if word in shown]
    assert len(processes_of(tmp_path)) >= 4
    handles = [os.pidfd_open(number) for number in processes_of(tmp_path)]
    if end == "quit":
        child.sendline("quit")
        child.expect(pexpect.EOF)
    else:
        child.kill(signal.SIGKILL)
    child.wait()
    for handle in handles:  # readable when the process has ended
        assert select.select([handle], [], [], 20)[0]
        os.close(handle)
    assert list(tmp_path.iterdir()) == []
    assert processes_of(tmp_path) == []
    child.close()


@pytest.mark.terminal
def test_control_c_while_it_starts_waits_until_nothing_is_left(tmp_path: Path) -> None:
    root = tmp_path / "lab"
    with open_terminal([*CUCMSH, "lab", "--dir", str(root)]) as child:
        child.expect("Starting a lab")
        child.sendintr()
        child.expect("Stopping the lab")
        child.expect(pexpect.EOF)
    assert processes_of(root) == []
    assert (root / LAB_FILE).exists()  # it can be started again


def test_no_typed_password_appears_anywhere(lab: Lab, shell: Prompt) -> None:
    words = {**lab.passwords._asdict(), "backup": lab.backup.password}
    seen_lines: set[bytes] = set()

    def look_at_processes() -> None:
        for number in processes_of(lab.root):
            for name in ("cmdline", "environ"):
                try:
                    seen_lines.add(Path(f"/proc/{number}/{name}").read_bytes())
                except OSError:
                    continue

    shell.send("file get tftp ITLRecovery.p12\r")
    shell.answer("Would you like to proceed [y/n]? ", "y")
    shell.answer("SFTP server IP: ", lab.backup.host)
    shell.answer("SFTP server port [22]: ", str(lab.backup.port))
    shell.answer("User ID: ", lab.backup.user)
    shell.answer("Password: ", lab.backup.password)
    look_at_processes()
    shell.answer("Download directory: ", str(lab.backup.directory))
    if shell.child.expect_exact(["(yes/no)? ", "Transfer completed."]) == 0:
        shell.send("yes\r")
    shell.await_prompt()
    shell.send("utils itl reset localkey\r")
    shell.answer("Enter CCM Administrator password :", lab.passwords.ccm)
    look_at_processes()
    shell.await_prompt()
    look_at_processes()
    assert seen_lines
    for word in words.values():
        assert word not in shell.seen
        assert not [line for line in seen_lines if word.encode() in line]
    for path in lab.root.rglob("*"):
        if path.is_file() and path.name != "lab.json" and "secrets" not in path.parts:
            raw = path.read_bytes()
            assert not [word for word in words.values() if word.encode() in raw], path
    assert (lab.root / "lab.json").stat().st_mode & 0o777 == 0o600
