"""Answers on standard input: a whole line each, and none of them for another question.

The backup server is asyncssh's, which takes any user name: Windows accounts hold
blanks, and a vault's way through (``vault@user%domain@host``) holds other signs.
"""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.pki.key_files import exported, openssl
from tests.rigs.lab import Lab

pytestmark = [pytest.mark.lab, pytest.mark.loopback]

PASSWORD = "Top Secret-1"
GET = "file get tftp ITLRecovery.p12"


class Door(asyncssh.SSHServer):
    """Takes every user who knows the password, and notes who came."""

    def __init__(self, users: list[str]) -> None:
        self.users = users

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        self.users.append(username)
        return password == PASSWORD


class BackupServer:
    """asyncssh's SFTP server over a folder, in a thread of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.users: list[str] = []
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self.is_up = threading.Event()
        self.thread = threading.Thread(
            target=self.loop.run_until_complete, args=(self.serve(),)
        )
        self.over = asyncio.Event()

    async def serve(self) -> None:
        def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
            return asyncssh.SFTPServer(channel, chroot=str(self.root).encode())

        server = await asyncssh.create_server(
            lambda: Door(self.users),
            "127.0.0.1",
            0,
            server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
            sftp_factory=files,
        )
        self.port = server.get_port()
        self.is_up.set()
        await self.over.wait()
        server.close()
        await server.wait_closed()


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[BackupServer]:
    server = BackupServer(tmp_path)
    server.thread.start()
    assert server.is_up.wait(10)
    yield server
    server.loop.call_soon_threadsafe(server.over.set)
    server.thread.join()
    server.loop.close()


def audited(lab: Lab) -> str:
    return Path(lab.publisher.home, "log", "audit").read_text()


def test_users_and_paths_with_blanks_and_signs_are_taken(
    lab: Lab, backup: BackupServer
) -> None:
    for number, (user, folder) in enumerate(
        [
            ("jane doe", "CUCM Backup"),
            ("vault@svc%corp@host", "50%#1"),
            ("CORP\\svc#1", "it's \\ here"),
        ]
    ):
        (backup.root / folder).mkdir()
        answers = ["y", "127.0.0.1", str(backup.port), user, PASSWORD, f"/{folder}"]
        answers += ["yes"] if number == 0 else []
        done = lab.call(lab.publisher, GET, "\n".join([*answers, ""]))
        assert (done.returncode, "Transfer completed." in done.stdout) == (0, True)
        assert (backup.root / folder / "ITLRecovery.p12").is_file()
        line = (
            f'utils itl reset remotekey 127.0.0.1:{backup.port} "{user}" '
            f'"/{folder}/ITLRecovery.p12"'
        )
        secrets = f"{PASSWORD}\n{lab.passwords.ccm}\n"
        done = lab.call(lab.publisher, line, secrets)
        assert done.returncode == 0, done.stdout
        assert backup.users[-2:] == [user, user]


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_refused_answer_ends_the_command_and_shows_no_secret(
    lab: Lab, backup: BackupServer, place: int
) -> None:
    before = lab.digests()
    answers = ["y", "127.0.0.1", str(backup.port), "joe", PASSWORD, "/", "yes"]
    del answers[place]  # every later one comes one question too early
    if place == 3:
        answers.insert(3, "")
    done = lab.call(lab.publisher, GET, "\n".join([*answers, ""]))
    assert done.returncode == 2, done.stdout
    assert "The answer to '" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr + audited(lab)
    assert backup.users == []
    assert lab.digests() == before


def test_a_password_that_stood_where_a_user_is_asked_is_not_repeated(
    lab: Lab, backup: BackupServer
) -> None:
    answers = ["y", "127.0.0.1", str(backup.port), PASSWORD, PASSWORD, "/", "yes"]
    wrong = [*answers[:4], "wrong", *answers[5:]]
    done = lab.call(lab.publisher, GET, "\n".join([*wrong, ""]))
    assert done.returncode == 1
    assert "did not accept the login" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr + audited(lab)


KEY_FILE = "Enter security password of the key file :"


def packed_anew(lab: Lab, password: str, folder: Path) -> bytes:
    """The recovery key of this lab under another password, by openssl."""
    folder.mkdir()
    present = Path(lab.publisher.home, "security/ITLRecovery/ITLRecovery.p12")
    (folder / "in").write_text(lab.passwords.security)
    words = ("-in", str(present), "-noenc", "-passin", f"file:{folder / 'in'}")
    return exported(openssl("pkcs12", *words), folder, password=password)


@pytest.mark.parametrize("way", ["standard input", "terminal"])
def test_key_file_of_another_cluster_opens_with_its_own_password(
    lab: Lab, backup: BackupServer, tmp_path: Path, way: str
) -> None:
    own = "k3y"  # shorter than what a node keeps
    (backup.root / "own.p12").write_bytes(packed_anew(lab, own, tmp_path / "pack"))
    line = f"utils itl reset remotekey 127.0.0.1:{backup.port} joe /own.p12"
    before = Path(lab.publisher.home, "security/ITLRecovery/ITLRecovery.p12")
    present = before.read_bytes()
    ccm = lab.passwords.ccm
    if way == "standard input":
        done = lab.call(lab.publisher, line, f"{PASSWORD}\nyes\n{ccm}\n{own}\n{ccm}\n")
        assert done.returncode == 1  # the second answer was for another question
        assert "does not open with that password" in done.stdout
        # Three key files are opened, each slowly on purpose.
        done = lab.call(lab.publisher, line, f"{PASSWORD}\n{own}\n{ccm}\n", 60)
        assert done.returncode == 0, done.stdout
        said = done.stdout + done.stderr
    else:
        shell = lab.prompt()
        shell.send(f"{line}\r")
        shell.answer("Enter Sftp password :", PASSWORD)
        shell.answer("(yes/no)? ", "yes")
        shell.answer(KEY_FILE, "wrong")
        shell.await_text("does not open with that password.")
        shell.await_text(KEY_FILE)
        shell.send("\x03")
        shell.await_prompt()
        unchanged = lab.digests()
        shell.send(f"{line}\r")
        shell.answer("Enter Sftp password :", PASSWORD)
        shell.await_text(KEY_FILE)
        assert lab.digests() == unchanged
        shell.send(f"{own}\r")
        shell.answer("Enter CCM Administrator password :", ccm)
        said = shell.await_prompt()
        assert "Successfully transferred reset ITL" in said
    assert own not in said + audited(lab)
    assert before.read_bytes() == present  # the very key is here, under our password
