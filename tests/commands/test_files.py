"""``file get tftp`` and ``file list tftp``: the dialog of the document."""

from __future__ import annotations

import pytest

from cucmsh.errors import (
    CancelledError,
    CucmshError,
    HostKeyError,
    MissingFileError,
    UsageError,
)
from cucmsh.services.files import is_backed_up
from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.scripted import Answer
from tests.commands.calls import call, dialog_with, run
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
    """cucm-cli.md section 6; answers are not echoed by a scripted dialog."""
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


@pytest.mark.parametrize(
    "answers",
    [
        [*ANSWERS[:1], *[("SFTP server IP: ", "")] * 3],
        [*ANSWERS[:1], *[("SFTP server IP: ", "-oProxyCommand=x")] * 3],
        [*ANSWERS[:2], *[(PORT, "0")] * 3],
        [*ANSWERS[:2], (PORT, "x"), (PORT, "65536"), (PORT, "-1")],
        [*ANSWERS[:3], *[("User ID: ", "two words")] * 3],
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
