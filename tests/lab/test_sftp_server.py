"""The lab's SFTP backup server, used by OpenSSH's sftp and scp and by paramiko."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import asyncssh
import paramiko
import pytest

from cucmsh.lab.accounts import files_only
from cucmsh.lab.ssh_server import SshServer, host_key
from tests.rigs.waiting import until

pytestmark = pytest.mark.loopback

HOST = "127.0.0.1"
PASSWORD = "sftp password"


class Lab(NamedTuple):
    server: SshServer
    served: Path
    outside: Path
    directory: Path

    def openssh(
        self, program: str, *words: str, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        script = self.directory / "askpass"
        script.write_text(f"#!/bin/sh\nprintf '%s\\n' '{PASSWORD}'\n")
        script.chmod(0o700)
        asking = {"SSH_ASKPASS": str(script), "SSH_ASKPASS_REQUIRE": "force"}
        settings = [
            f"UserKnownHostsFile={self.directory}/known_hosts",
            "StrictHostKeyChecking=yes",
            "IdentityAgent=none",
            "BatchMode=no",  # -b would forbid to ask for the password
            f"Port={self.server.port}",
        ]
        options = [word for one in settings for word in ("-o", one)]
        return subprocess.run(
            [program, "-F", "/dev/null", *options, *words],
            env={**os.environ, **asking},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @contextmanager
    def client(self) -> Iterator[paramiko.SFTPClient]:
        address = (HOST, self.server.port)
        transport = paramiko.Transport(socket.create_connection(address))
        try:
            transport.start_client(timeout=10)
            transport.auth_interactive(
                "backup", lambda _title, _text, asked: [PASSWORD for _ in asked]
            )
            sftp = paramiko.SFTPClient.from_transport(transport)
            assert sftp is not None
            yield sftp
        finally:
            transport.close()
            transport.join()


@pytest.fixture(scope="session")
def server_key(tmp_path_factory: pytest.TempPathFactory) -> asyncssh.SSHKey:
    return host_key(tmp_path_factory.mktemp("sftp") / "host_key")


@pytest.fixture
def lab(tmp_path: Path, server_key: asyncssh.SSHKey) -> Iterator[Lab]:
    before = set(threading.enumerate())
    open_files = len(os.listdir("/proc/self/fd"))
    served, outside = tmp_path / "served", tmp_path / "served-not"
    served.mkdir()
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    listener = socket.create_server((HOST, 0))
    account = files_only("backup", PASSWORD, [served])
    server = SshServer(listener, server_key, [account], {})
    known = f"[{HOST}]:{server.port} {server.public_key_line}\n"
    (tmp_path / "known_hosts").write_text(known)
    server.start()
    yield Lab(server, served, outside, tmp_path)
    server.stop()
    # A thread that was told to end, paramiko's timers too, may take a moment.
    until(lambda: set(threading.enumerate()) <= before, "a thread is left")
    assert len(os.listdir("/proc/self/fd")) == open_files


def test_file_that_goes_while_its_folder_is_listed_hides_no_other(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("going", "staying"):
        (lab.served / name).touch()
    scandir = os.scandir

    @contextmanager
    def late(path: Path) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(path) as entries:
            found = list(entries)
        if path == lab.served:
            (lab.served / "going").unlink()
        yield found

    monkeypatch.setattr(os, "scandir", late)
    with lab.client() as sftp:
        assert sftp.listdir(str(lab.served)) == ["staying"]


def test_megabyte_goes_up_and_down_to_the_path_as_typed(lab: Lab) -> None:
    content = os.urandom(1 << 20)
    local, back = lab.directory / "local", lab.directory / "back"
    local.write_bytes(content)
    target = lab.served / "backup"
    with lab.client() as sftp:
        sftp.put(str(local), str(target))
        assert target.read_bytes() == content
        sftp.get(str(target), str(back))
    assert back.read_bytes() == content


def test_openssh_sftp_does_its_daily_work(lab: Lab) -> None:
    local = lab.directory / "local"
    local.write_bytes(os.urandom(1 << 20))
    local.chmod(0o640)
    commands = f"""\
pwd
mkdir {lab.served}/a
mkdir a/b
put -p {local} a/b/one
put {local} two
rename two a/three
ls -l a
chmod 600 a/three
get a/b/one {lab.directory}/back
rm a/three
rmdir a/c
"""
    done = lab.openssh("sftp", "-b-", f"backup@{HOST}", stdin=commands)
    assert done.returncode == 1  # its last command, on a directory that is not there
    assert "No such file or directory" in done.stderr
    assert f"Remote working directory: {lab.served}\n" in done.stdout
    assert "three" in done.stdout
    assert (lab.directory / "back").read_bytes() == local.read_bytes()
    assert (lab.served / "a/b/one").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in (lab.served / "a").iterdir()) == ["b"]


def test_scp_over_sftp_copies_and_reports_success(lab: Lab) -> None:
    local = lab.directory / "local"
    local.write_bytes(os.urandom(1 << 20))
    there = f"backup@{HOST}:{lab.served}/copy"
    assert lab.openssh("scp", str(local), there).returncode == 0
    assert lab.openssh("scp", there, f"{local}.back").returncode == 0
    assert (lab.directory / "local.back").read_bytes() == local.read_bytes()


@pytest.mark.parametrize(
    ("program", "words"),
    [("ssh", []), ("ssh", ["id"]), ("scp", ["-O"])],
)
def test_shell_command_and_old_scp_are_refused_in_clear_words(
    lab: Lab, program: str, words: list[str]
) -> None:
    if program == "scp":
        copy = [*words, str(lab.outside / "secret"), f"backup@{HOST}:{lab.served}"]
        done = lab.openssh("scp", *copy)
    else:
        done = lab.openssh("ssh", "-T", "-l", "backup", HOST, *words)
    assert done.returncode == 1
    assert "This service allows sftp connections only." in done.stderr
    assert list(lab.served.iterdir()) == []


def test_wrong_password_is_refused(lab: Lab) -> None:
    transport = paramiko.Transport(socket.create_connection((HOST, lab.server.port)))
    transport.start_client(timeout=10)
    with pytest.raises(paramiko.AuthenticationException):
        transport.auth_password("backup", PASSWORD + "x")
    transport.close()
    transport.join()


def test_rename_refuses_to_overwrite_and_posix_rename_overwrites(lab: Lab) -> None:
    old, new = lab.served / "old", lab.served / "new"
    for kind in ("file", "directory"):
        new.write_text("new")
        if kind == "file":
            old.write_text("old")
        else:
            old.mkdir()
        with lab.client() as sftp:
            with pytest.raises(OSError) as failed:
                sftp.rename(str(old), str(new))
            assert failed.value.errno is None  # SSH_FX_FAILURE, and no other reason
            assert new.read_text() == "new"
            sftp.rename(str(old), str(old) + "2")
            assert not old.exists()
            sftp.rename(str(old) + "2", str(old))
            if kind == "file":
                sftp.posix_rename(str(old), str(new))
                assert new.read_text() == "old"
                assert not old.exists()


def test_exclusive_create_takes_neither_a_file_nor_a_link(lab: Lab) -> None:
    (lab.served / "there").write_text("kept")
    (lab.served / "inside").symlink_to("not-yet")
    (lab.served / "away").symlink_to(lab.outside / "planted")
    with lab.client() as sftp:
        for name in ("there", "inside", "away"):
            with pytest.raises(OSError) as failed:
                sftp.open(str(lab.served / name), "wx")
            assert failed.value.errno is None  # SSH_FX_FAILURE, and no other reason
        with sftp.open(str(lab.served / "fresh"), "wx") as stream:
            stream.write(b"new")
    assert (lab.served / "there").read_text() == "kept"
    assert not (lab.served / "not-yet").exists()
    assert not (lab.outside / "planted").exists()
    assert (lab.served / "fresh").read_bytes() == b"new"


ATTACKS: list[Callable[[paramiko.SFTPClient, str, str], object]] = [
    lambda sftp, path, _: sftp.open(path, "r"),
    lambda sftp, path, _: sftp.open(path, "w"),
    lambda sftp, path, _: sftp.open(path, "r+"),
    lambda sftp, path, _: sftp.open(path + "-new", "wx"),
    lambda sftp, path, _: sftp.stat(path),
    lambda sftp, path, _: sftp.chmod(path, 0o777),
    lambda sftp, path, _: sftp.truncate(path, 0),
    lambda sftp, path, _: sftp.utime(path, (0, 0)),
    lambda sftp, path, _: sftp.remove(path + "/../secret"),
    lambda sftp, path, _: sftp.listdir(str(Path(path).parent)),
    lambda sftp, path, _: sftp.mkdir(path + "-new"),
    lambda sftp, path, _: sftp.rmdir(path),
    lambda sftp, path, inside: sftp.rename(inside, path + "-new"),
    lambda sftp, path, inside: sftp.posix_rename(inside, path),
    lambda sftp, path, inside: sftp.rename(path + "/../secret", inside + "-new"),
    lambda sftp, path, inside: sftp.posix_rename(path + "/../secret", inside),
]


@pytest.mark.parametrize(
    "way", ["{outside}", "{served}/../served-not", "{served}/link"]
)
@pytest.mark.parametrize("attack", ATTACKS)
def test_paths_outside_are_refused(
    lab: Lab,
    attack: Callable[[paramiko.SFTPClient, str, str], object],
    way: str,
) -> None:
    (lab.served / "link").symlink_to(lab.outside)
    inside = lab.served / "inside"
    inside.write_bytes(b"inside")
    before = (lab.outside / "secret").stat()
    directory = way.format(outside=lab.outside, served=lab.served)
    with lab.client() as sftp, pytest.raises(PermissionError):
        attack(sftp, f"{directory}/secret", str(inside))
    assert [path.name for path in lab.outside.iterdir()] == ["secret"]
    after = (lab.outside / "secret").stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_size) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_size,
    )
    assert inside.read_bytes() == b"inside"


def test_link_out_is_seen_as_a_link_and_can_be_removed(lab: Lab) -> None:
    (lab.served / "link").symlink_to(lab.outside / "secret")
    with lab.client() as sftp:
        seen = sftp.lstat(str(lab.served / "link"))
        assert seen.st_mode is not None
        assert seen.st_mode >> 12 == 0o12
        sftp.remove(str(lab.served / "link"))
    assert (lab.outside / "secret").exists()


def test_links_are_neither_made_nor_told(lab: Lab) -> None:
    (lab.served / "file").write_bytes(b"content")
    link, made = str(lab.served / "link"), str(lab.served / "made")
    os.symlink("file", link)
    with lab.client() as sftp:
        operations: list[Callable[[], object]] = [
            lambda: sftp.symlink("file", made),
            lambda: sftp.symlink(str(lab.outside / "secret"), made),
            lambda: sftp.readlink(link),
        ]
        for operation in operations:
            with pytest.raises(OSError, match="Links are"):
                operation()
        hard = lab.openssh("sftp", f"backup@{HOST}", stdin="ln file made\n")
    assert "Operation unsupported" in hard.stderr
    assert sorted(path.name for path in lab.served.iterdir()) == ["file", "link"]


def test_missing_things_are_no_such_file(lab: Lab) -> None:
    missing = str(lab.served / "missing")
    with lab.client() as sftp:
        operations: list[Callable[[], object]] = [
            lambda: sftp.stat(missing),
            lambda: sftp.open(missing),
            lambda: sftp.listdir(missing),
            lambda: sftp.remove(missing),
            lambda: sftp.rename(missing, missing + "2"),
            lambda: sftp.mkdir(missing + "/deeper"),
        ]
        for operation in operations:
            with pytest.raises(FileNotFoundError):
                operation()


def test_special_files_are_refused_at_once(lab: Lab) -> None:
    os.mkfifo(lab.served / "fifo")
    with lab.client() as sftp:
        for mode in ("r", "r+"):
            with pytest.raises(OSError):
                sftp.open(str(lab.served / "fifo"), mode)
        with pytest.raises(OSError):
            sftp.open(str(lab.served))


def test_truncate_keeps_what_is_before_the_end(lab: Lab) -> None:
    (lab.served / "file").write_bytes(b"0123456789")
    with lab.client() as sftp:
        sftp.truncate(str(lab.served / "file"), 4)
        with sftp.open(str(lab.served / "file"), "a") as stream:
            stream.write(b"+")
        with sftp.open(str(lab.served / "file"), "r+") as stream:
            stream.chmod(0o600)
            stream.seek(1)
            stream.write(b"x")
    assert (lab.served / "file").read_bytes() == b"0x23+"
    assert (lab.served / "file").stat().st_mode & 0o777 == 0o600


def test_full_disk_is_a_failure_and_the_session_goes_on(lab: Lab) -> None:
    with lab.client() as sftp:
        (lab.served / "file").write_bytes(b"")
        with pytest.raises(OSError):  # beyond what any file system holds
            sftp.truncate(str(lab.served / "file"), 1 << 62)
        assert sftp.listdir(str(lab.served)) == ["file"]


def test_client_that_disappears_leaves_no_file_open(lab: Lab) -> None:
    with lab.client() as sftp:
        sftp.open(str(lab.served / "half"), "w").write(b"half")
    lab.server.stop()  # the fixture counts threads and descriptors
    assert (lab.served / "half").exists()


def test_clients_work_side_by_side(lab: Lab) -> None:
    content = os.urandom(1 << 18)

    def one(number: int) -> None:
        with lab.client() as sftp, sftp.open(f"{number}", "wx") as stream:
            stream.write(content)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(lab.served / f"{n}").read_bytes() for n in range(8)] == [content] * 8
