"""``show itl`` and ``utils itl reset``: the document's transcripts and refusals."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha1
from pathlib import Path

import pytest

from cucmsh.errors import (
    AuthenticationError,
    BusyError,
    CancelledError,
    CucmshError,
    HostKeyError,
    KeyFileError,
    MissingFileError,
    RefusedError,
    UsageError,
)
from cucmsh.layout import LIST_FILE, RECOVERY_FILE
from cucmsh.secret import Secret
from cucmsh.services.lists import locate_nodes
from cucmsh.services.lists.fleet import Fleet
from cucmsh.services.lists.update_replicas import update_replicas
from cucmsh.services.site import Site
from cucmsh.shell.dialog import EndOfInput
from cucmsh.shell.scripted import Answer, ScriptedDialog
from tests.commands.calls import CCM_QUESTION, TO_CCM, call, dialog_with, run
from tests.services.made_cluster import (
    CCM,
    MD5_FINGERPRINT,
    SFTP_PASSWORD,
    SHA256_FINGERPRINT,
    MadeCluster,
    QuickKeys,
    foreign_key_file,
    made_cluster,
    started_cluster,
)

RESET = "utils itl reset localkey"
REMOTE = "utils itl reset remotekey 192.0.2.9 joe /home/joe/ITLRecovery.p12"
CONTINUE = "Do you want to continue (yes/no)? "
HOST_KEY = "Are you sure you want to continue connecting (yes/no)? "
TO_SFTP: tuple[str, Answer] = ("Enter Sftp password :", SFTP_PASSWORD)
ENDINGS: list[Answer] = [
    "no",
    CancelledError,
    EndOfInput,
    KeyboardInterrupt,
    EOFError,
]

# docs/cli.md#reset, localkey
TRANSCRIPT = """\
Enter CCM Administrator password :

Locating active Tftp servers in the cluster....

Following is the list of Active tftp servers in the cluster

['test10pub', 'test10sub']
The reset ITL file was generated successfully

Transferring new reset ITL file to the TFTP server nodes in the cluster.....

Restarting Cisco Tftp service on host test10pub
Cisco Tftp service restarted on host test10pub
Successfully transferred reset ITL to node test10sub

Restarting Cisco Tftp service on host test10sub
Cisco Tftp service restarted on host test10sub
"""


def save_key(cluster: MadeCluster, raw: bytes = b"") -> None:
    path = cluster.backups / "home/joe/ITLRecovery.p12"
    path.write_bytes(raw or cluster.key_file())


def kept(cluster: MadeCluster) -> dict[str, tuple[int, str]]:
    """Everything but the host keys, which a person accepted and may keep."""
    tree = cluster.tree()
    tree.pop("test10pub/home/state/known_hosts", None)
    return tree


@pytest.mark.thorough
def test_localkey_says_what_the_document_shows(cluster: MadeCluster) -> None:
    called = call(cluster.site, RESET, [TO_CCM])
    assert called.text == TRANSCRIPT
    assert called.status == 0


# docs/cli.md#reset, 12.5 and 15
BOXED = """\
Enter CCM Administrator password :

Generating the reset ITL file.....

The reset ITL file was generated successfully

Locating active Tftp servers in the cluster.....

Following is the list of Active tftp servers in the cluster

====================

test10pub
test10sub

=====================

Number of Active TFTP servers in the cluster : 2

Transferring new reset ITL file to the TFTP server nodes in the cluster.........

Successfully transferred reset ITL to node test10pub
Successfully transferred reset ITL to node test10sub
"""
SHORT = """\
Enter CCM Administrator password :
ITLFile on all the active TFTP nodes will be reset now
and signed using CallManager certificate key...
ITL file Reset.
Please reset all the phones to pickup the new ITL File.
"""


@pytest.mark.thorough
@pytest.mark.parametrize(("release", "said"), [("12.5", BOXED), ("15", SHORT)])
def test_localkey_says_what_the_guide_of_the_release_shows(
    release: str, said: str, tmp_path: Path
) -> None:
    made = made_cluster(tmp_path, release=release)
    made.publisher.start()
    assert not update_replicas(made.site).problems  # the subscriber is given its list
    called = call(made.site, RESET, [TO_CCM])
    assert called.text == said
    assert called.status == 0
    assert made.publisher.signer == made.subscriber.signer == "CN=test10pub.joemar2.lab"
    made.subscriber.is_dead = True
    called = call(made.site, RESET, [TO_CCM])
    assert called.status == 3
    assert "1 of 2 nodes updated; pending: test10sub" in called.text
    assert "ITL file Reset." not in called.text


@pytest.mark.thorough
@pytest.mark.parametrize("release", ["12.5", "15"])
def test_a_list_that_cannot_be_made_is_not_said_to_be_made(
    release: str, tmp_path: Path
) -> None:
    made = made_cluster(tmp_path, release=release)
    made.start()
    made.site.tftp.write(LIST_FILE, b"no list", 0o644)
    with dialog_with([TO_CCM]) as dialog, pytest.raises(RefusedError, match="damaged"):
        run(dialog, made.site, RESET)
    assert "successfully" not in dialog.text
    assert "will be reset" not in dialog.text


@pytest.mark.thorough
def test_t3_a_reset_says_that_it_looks_before_it_waits_for_a_node(
    cluster: MadeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients give up on a dialog that is silent for long (docs/clients.md T3)."""
    said: list[str] = []

    def look(site: Site, fleet: Fleet) -> tuple[locate_nodes.NodeStatus, ...]:
        said.append(dialog.text)
        return locate(site, fleet)

    locate = locate_nodes.locate
    monkeypatch.setattr("cucmsh.services.lists.run_reset.locate", look)
    with dialog_with([TO_CCM]) as dialog:
        run(dialog, cluster.site, RESET)
    assert said == [
        f"{CCM_QUESTION}\n\nLocating active Tftp servers in the cluster....\n\n"
    ]


@pytest.mark.thorough
def test_remotekey_asks_for_the_sftp_password_first(cluster: MadeCluster) -> None:
    save_key(cluster)
    answers = [TO_SFTP, (HOST_KEY, "yes"), TO_CCM]
    called = call(cluster.site, REMOTE, answers)
    assert called.text == (
        "Enter Sftp password :\n"
        "The authenticity of host '192.0.2.9 (192.0.2.9)' can't be established.\n"
        f"RSA key fingerprint is {MD5_FINGERPRINT}.\n"
        f"RSA key fingerprint is {SHA256_FINGERPRINT}.\n"
        f"{HOST_KEY}\n\n{TRANSCRIPT}"
    )
    again = call(cluster.site, REMOTE, [TO_SFTP, TO_CCM])
    assert again.text == f"Enter Sftp password :\n\n{TRANSCRIPT}"


@pytest.mark.thorough
def test_nothing_typed_in_secret_is_said(cluster: MadeCluster) -> None:
    save_key(cluster)
    called = call(cluster.site, REMOTE, [TO_SFTP, (HOST_KEY, "yes"), TO_CCM])
    assert SFTP_PASSWORD not in called.text
    assert CCM not in called.text


@pytest.mark.thorough
@pytest.mark.parametrize("answer", ["wrong", "", *ENDINGS[1:]])
def test_reset_without_the_ccm_password_changes_nothing(
    cluster: MadeCluster, answer: Answer
) -> None:
    before = cluster.tree()
    with (
        dialog_with([(CCM_QUESTION, answer)]) as dialog,
        pytest.raises((CucmshError, KeyboardInterrupt, EOFError)),
    ):
        run(dialog, cluster.site, RESET)
    assert cluster.tree() == before


REMOTE_QUESTIONS: list[tuple[str, Answer]] = [
    TO_SFTP,
    (HOST_KEY, "yes"),
    TO_CCM,
    (CONTINUE, "yes"),
]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("number", "answer"),
    # `no` may be a password too; as the SFTP server's it is asked about the host next.
    [
        (number, answer)
        for number in range(4)
        for answer in ENDINGS
        if (number, answer) != (0, "no")
    ],
)
def test_remotekey_ended_at_any_question_changes_nothing(
    cluster: MadeCluster, number: int, answer: Answer
) -> None:
    save_key(cluster, foreign_key_file())
    before = kept(cluster)
    question, _ = REMOTE_QUESTIONS[number]
    answers = [*REMOTE_QUESTIONS[:number], (question, answer)]
    with (
        dialog_with(answers) as dialog,
        pytest.raises((CucmshError, KeyboardInterrupt, EOFError)),
    ):
        run(dialog, cluster.site, REMOTE)
    dialog.finish()
    assert kept(cluster) == before


@pytest.mark.thorough
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("answer", ["y", "YES", "yes please", "", "oui"])
def test_only_the_whole_word_is_a_yes(
    cluster: MadeCluster, number: int, answer: str
) -> None:
    save_key(cluster, foreign_key_file())
    before = kept(cluster)
    question, _ = REMOTE_QUESTIONS[number]
    answers = [*REMOTE_QUESTIONS[:number], *[(question, answer)] * 3]
    with dialog_with(answers) as dialog, pytest.raises(CancelledError):
        run(dialog, cluster.site, REMOTE)
    dialog.finish()
    assert kept(cluster) == before


def test_refused_host_key_says_so(cluster: MadeCluster) -> None:
    with (
        dialog_with([TO_SFTP, (HOST_KEY, "no")]) as dialog,
        pytest.raises(HostKeyError),
    ):
        run(dialog, cluster.site, REMOTE)
    assert not Path(cluster.site.known_hosts).exists()


OWN = "Enter security password of the key file :"
TO_KEY_FILE: list[tuple[str, Answer]] = [TO_SFTP, (HOST_KEY, "yes")]


@pytest.mark.thorough
def test_strict_form_refuses_a_key_file_of_another_cluster_at_once(
    cluster: MadeCluster,
) -> None:
    save_key(cluster, foreign_key_file("another password"))
    before = kept(cluster)
    with (
        dialog_with(TO_KEY_FILE, helpful=False) as dialog,
        pytest.raises(KeyFileError, match="this cluster's security password"),
    ):
        run(dialog, cluster.site, REMOTE)
    assert kept(cluster) == before


@pytest.mark.thorough
@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_key_file_opens_with_its_own_password_and_is_kept_under_ours(
    cluster: MadeCluster, wrong: int
) -> None:
    """A CUCM's may be shorter than what a node keeps."""
    own, present = foreign_key_file("k3y"), cluster.key_file()
    save_key(cluster, own)
    answers = [*TO_KEY_FILE, *[(OWN, CCM)] * wrong, (OWN, "k3y"), TO_CCM]
    called = call(cluster.site, REMOTE, [*answers, (CONTINUE, "yes")])
    assert called.status == 0
    assert "does not open with this cluster's security password." in called.text
    assert called.text.count("does not open with that password.") == wrong
    assert "opens with a password of its own; this node keeps" in called.text
    assert "k3y" not in called.text
    opened = cluster.publisher.keys.recovery().certificate
    assert opened == QuickKeys.read_key_file(own, Secret("k3y")).certificate
    assert cluster.site.home.read(f"{RECOVERY_FILE}.1") == present
    files = Path(cluster.site.settings.home).rglob("*")
    assert own not in [path.read_bytes() for path in files if path.is_file()]


@pytest.mark.thorough
@pytest.mark.parametrize("answer", ["wrong", "", *ENDINGS[1:]])
def test_key_file_that_stays_closed_changes_nothing(
    cluster: MadeCluster, answer: Answer
) -> None:
    save_key(cluster, foreign_key_file("cisco"))
    before = kept(cluster)
    tries = 3 if isinstance(answer, str) else 1
    with (
        dialog_with([*TO_KEY_FILE, *[(OWN, answer)] * tries]) as dialog,
        pytest.raises((CucmshError, KeyboardInterrupt, EOFError)),
    ):
        run(dialog, cluster.site, REMOTE)
    dialog.finish()
    assert kept(cluster) == before


@pytest.mark.thorough
def test_program_is_asked_for_the_password_once(cluster: MadeCluster) -> None:
    """Its next line answers another question."""
    save_key(cluster, foreign_key_file("cisco"))
    before = kept(cluster)
    with (
        ScriptedDialog([*TO_KEY_FILE, (OWN, CCM)], is_person=False) as dialog,
        pytest.raises(KeyFileError, match="does not open with that password"),
    ):
        run(dialog, cluster.site, REMOTE)
    dialog.finish()
    assert kept(cluster) == before


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "password", "error"),
    [
        (REMOTE, "wrong", AuthenticationError),
        (REMOTE, SFTP_PASSWORD, MissingFileError),
    ],
)
def test_what_the_backup_server_says_no_to_changes_nothing(
    cluster: MadeCluster, line: str, password: str, error: type[CucmshError]
) -> None:
    before = kept(cluster)
    answers = [("Enter Sftp password :", password), (HOST_KEY, "yes")]
    with dialog_with(answers) as dialog, pytest.raises(error):
        run(dialog, cluster.site, line)
    assert kept(cluster) == before


@pytest.mark.thorough
@pytest.mark.parametrize(
    "host",
    ["-oProxyCommand=x", "host:0", "host:65536", "host:x", "[::1", "[::1]2", "é"],
)
def test_host_that_is_none_is_refused_before_any_question(
    cluster: MadeCluster, host: str
) -> None:
    with dialog_with() as dialog, pytest.raises(UsageError):
        run(dialog, cluster.site, f"utils itl reset remotekey {host} joe /x.p12")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "host", ["host.example:2222", "[2001:db8::9]:22", "2001:db8::9"]
)
def test_host_may_carry_a_port(cluster: MadeCluster, host: str) -> None:
    save_key(cluster)
    line = f"utils itl reset remotekey {host} joe /home/joe/ITLRecovery.p12"
    called = call(cluster.site, line, [TO_SFTP, (HOST_KEY, "yes"), TO_CCM])
    assert called.status == 0
    shown = "[host.example]:2222" if "2222" in host else "2001:db8::9"
    assert Path(cluster.site.known_hosts).read_text().startswith(f"{shown} ssh-rsa ")


@pytest.mark.thorough
def test_other_key_is_explained_and_installed_after_yes(cluster: MadeCluster) -> None:
    save_key(cluster, foreign_key_file())
    called = call(cluster.site, REMOTE, REMOTE_QUESTIONS)
    assert "The recovery key is not the one that the present ITL names." in called.lines
    assert called.status == 0
    assert cluster.publisher.signer == "CN=ITLRECOVERY_other.example"


@pytest.mark.thorough
def test_expired_recovery_certificate_asks(cluster: MadeCluster) -> None:
    cluster.clock.moment += timedelta(days=2000)
    called = call(cluster.site, RESET, [TO_CCM, (CONTINUE, "yes")])
    assert "The recovery certificate expired on 2019-02-25." in called.lines
    assert called.status == 0


@pytest.mark.thorough
def test_strict_sessions_warn_and_do_not_ask(tmp_path: Path) -> None:
    cluster = made_cluster(tmp_path, is_strict=True)
    cluster.start()
    cluster.clock.moment += timedelta(days=2000)
    called = call(cluster.site, RESET, [TO_CCM], helpful=False)
    assert "The recovery certificate expired on 2019-02-25." in called.lines
    assert called.status == 0


@pytest.mark.thorough
def test_dead_node_is_named_first_and_last(cluster: MadeCluster) -> None:
    cluster.subscriber.is_dead = True
    called = call(cluster.site, RESET, [TO_CCM])
    assert called.status == 3
    assert "['test10pub']\nNot active: test10sub (test10sub does not answer)\n" in (
        called.text
    )
    assert called.text.endswith(
        "Cisco Tftp service restarted on host test10pub\n"
        "test10sub: test10sub does not answer\n"
        "1 of 2 nodes updated; pending: test10sub\n"
        "Run the command again when they answer; it finishes what is left.\n"
        "Executed command unsuccessfully\n"
    )


@pytest.mark.thorough
def test_stopped_tftp_is_named_and_is_no_failure(cluster: MadeCluster) -> None:
    cluster.subscriber.service.is_running = False
    called = call(cluster.site, RESET, [TO_CCM])
    assert called.status == 0
    assert "Not active: test10sub (its TFTP service is stopped)" in called.lines
    assert called.lines[-2] == "test10sub: updated, its TFTP service is stopped."


@pytest.mark.thorough
def test_lying_tftp_is_never_called_restarted(cluster: MadeCluster) -> None:
    cluster.subscriber.service.lies_with = cluster.subscriber.raw
    called = call(cluster.site, RESET, [TO_CCM])
    assert called.status == 3
    assert "transferred reset ITL to node test10sub" not in called.text
    assert "restarted on host test10sub" not in called.text


def test_second_session_is_refused_while_one_runs(cluster: MadeCluster) -> None:
    with cluster.site.cluster_lock("utils itl reset localkey"):
        before = cluster.tree()
        with dialog_with([TO_CCM]) as dialog, pytest.raises(BusyError):
            run(dialog, cluster.publisher.again(), RESET)
        assert cluster.tree() == before


@pytest.mark.parametrize("line", [RESET, REMOTE])
def test_subscriber_refuses_in_the_documents_words(
    cluster: MadeCluster, line: str
) -> None:
    save_key(cluster)
    before = cluster.tree()
    answers = [] if line == RESET else [TO_SFTP]
    with (
        dialog_with(answers) as dialog,
        pytest.raises(RefusedError, match=r"^This is not a Publisher Node$"),
    ):
        run(dialog, cluster.subscriber.site, line)
    after = cluster.tree()
    after.pop("test10sub/home/state/known_hosts", None)
    assert after == before


@pytest.mark.thorough
def test_show_itl_before_and_after_a_reset(cluster: MadeCluster) -> None:
    etoken = "This etoken {} used to sign the ITL file."
    told = []
    for _ in range(2):
        called = call(cluster.site, "show itl")
        assert called.status == 0
        assert called.lines[-2] == "The ITL file was verified successfully."
        told.append([line for line in called.lines if line.startswith("This etoken")])
        cluster.reset()
    assert told == [
        [etoken.format("was"), etoken.format("was not")],
        [etoken.format("was not"), etoken.format("was")],
    ]


def test_show_itl_without_a_list(cluster: MadeCluster) -> None:
    cluster.site.tftp.remove(LIST_FILE)
    with dialog_with() as dialog, pytest.raises(MissingFileError, match="not found"):
        run(dialog, cluster.site, "show itl")


def test_show_itl_of_garbage(cluster: MadeCluster) -> None:
    cluster.site.tftp.write(LIST_FILE, b"garbage")
    with dialog_with() as dialog, pytest.raises(RefusedError, match="Error parsing"):
        run(dialog, cluster.site, "show itl")


def test_show_itl_of_a_changed_list_fails(cluster: MadeCluster) -> None:
    raw = bytearray(cluster.publisher.raw)
    raw[-30] ^= 1
    cluster.site.tftp.write(LIST_FILE, bytes(raw))
    called = call(cluster.site, "show itl")
    assert called.status == 1
    assert called.lines[-2].startswith("The ITL file was not verified: ")


# Nodes that serve something else than they should


def test_show_itl_names_a_replica_that_serves_another_list(tmp_path: Path) -> None:
    cluster = started_cluster(tmp_path, has_replica=True)
    replica = cluster.replica
    replica.store.write(LIST_FILE, b"an older one")
    stray = f"branch1 serves another list: {sha1(b'an older one').hexdigest()}(SHA1)"
    assert call(cluster.site, "show itl").lines[-2] == stray
    assert stray not in call(cluster.site, "show itl", helpful=False).text
    replica.store.write(LIST_FILE, cluster.publisher.raw)
    assert "branch1" not in call(cluster.site, "show itl").text
    replica.is_dead = True
    shown = call(cluster.site, "show itl").lines[-2]
    assert shown == "branch1 could not be compared: branch1 does not answer"


@pytest.mark.thorough
def test_show_itl_names_a_member_while_a_reset_is_open(cluster: MadeCluster) -> None:
    """Without an open reset each member rightly serves a list of its own."""
    assert "test10sub serves" not in call(cluster.site, "show itl").text
    cluster.subscriber.refuses = {"install-list"}
    cluster.reset()
    assert "test10sub serves another" in call(cluster.site, "show itl").lines[-2]
    cluster.subscriber.refuses = set()
    cluster.reset()
    assert "test10sub serves" not in call(cluster.site, "show itl").text
    cluster.subscriber.start()
    assert "test10sub serves" not in call(cluster.site, "show itl").text


@pytest.mark.thorough
@pytest.mark.parametrize("helpful", [True, False])
def test_debug_noise_of_the_original_is_never_printed(
    cluster: MadeCluster, helpful: bool
) -> None:
    """`Processing token in else 0 tac`, `coutn is 1`: docs/cli.md#reset."""
    save_key(cluster)
    answers = [TO_SFTP, (HOST_KEY, "yes"), TO_CCM]
    done = call(cluster.site, REMOTE, answers, helpful=helpful)
    assert done.status == 0
    for noise in ("Processing token", "coutn", "Name is None"):
        assert noise not in done.text
