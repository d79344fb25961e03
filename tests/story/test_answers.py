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
