"""What goes wrong, said clearly; and nothing has changed afterwards."""

import os
import re
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.rigs.lab import CUCMSH, Lab
from tests.rigs.terminal import Prompt

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]

WRONG = "not the password"


def remote(lab: Lab, path: str, port: int = 0, host: str = "", ending: str = "") -> str:
    host = host or lab.backup.host
    return (
        f"utils itl reset remotekey {host}:{port or lab.backup.port} "
        f"{lab.backup.user} {path}{ending}"
    )


@pytest.fixture(scope="module")
def saved(lab: Lab) -> Path:
    """A good copy of the key file on the backup server, and its host key known."""
    answers = [lab.backup.host, str(lab.backup.port), lab.backup.user]
    answers += [lab.backup.password, str(lab.backup.directory), "yes"]
    line = "file get tftp ITLRecovery.p12"
    done = lab.call(lab.publisher, line, "\n".join(["y", *answers, ""]))
    assert done.returncode == 0, done.stdout
    return Path(lab.backup.directory, "ITLRecovery.p12")


def test_wrong_ccm_password_changes_nothing(lab: Lab) -> None:
    before = lab.digests()
    done = lab.call(lab.publisher, "utils itl reset localkey", f"{WRONG}\n")
    assert done.returncode == 1
    assert "The CCM Administrator password is not correct" in done.stdout
    assert done.stdout.rstrip().endswith("Executed command unsuccessfully")
    assert lab.digests() == before


KEYS = {"ctrl-c": "\x03", "ctrl-d": "\x04"}
WRONG_REMOTES: dict[str, tuple[Callable[[Lab, str], str], str, str]] = {
    "password": (remote, WRONG, "did not accept the login"),
    "port": (partial(remote, port=1), "", "cannot connect to"),
    "host": (partial(remote, host="no.such.host.invalid"), "", "cannot connect to"),
    "missing": (partial(remote, ending=".missing"), "", "is not there on"),
    "no-pkcs12": (partial(remote, ending=".text"), "", "is no PKCS#12"),
    "other-password": (
        partial(remote, ending=".other"),
        "",
        "does not open with this cluster's security password",
    ),
}


@pytest.mark.parametrize("case", list(WRONG_REMOTES))
def test_remotekey_says_what_is_wrong(
    lab: Lab, saved: Path, tmp_path: Path, case: str
) -> None:
    make_line, password, complaint = WRONG_REMOTES[case]
    Path(f"{saved}.text").write_text("no key at all")
    (tmp_path / "in").write_text(lab.passwords.security)
    (tmp_path / "out").write_text("another security password")
    pair, words = tmp_path / "pair.pem", ("openssl", "pkcs12")
    read = [*words, "-in", str(saved), "-passin", f"file:{tmp_path / 'in'}"]
    write = [*words, "-export", "-in", str(pair), "-out", f"{saved}.other"]
    subprocess.run([*read, "-noenc", "-out", str(pair)], check=True)
    subprocess.run([*write, "-passout", f"file:{tmp_path / 'out'}"], check=True)
    before = lab.digests()
    secret = password or lab.backup.password
    answers = f"{secret}\n{lab.passwords.ccm}\n"
    done = lab.call(lab.publisher, make_line(lab, str(saved)), answers)
    assert complaint in done.stdout
    assert done.returncode == 1
    assert done.stdout.rstrip().endswith("Executed command unsuccessfully")
    assert lab.digests() == before


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("set cert regen NoSuch", "is no certificate unit"),
        ("set cert regen CallManager/CallManager.pem", "is no certificate unit"),
        ("set cert regen Cisco CallManager", "Expected 1 mandatory"),
        ("show cert own NoSuch", "is no certificate unit"),
        ("utils service restart Cisco CallManager", "is no service"),
        ("shoow itl", "No valid command entered"),
        ("utils itl reset", "Executed command unsuccessfully"),
        ("utils itl reset remotekey host", "Expected 3 mandatory"),
        ("utils itl reset remotekey -oProxyCommand=x joe /x", "dash"),
        ("show itl " + "x" * 2000, "1,024"),
        ("show\x07itl", "characters that cannot be shown"),
    ],
)
def test_wrong_words_get_status_2_and_change_nothing(
    lab: Lab, line: str, complaint: str
) -> None:
    before = lab.digests()
    done = lab.call(lab.publisher, line)
    assert done.returncode == 2, done.stdout
    assert complaint.replace(",", "") in done.stdout.replace(",", "")
    assert lab.digests() == before


QUESTIONS = {
    "utils itl reset localkey": [("Enter CCM Administrator password :", "ccm")],
    "set cert regen TVS": [("Proceed with regeneration (yes|no)? ", "no")],
    "file get tftp ITLRecovery.p12": [
        ("Would you like to proceed [y/n]? ", "y"),
        ("SFTP server IP: ", "host"),
        ("SFTP server port [22]: ", "port"),
        ("User ID: ", "user"),
        ("Password: ", "password"),
        ("Download directory: ", "directory"),
    ],
    "utils itl reset remotekey {host}:{port} {user} {directory}/ITLRecovery.p12": [
        ("Enter Sftp password :", "password"),
        ("Enter CCM Administrator password :", "ccm"),
    ],
}
PLACES = [
    (line, depth) for line, all_ in QUESTIONS.items() for depth in range(len(all_))
]


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("key", list(KEYS))
@pytest.mark.parametrize(("line", "depth"), PLACES)
def test_ctrl_c_and_ctrl_d_at_every_question_give_the_prompt_again(
    lab: Lab, shell: Prompt, line: str, depth: int, key: str
) -> None:
    before = lab.digests()
    values = {**lab.backup._asdict(), "ccm": lab.passwords.ccm, "y": "y", "no": "no"}
    shell.send(line.format(**lab.backup._asdict()) + "\r")
    for question, name in QUESTIONS[line][:depth]:
        shell.answer(question, str(values[name]))
    shell.await_text(QUESTIONS[line][depth][0])
    shell.send(KEYS[key])
    shell.await_prompt()
    assert "Active Master Version" in shell.call("show version active")
    assert lab.digests() == before


@pytest.mark.parametrize("line", list(QUESTIONS))
def test_end_of_input_at_the_first_question_fails_and_changes_nothing(
    lab: Lab, saved: Path, line: str
) -> None:
    before = lab.digests()
    done = lab.call(lab.publisher, line.format(**lab.backup._asdict()))
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert lab.digests() == before


def test_no_at_the_host_key_question_sends_nothing(lab: Lab) -> None:
    known = Path(lab.publisher.home, "state", "known_hosts")
    kept = known.read_bytes() if known.exists() else b""
    known.unlink(missing_ok=True)
    before = lab.digests()
    answers = f"{lab.backup.password}\nno\n"
    done = lab.call(lab.publisher, remote(lab, "/x/ITLRecovery.p12"), answers)
    assert "was not accepted" in done.stdout
    assert re.search(r"RSA key fingerprint is [0-9a-f:]{47}\.", done.stdout)
    assert done.returncode == 1
    assert lab.digests() == before
    known.write_bytes(kept)


@pytest.mark.parametrize("key", list(KEYS))
def test_ctrl_c_and_ctrl_d_at_the_host_key_question_accept_nothing(
    lab: Lab, shell: Prompt, saved: Path, key: str
) -> None:
    known = Path(lab.publisher.home, "state", "known_hosts")
    kept = known.read_bytes()
    known.unlink()
    before = lab.digests()
    shell.send(f"{remote(lab, str(saved))}\r")
    shell.answer("Enter Sftp password :", lab.backup.password)
    shell.await_text("Are you sure you want to continue connecting (yes/no)? ")
    shell.send(KEYS[key])
    shell.await_prompt()
    assert lab.digests() == before
    assert not known.exists() or known.read_bytes() == b""
    known.write_bytes(kept)


def test_dead_subscriber_is_pending_and_a_rerun_finishes(
    open_lab: Callable[..., Lab],
) -> None:
    lab = open_lab()
    config = lab.publisher.config
    text = config.read_text()
    dead = text.replace(f"port = {lab.subscriber.ssh.port},", "port = 1,")
    config.write_text(dead)
    ccm = f"{lab.passwords.ccm}\n"
    untouched = Path(lab.subscriber.tftp_directory, "ITLFile.tlv").read_bytes()
    done = lab.call(lab.publisher, "utils itl reset localkey", ccm)
    assert done.returncode == 3
    assert "['test10pub']" in done.stdout
    assert "1 of 2 nodes updated; pending: test10sub" in done.stdout
    assert "Successfully transferred" not in done.stdout
    there = Path(lab.subscriber.tftp_directory, "ITLFile.tlv")
    assert there.read_bytes() == untouched
    shell = lab.prompt()
    assert "pending: test10sub" in shell.seen
    config.write_text(text)
    done = lab.call(lab.publisher, "utils itl reset localkey", ccm)
    assert done.returncode == 0, done.stdout
    mine = Path(lab.publisher.tftp_directory, "ITLFile.tlv")
    assert there.read_bytes() == mine.read_bytes()
    assert "pending" not in lab.prompt().seen


def test_verify_judges_files_and_refuses_what_is_none(lab: Lab, tmp_path: Path) -> None:
    def verify(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*CUCMSH, "verify", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )

    mine = Path(lab.publisher.tftp_directory, "ITLFile.tlv")
    other = Path(lab.subscriber.tftp_directory, "ITLFile.tlv")
    assert verify(mine).returncode == 0
    assert "verified successfully" in verify(mine).stdout
    assert verify(mine, "--against", mine).returncode == 0
    refused = verify(other, "--against", mine)
    assert refused.returncode == 1
    assert "refuses" in refused.stdout
    broken = tmp_path / "broken.tlv"
    raw = bytearray(mine.read_bytes())
    raw[-1] ^= 1
    broken.write_bytes(raw)
    assert verify(broken).returncode == 1
    (tmp_path / "empty").touch()
    (tmp_path / "large").write_bytes(bytes(70_000))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name in ("folder", "empty", "large", "fifo", "missing"):
        done = verify(tmp_path / name)
        assert done.returncode == 1, name
        assert done.stderr.startswith("cucmsh: ")
        assert "Traceback" not in done.stderr
    assert verify().returncode == 2
    assert verify(mine, "--agains", mine).returncode == 2


def test_without_a_configuration_one_clear_line(tmp_path: Path) -> None:
    words = [*CUCMSH, "--config", str(tmp_path / "none.toml"), "-c", "show itl"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no such configuration file" in done.stderr
    assert "Traceback" not in done.stderr
