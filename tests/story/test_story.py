"""The story of the source document, typed into a terminal and checked from outside."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cucmsh.testing import Node
from cucmsh.trustlist.decode import decode
from tests.rigs.lab import Lab
from tests.rigs.terminal import Prompt, open_terminal

pytestmark = [pytest.mark.lab, pytest.mark.loopback, pytest.mark.terminal]

DISCLAIMER = "WARNING: This operation will overwrite any CA signed certificate"


def assert_openssl_verifies(raw: bytes, signer: str, folder: Path) -> None:
    """Cut the SIGNATURE field out and let openssl judge the rest.

    See docs/formats.md#signature.
    """
    trust_list = decode(raw)
    header = trust_list.header
    assert header.signer_name.startswith(f"CN={signer};")
    start = raw.index(b"\x0c" + len(header.signature).to_bytes(2) + header.signature)
    signed = raw[:start] + raw[start + 3 + len(header.signature) :]
    record = next(
        record
        for record in trust_list.records
        if record.serial == header.serial and record.certificate
    )
    assert record.certificate is not None
    (folder / "signed").write_bytes(signed)
    (folder / "signature").write_bytes(header.signature)
    (folder / "certificate").write_bytes(record.certificate)
    key = subprocess.run(
        [
            "openssl",
            "x509",
            "-inform",
            "DER",
            "-in",
            "certificate",
            "-pubkey",
            "-noout",
        ],
        cwd=folder,
        capture_output=True,
        check=True,
    ).stdout
    (folder / "key").write_bytes(key)
    digest = {1: "-sha1", 3: "-sha512"}[header.digest]
    subprocess.run(
        [
            "openssl",
            "dgst",
            digest,
            "-verify",
            "key",
            "-signature",
            "signature",
            "signed",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def signer_of(shown: str) -> str:
    found = re.search(r"SIGNERNAME\t\d+\tCN=([^;]+);", shown)
    assert found, shown
    return found[1]


@pytest.fixture
def sub_shell(lab: Lab) -> Iterator[Prompt]:
    """The subscriber's prompt, through its SSH server and OpenSSH's client."""
    port = str(lab.subscriber.ssh.port)
    words = ["ssh", "-F", "/dev/null", "-p", port, "-o", "StrictHostKeyChecking=no"]
    words += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    words += ["-tt", "admin@127.0.0.1"]
    opened = Prompt(open_terminal(words))
    opened.answer("assword:", lab.passwords.admin)
    opened.await_prompt()
    yield opened
    opened.child.close(force=True)


def fetched(lab: Lab, node: Node, folder: Path) -> bytes:
    return lab.fetch(node, "ITLFile.tlv", folder / f"{node.name}.tlv")


def lists_of(lab: Lab, folder: Path) -> list[bytes]:
    return [fetched(lab, node, folder) for node in lab.nodes]


def backup(lab: Lab, shell: Prompt) -> str:
    """Case 8: the whole `file get` dialog; returns what was shown."""
    shell.send("file get tftp ITLRecovery.p12\r")
    shown = shell.answer("Would you like to proceed [y/n]? ", "y")
    shell.answer("SFTP server IP: ", lab.backup.host)
    shell.answer("SFTP server port [22]: ", str(lab.backup.port))
    shell.answer("User ID: ", lab.backup.user)
    shell.answer("Password: ", lab.backup.password)
    shell.answer("Download directory: ", str(lab.backup.directory))
    index = shell.child.expect_exact(["(yes/no)? ", "Transfer completed."])
    if index == 0:
        shell.send("yes\r")
        shell.await_text("Transfer completed.")
    shell.await_prompt()
    return shown


def reset_local(lab: Lab, shell: Prompt) -> str:
    shell.send("utils itl reset localkey\r")
    shell.answer("Enter CCM Administrator password :", lab.passwords.ccm)
    return shell.await_prompt()


def test_case_1_before_each_node_signs_its_own_list(
    lab: Lab, shell: Prompt, tmp_path: Path
) -> None:
    shown = shell.call("show itl")
    raw = fetched(lab, lab.publisher, tmp_path)
    assert f"{hashlib.md5(raw).hexdigest()}(MD5)" in shown
    assert f"{hashlib.sha1(raw).hexdigest()}(SHA1)" in shown
    assert f"Length of ITL file: {len(raw)}" in shown
    roles = re.findall(r"FUNCTION\t2\t(.+)", shown.replace("\t\t", "\t"))
    assert roles == [
        "System Administrator Security Token",
        "TFTP",
        "CAPF",
        "TVS",
        "System Administrator Security Token",
        "TVS",
    ]
    first, second = re.findall(r"This etoken was (.*) to sign the ITL file.", shown)
    assert (first, second) == ("used", "not used")
    assert shown.rstrip().endswith("The ITL file was verified successfully.")
    assert_openssl_verifies(raw, "test10pub.joemar2.lab", tmp_path)
    other = fetched(lab, lab.subscriber, tmp_path)
    assert other != raw
    assert_openssl_verifies(other, "test10sub.joemar2.lab", tmp_path)


def test_case_2_localkey_reaches_every_node_and_ends_with_a_restart(
    lab: Lab, shell: Prompt, sub_shell: Prompt, tmp_path: Path
) -> None:
    before = fetched(lab, lab.publisher, tmp_path)
    output = reset_local(lab, shell)
    assert output == (
        "\n\nLocating active Tftp servers in the cluster....\n\n"
        "Following is the list of Active tftp servers in the cluster\n\n"
        "['test10pub', 'test10sub']\n"
        "The reset ITL file was generated successfully\n\n"
        "Transferring new reset ITL file to the TFTP server nodes in the "
        "cluster.....\n\n"
        "Restarting Cisco Tftp service on host test10pub\n"
        "Cisco Tftp service restarted on host test10pub\n"
        "Successfully transferred reset ITL to node test10sub\n\n"
        "Restarting Cisco Tftp service on host test10sub\n"
        "Cisco Tftp service restarted on host test10sub"
    )
    mine, other = lists_of(lab, tmp_path)
    assert mine == other
    assert_openssl_verifies(mine, "ITLRECOVERY_test10pub.joemar2.lab", tmp_path)
    assert decode(mine).records == decode(before).records
    assert len(mine) > len(before)
    shown = shell.call("show itl")
    assert re.findall(r"This etoken was (.*) to sign", shown) == ["not used", "used"]
    for own, node in ((shell, "test10pub"), (sub_shell, "test10sub")):
        assert "Cisco Tftp[STARTED]" in own.call("utils service restart Cisco Tftp")
        assert signer_of(own.call("show itl")) == f"{node}.joemar2.lab"
    mine, other = lists_of(lab, tmp_path)
    assert mine != other
    assert_openssl_verifies(mine, "test10pub.joemar2.lab", tmp_path)
    assert_openssl_verifies(other, "test10sub.joemar2.lab", tmp_path)


def test_case_8_and_3_backup_and_reset_with_the_remote_key(
    lab: Lab, shell: Prompt, tmp_path: Path
) -> None:
    key_file = Path(lab.publisher.home, "security/ITLRecovery/ITLRecovery.p12")
    shown = backup(lab, shell)
    assert "Number of files affected: 1" in shown
    assert f"Total size in Bytes: {key_file.stat().st_size}\n" in shown
    saved = Path(lab.backup.directory, "ITLRecovery.p12")
    assert saved.read_bytes() == key_file.read_bytes()
    (tmp_path / "word").write_text(lab.passwords.security)
    subprocess.run(
        [
            *("openssl", "pkcs12", "-in", str(saved), "-noout"),
            *("-passin", f"file:{tmp_path / 'word'}"),
        ],
        check=True,
        capture_output=True,
    )
    host = f"{lab.backup.host}:{lab.backup.port}"
    shell.send(f"utils itl reset remotekey {host} {lab.backup.user} {saved}\r")
    shell.answer("Enter Sftp password :", lab.backup.password)
    shell.answer("Enter CCM Administrator password :", lab.passwords.ccm)
    output = shell.await_prompt()
    assert "Cisco Tftp service restarted on host test10sub" in output
    mine, other = lists_of(lab, tmp_path)
    assert mine == other
    assert_openssl_verifies(mine, "ITLRECOVERY_test10pub.joemar2.lab", tmp_path)
    assert saved.read_bytes() == key_file.read_bytes()


def test_case_4_a_subscriber_refuses_and_nothing_changes(
    lab: Lab, sub_shell: Prompt
) -> None:
    before = lab.digests()
    for command in ("localkey", "remotekey 127.0.0.1 joe /home/joe/ITLRecovery.p12"):
        shown = sub_shell.call(f"utils itl reset {command}")
        assert "This is not a Publisher Node" in shown
    assert "File not found" in sub_shell.call("file get tftp ITLRecovery.p12")
    assert lab.digests() == before


def test_case_5_the_hold_timer_is_per_node(
    lab: Lab, shell: Prompt, sub_shell: Prompt
) -> None:
    shell.send("set cert regen CallManager\r")
    assert DISCLAIMER in shell.answer("Proceed with regeneration (yes|no)? ", "yes")
    output = shell.await_prompt()
    assert "Successfully Regenerated Certificate for CallManager." in output
    held = shell.call("set cert regen TVS")
    assert (
        "CallManager certificate was modified in the last 5 minutes. Please re-try "
        "regnerating TVS certificate at a later time"
    ) in held
    sub_shell.send("set cert regen TVS\r")
    sub_shell.answer("Proceed with regeneration (yes|no)? ", "yes")
    assert "Successfully Regenerated" in sub_shell.await_prompt()


def test_case_6_a_new_recovery_key_is_listed_after_the_next_tftp_start(
    open_lab: Any, tmp_path: Path
) -> None:
    lab = open_lab()
    shell = lab.prompt()
    before = lists_of(lab, tmp_path)
    old_key = Path(lab.publisher.home, "security/ITLRecovery/ITLRecovery.p12")
    old = old_key.read_bytes()
    shell.send("set cert regen ITLRecovery\r")
    shell.answer("Proceed with regeneration (yes|no)? ", "yes")
    assert "Successfully Regenerated" in shell.await_prompt()
    assert lists_of(lab, tmp_path) == before
    assert old_key.with_name("ITLRecovery.p12.1").read_bytes() == old
    for node in lab.nodes:
        lab.call(node, "utils service restart Cisco Tftp")
    after = lists_of(lab, tmp_path)
    recovery = {decode(raw).records[4].certificate for raw in after}
    assert len(recovery) == 1
    assert recovery != {decode(before[0]).records[4].certificate}
    assert shell.quit() == 0


def test_tab_and_arrows_bring_the_editor_and_the_command_runs(shell: Prompt) -> None:
    shell.send("sh\t")
    shell.await_text("show")
    shell.send("itl\r")
    shell.await_text("Length of ITL file")


def test_tftp_never_serves_the_key_file(lab: Lab, tmp_path: Path) -> None:
    for name in ("ITLRecovery.p12", "../home/security/ITLRecovery/ITLRecovery.p12"):
        with pytest.raises(subprocess.CalledProcessError):
            lab.fetch(lab.publisher, name, tmp_path / "stolen")


def test_exec_requests_work_through_openssh(lab: Lab, tmp_path: Path) -> None:
    askpass = tmp_path / "askpass"
    secret = tmp_path / "secret"
    secret.write_text(lab.passwords.admin)
    askpass.write_text(f"#!/bin/sh\ncat {secret}\n")
    askpass.chmod(0o700)
    done = subprocess.run(
        [
            *("ssh", "-F", "/dev/null", "-p", str(lab.publisher.ssh.port)),
            *("-o", "StrictHostKeyChecking=no"),
            *("-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
            *("admin@127.0.0.1", "show itl"),
        ],
        env={"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert "The ITL file was verified successfully." in done.stdout
