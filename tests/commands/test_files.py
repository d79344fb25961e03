"""``file list``, ``file view`` and ``file get``: the dialog of the document."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from cucmsh.errors import (
    CancelledError,
    CucmshError,
    HostKeyError,
    MissingFileError,
    RefusedError,
    UsageError,
)
from cucmsh.services.files import is_backed_up
from cucmsh.shell.complete import complete
from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.scripted import Answer, ScriptedDialog
from cucmsh.storage.store import MAX_FILE_SIZE
from tests.commands.calls import GRAMMAR, call, dialog_with, run
from tests.services.made_cluster import MD5_FINGERPRINT, SFTP_PASSWORD, MadeCluster

GET = "file get tftp ITLRecovery.p12"
PROCEED = "Would you like to proceed [y/n]? "
PORT = "SFTP server port [22]: "
HOST_KEY = "Are you sure you want to continue connecting (yes/no)? "
ANSWERS: list[tuple[str, Answer]] = [
    (PROCEED, "y"),
    ("SFTP server IP: ", "host.example.com"),
    (PORT, ""),
    ("User ID: ", "joe"),
    ("Password: ", SFTP_PASSWORD),
    ("Download directory: ", "/home/joe/"),
    (HOST_KEY, "yes"),
]


def transcript(size: int, kilobytes: str) -> str:
    """docs/cli.md#files; answers are not echoed by a scripted dialog."""
    return (
        "Please wait while the system is gathering files info ...done.\n"
        "Sub-directories were not traversed.\n"
        "Number of files affected: 1\n"
        f"Total size in Bytes: {size}\n"
        f"Total size in Kbytes: {kilobytes}\n"
        "Would you like to proceed [y/n]? \n"
        "SFTP server IP: \n"
        "SFTP server port [22]: \n"
        "User ID: \n"
        f"Password: {'*' * len(SFTP_PASSWORD)}\n"
        "\n"
        "Download directory: \n"
        "\n"
        "The authenticity of host 'host.example.com (192.0.2.9)' can't be "
        "established.\n"
        f"RSA key fingerprint is {MD5_FINGERPRINT}.\n"
        "Are you sure you want to continue connecting (yes/no)? \n"
        ".\n"
        "Transfer completed.\n"
        "Downloading file: /usr/local/cm/tftp/ITLRecovery.p12\n"
    )


def kept(cluster: MadeCluster) -> dict[str, tuple[int, str]]:
    tree = cluster.tree()
    tree.pop("test10pub/home/state/known_hosts", None)
    return tree


def test_file_get_says_what_the_document_shows(cluster: MadeCluster) -> None:
    cluster.site.home.write("security/ITLRecovery/ITLRecovery.p12", b"k" * 1709)
    called = call(cluster.site, GET, ANSWERS, helpful=False)
    assert called.text == transcript(1709, "1.6689453")
    assert called.status == 0
    saved = cluster.backups / "home/joe/ITLRecovery.p12"
    assert saved.read_bytes() == b"k" * 1709
    assert is_backed_up(cluster.site)


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("answer", [CancelledError, EndOfInput, KeyboardInterrupt])
def test_transfer_ended_at_any_question_sends_nothing(
    cluster: MadeCluster, number: int, answer: Answer
) -> None:
    before = kept(cluster)
    question, _ = ANSWERS[number]
    with (
        dialog_with([*ANSWERS[:number], (question, answer)]) as dialog,
        pytest.raises((CucmshError, KeyboardInterrupt)),
    ):
        run(dialog, cluster.site, GET)
    dialog.finish()
    assert kept(cluster) == before


def test_ipv6_server_may_stand_in_brackets(cluster: MadeCluster) -> None:
    answers = [*ANSWERS[:1], ("SFTP server IP: ", "[2001:DB8::9]"), *ANSWERS[2:]]
    called = call(cluster.site, GET, answers)
    assert called.status == 0
    assert "The authenticity of host '2001:db8::9 (" in called.text
    assert Path(cluster.site.known_hosts).read_text().startswith("2001:db8::9 ssh-rsa ")


def test_no_sends_nothing(cluster: MadeCluster) -> None:
    before = cluster.tree()
    with dialog_with([(PROCEED, "n")]) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, GET)
    assert cluster.tree() == before


def test_other_key_is_asked_again(cluster: MadeCluster) -> None:
    again = "Please answer 'y' for <yes> or 'n' for <no>: "
    answers: list[tuple[str, Answer]] = [(PROCEED, "x"), (again, "n")]
    with dialog_with(answers) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, GET)
    dialog.finish()


@pytest.mark.thorough
@pytest.mark.parametrize(
    "answers",
    [
        [*ANSWERS[:1], *[("SFTP server IP: ", "")] * 3],
        [*ANSWERS[:1], *[("SFTP server IP: ", "-oProxyCommand=x")] * 3],
        [*ANSWERS[:1], *[("SFTP server IP: ", "host.example.com:22")] * 3],
        [*ANSWERS[:1], *[("SFTP server IP: ", "[2001:db8::9]:22")] * 3],
        [*ANSWERS[:2], *[(PORT, "0")] * 3],
        [*ANSWERS[:2], (PORT, "x"), (PORT, "65536"), (PORT, "-1")],
        [*ANSWERS[:3], *[("User ID: ", "-two")] * 3],
        [*ANSWERS[:5], *[("Download directory: ", "")] * 3],
    ],
)
def test_unusable_answers_send_nothing(
    cluster: MadeCluster, answers: list[tuple[str, Answer]]
) -> None:
    before = cluster.tree()
    with dialog_with(answers) as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, GET)
    dialog.finish()
    assert cluster.tree() == before


SECRET = "Tr0ub4dor-3"


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("number", "refused"),
    [
        (0, SECRET),
        (1, f"{SECRET} x"),
        (1, ""),
        (2, SECRET),
        (2, "65536"),
        (3, ""),
        (3, "-joe"),
        (5, ""),
        (6, SECRET),
    ],
)
def test_answers_of_no_person_end_at_the_first_that_is_refused(
    cluster: MadeCluster, number: int, refused: str
) -> None:
    # The answer after it belongs to another question: it may be the password.
    before = kept(cluster)
    question = ANSWERS[number][0]
    answers = [*ANSWERS[:number], (question, refused)]
    dialog = ScriptedDialog(answers, is_person=False)
    with dialog, pytest.raises((UsageError, CancelledError)) as caught:
        run(dialog, cluster.site, GET)
    dialog.finish()
    told = f"{caught.value.message}\n{caught.value.advice}"
    assert f"The answer to '{question.strip()}' was refused: " in told
    assert SECRET not in told + dialog.text
    assert kept(cluster) == before


@pytest.mark.parametrize(
    ("user", "directory"),
    [
        ("jane doe", "/home/CUCM Backup"),
        ("vault@svc%corp@host", "/home/50%#1\\x"),
        ("svc#corp", "/home/it's"),
    ],
)
def test_an_answer_is_the_whole_line(
    cluster: MadeCluster, user: str, directory: str
) -> None:
    (cluster.backups / directory.lstrip("/")).mkdir()
    answers: list[tuple[str, Answer]] = [
        *ANSWERS[:3],
        ("User ID: ", user),
        ANSWERS[4],
        ("Download directory: ", directory),
        ANSWERS[6],
    ]
    assert call(cluster.site, GET, answers).status == 0
    assert (cluster.backups / directory.lstrip("/") / "ITLRecovery.p12").exists()


@pytest.mark.parametrize("answer", ["no", "garbage"])
def test_stranger_gets_nothing(cluster: MadeCluster, answer: str) -> None:
    before = cluster.tree()
    times = 1 if answer == "no" else 3
    with (
        dialog_with([*ANSWERS[:-1], *[(HOST_KEY, answer)] * times]) as dialog,
        pytest.raises((HostKeyError, CancelledError)),
    ):
        run(dialog, cluster.site, GET)
    dialog.finish()
    assert cluster.tree() == before


def test_missing_directory_is_named(cluster: MadeCluster) -> None:
    answers = [*ANSWERS[:5], ("Download directory: ", "/nowhere"), ANSWERS[6]]
    with (
        dialog_with(answers) as dialog,
        pytest.raises(MissingFileError, match="no directory /nowhere on host"),
    ):
        run(dialog, cluster.site, GET)
    assert "Transfer completed" not in dialog.text
    assert not is_backed_up(cluster.site)


def test_broken_transfer_is_never_completed(cluster: MadeCluster) -> None:
    cluster.backup_breaks_off = True
    with dialog_with(ANSWERS) as dialog, pytest.raises(CucmshError):
        run(dialog, cluster.site, GET)
    assert "Transfer completed" not in dialog.text
    assert not is_backed_up(cluster.site)


def test_earlier_file_is_kept_and_told(cluster: MadeCluster) -> None:
    (cluster.backups / "home/joe/ITLRecovery.p12").write_bytes(b"an earlier key")
    called = call(cluster.site, GET, ANSWERS)
    assert called.lines[-2] == (
        "An earlier ITLRecovery.p12 there is kept as ITLRecovery.p12.1"
    )
    kept_file = cluster.backups / "home/joe/ITLRecovery.p12.1"
    assert kept_file.read_bytes() == b"an earlier key"


def test_copy_that_was_not_read_back_is_not_called_completed(
    cluster: MadeCluster,
) -> None:
    cluster.backup_is_hidden = True
    called = call(cluster.site, GET, ANSWERS, helpful=False)
    assert called.status == 3
    assert "Transfer completed" not in called.text
    said, where, failed = called.lines[-4:-1]
    digest = sha256(cluster.key_file()).hexdigest()
    assert said.startswith("Sent to host.example.com as /home/joe/ITLRecovery.2")
    assert "not proven: host refused OPEN to read: permission denied. " in said
    assert said.endswith(digest)
    assert where.endswith("there, since nobody knows what is there.")
    assert failed == "Executed command unsuccessfully"


def test_same_file_is_told_and_not_sent_again(cluster: MadeCluster) -> None:
    call(cluster.site, GET, ANSWERS)
    called = call(cluster.site, GET, ANSWERS[:-1])
    assert called.lines[-2] == (
        "The same file was there already as /home/joe/ITLRecovery.p12"
    )


def test_file_in_a_folder_is_sent_under_its_name(cluster: MadeCluster) -> None:
    cluster.site.tftp.write("settings/SEP1.cnf.xml", b"<device/>")
    called = call(cluster.site, "file get tftp settings/SEP1.cnf.xml", ANSWERS)
    assert called.lines[-2] == (
        "Downloading file: /usr/local/cm/tftp/settings/SEP1.cnf.xml"
    )
    saved = cluster.backups / "home/joe/SEP1.cnf.xml"
    assert saved.read_bytes() == b"<device/>"


def test_subscriber_has_no_key_file(cluster: MadeCluster) -> None:
    with (
        dialog_with() as dialog,
        pytest.raises(MissingFileError, match=r"^File not found$"),
    ):
        run(dialog, cluster.subscriber.site, GET)
    assert dialog.text == (
        "Please wait while the system is gathering files info ...done.\n"
    )


def test_files_are_listed(cluster: MadeCluster) -> None:
    called = call(cluster.site, "file list tftp *")
    assert (
        called.text == "ITLFile.tlv\nITLRecovery.p12\ndir count = 0, file count = 2\n"
    )
    called = call(cluster.subscriber.site, "file list tftp *.p12")
    assert called.text == "dir count = 0, file count = 0\n"
    assert called.status == 1


def test_folders_are_listed_and_gone_into(cluster: MadeCluster) -> None:
    """Case: every real TFTP directory has settings, Desktops, locales."""
    cluster.site.tftp.write("settings/SEP1.cnf.xml", b"<device/>")
    cluster.site.tftp.make_folder("Desktops/320x212x12")
    called = call(cluster.site, "file list tftp *")
    assert called.lines[:2] == ["<dir>    Desktops", "<dir>    settings"]
    assert called.lines[-2] == "dir count = 2, file count = 2"
    called = call(cluster.site, "file list tftp settings/*")
    assert called.text == "SEP1.cnf.xml\ndir count = 0, file count = 1\n"
    called = call(cluster.site, "file list tftp Desktops")
    assert called.text == "<dir>    320x212x12\ndir count = 1, file count = 0\n"
    assert called.status == 0
    called = call(cluster.site, "file view tftp settings/SEP1.cnf.xml")
    assert called.text == "<device/>"


def test_a_mistyped_folder_does_not_look_empty(cluster: MadeCluster) -> None:
    cluster.site.tftp.make_folder("Desktops/320x212x12")
    called = call(cluster.site, "file list tftp Desktop/320x212x12/*")
    assert called.lines[0] == (
        "There is no folder Desktop/320x212x12 in the TFTP directory."
    )
    assert called.lines[1] == "dir count = 0, file count = 0"
    assert called.status == 1
    called = call(cluster.site, "file list tftp Desktops/320x212x12/*")
    assert called.text == "dir count = 0, file count = 0\n"


def test_paths_in_folders_are_completed(cluster: MadeCluster) -> None:
    cluster.site.tftp.write("settings/SEP1.cnf.xml", b"<device/>")

    def offered(line: str) -> list[str]:
        return [found.text for found in complete(GRAMMAR, cluster.site, line)]

    path = "settings/SEP1.cnf.xml"
    assert offered("file view tftp set") == [path]
    assert offered("file get tftp settings/S") == [path]
    assert offered("file list tftp set") == ["settings/*", path]


@pytest.mark.parametrize("raw", [b"<a>\r\n\xe4</a>\r\n", b"<a>\n\xe4</a>\n"])
def test_text_file_of_the_phones_is_viewed(cluster: MadeCluster, raw: bytes) -> None:
    cluster.site.tftp.write("SEP1.cnf.xml", raw)
    called = call(cluster.site, "file view tftp SEP1.cnf.xml")
    assert (called.text, called.status) == ("<a>\n\udce4</a>\n", 0)


@pytest.mark.parametrize("name", ["ITLFile.tlv", "ITLRecovery.p12"])
def test_list_and_key_are_no_text_to_be_viewed(cluster: MadeCluster, name: str) -> None:
    cluster.site.home.write("security/ITLRecovery/ITLRecovery.p12", b"no zero byte")
    with dialog_with() as dialog, pytest.raises(RefusedError, match="not a text file"):
        run(dialog, cluster.site, f"file view tftp {name}")
    assert dialog.text == ""


def test_logs_are_listed_and_viewed(cluster: MadeCluster) -> None:
    cluster.site.home.append("log/audit", "first")
    cluster.site.home.append("log/audit", "second")
    cluster.site.home.append("log/audit.1", "earlier")
    called = call(cluster.site, "file list activelog *")
    assert called.lines[:3] == ["<dir>    syslog", "audit", "audit.1"]
    assert called.lines[-2] == "dir count = 1, file count = 2"
    assert call(cluster.site, "file view activelog audit").text == "first\nsecond\n"
    assert call(cluster.site, "file list activelog none").status == 1


@pytest.mark.parametrize(
    "line",
    ["file view activelog none", "file view activelog deeper", "file view tftp x"],
)
def test_file_that_is_not_there_is_not_viewed(cluster: MadeCluster, line: str) -> None:
    cluster.site.home.write("log/deeper/x", b"a folder is none")
    with dialog_with() as dialog, pytest.raises(MissingFileError, match="File not"):
        run(dialog, cluster.site, line)


def test_of_a_long_log_the_end_is_viewed_and_said_so(cluster: MadeCluster) -> None:
    lines = [f"{number:06} {'x' * 92}\n" for number in range(12_000)]
    folder = cluster.site.home.root + "/log"
    cluster.site.home.append("log/audit", "made")
    with open(f"{folder}/audit", "w", encoding="ascii") as file:
        file.writelines(lines)
    said, *shown = call(cluster.site, "file view activelog audit").text.splitlines()
    assert len(shown) == MAX_FILE_SIZE // 100
    assert shown == [line.removesuffix("\n") for line in lines[-len(shown) :]]
    left_out = 100 * (12_000 - len(shown))
    assert said == f"({left_out} bytes of earlier lines are left out.)"
