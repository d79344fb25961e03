"""Signed configuration on a real lab, read by curl and verified by openssl; and an
ordinary sshd with a TFTP service as a replica."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cucmsh.tftp.server import TftpServer
from cucmsh.trustlist.decode import decode
from cucmsh.trustlist.tags import Role
from tests.rigs.keys import make_key
from tests.rigs.lab import CUCMSH, Lab
from tests.rigs.sshd import INTERNAL_SFTP, Sshd
from tests.rigs.tftp_get import by_curl

pytestmark = [pytest.mark.lab, pytest.mark.loopback]

HOST = "127.0.0.1"
SIGN = "utils tftp sign"
RESTART = "utils service restart Cisco Tftp"
PHONE = "SEP001122334455.cnf.xml"
DESKTOPS = "Desktops/320x212x12/List.xml"


def call(lab: Lab, line: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    """As ``Lab.call``, with patience for a replica that is dead."""
    return subprocess.run(
        [*CUCMSH, "--config", str(lab.publisher.config), "-c", line],
        input=answers,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def put(lab: Lab, name: str, raw: bytes) -> None:
    path = Path(lab.publisher.tftp_directory, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def assert_openssl_verifies(raw: bytes, held: bytes, folder: Path) -> None:
    """The file by the TFTP record of the list, both as they came over TFTP."""
    record = next(entry for entry in decode(held).records if entry.role == Role.TFTP)
    (folder / "tftp.der").write_bytes(record.certificate or b"")
    words = ["openssl", "x509", "-inform", "DER", "-in", "tftp.der", "-noout"]
    key = subprocess.run(
        [*words, "-pubkey"], cwd=folder, capture_output=True, check=True
    ).stdout
    (folder / "tftp.pub").write_bytes(key)
    start = raw.index(b"\x0c\x01\x00")  # SIGNATURE, 256 bytes
    (folder / "signature").write_bytes(raw[start + 3 : start + 259])
    (folder / "signed").write_bytes(raw[:start] + raw[start + 259 :])
    words = ["openssl", "dgst", "-sha1", "-verify", "tftp.pub"]
    words += ["-signature", "signature", "signed"]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.stdout == "Verified OK\n", done.stderr


def test_phone_gets_signed_files_that_openssl_verifies(
    lab: Lab, tmp_path: Path
) -> None:
    for name in (PHONE, DESKTOPS):
        put(lab, name, f"<{name}/>".encode())
    done = call(lab, SIGN)
    assert done.returncode == 0
    assert done.stdout.endswith("\n2 signed, 0 unchanged, 0 failed\n")
    for is_last in (False, True):
        held = lab.fetch(lab.publisher, "ITLFile.tlv", tmp_path / "list")
        for name in (PHONE, DESKTOPS):
            raw = lab.fetch(lab.publisher, f"{name}.sgn", tmp_path / "file")
            assert raw.endswith(f"<{name}/>".encode())
            assert f"{name}.sgn\0".encode() in raw
            assert_openssl_verifies(raw, held, tmp_path)
        if not is_last:  # with another key the start signs for its new list
            assert call(lab, "set cert regen CallManager", "yes\n").returncode == 0
            assert call(lab, RESTART).returncode == 0
            changed = lab.fetch(lab.publisher, f"{name}.sgn", tmp_path / "file")
            assert changed != raw


def test_provisioning_script_signs_its_file(lab: Lab, tmp_path: Path) -> None:
    put(lab, "SEP0A.cnf.xml", b"<device/>")
    path = str(Path(lab.publisher.tftp_directory, "SEP0A.cnf.xml"))
    words = [*CUCMSH, "--config", str(lab.publisher.config), "hook", "sign"]
    done = subprocess.run([*words, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "1 signed, 0 unchanged, 0 failed\n")
    held = lab.fetch(lab.publisher, "ITLFile.tlv", tmp_path / "list")
    raw = lab.fetch(lab.publisher, "SEP0A.cnf.xml.sgn", tmp_path / "file")
    assert_openssl_verifies(raw, held, tmp_path)
    verify = [*CUCMSH, "verify", str(tmp_path / "file")]
    verify += ["--against", str(tmp_path / "list"), "--as", "SEP0A.cnf.xml.sgn"]
    assert (
        subprocess.run(verify, stdout=subprocess.DEVNULL, check=False).returncode == 0
    )
    done = subprocess.run(
        [*words, path, "/etc/passwd"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "/etc/passwd: it is not below" in done.stdout
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2


def test_doctor_names_what_is_wrong_until_it_is_not(lab: Lab) -> None:
    def doctor() -> subprocess.CompletedProcess[str]:
        words = [*CUCMSH, "--config", str(lab.publisher.config), "doctor"]
        return subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=60
        )

    assert call(lab, SIGN).returncode == 0
    done = doctor()
    assert failed(done) == []
    assert done.returncode == 1  # the recovery key was not saved
    assert "ok    the TFTP service gives the ITL back\n" in done.stdout
    assert "ok    test10sub lets us in, with its pinned host key\n" in done.stdout
    assert "ok    a lab: keep_trust is off" in done.stdout
    put(lab, "SEP0B.cnf.xml", b"<device/>")
    done = doctor()
    assert done.returncode == 2
    refused = "fail  phones refuse SEP0B.cnf.xml: it is not signed. "
    assert [line[: len(refused)] for line in failed(done)] == [refused]
    assert call(lab, SIGN).returncode == 0
    assert failed(doctor()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="about a lab of root's")
def test_doctor_opens_no_key_where_others_may_write_the_labs_settings(lab: Lab) -> None:
    config = lab.publisher.config
    words = [*CUCMSH, "--config", str(config), "doctor"]
    config.chmod(0o666)
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=60
        )
    finally:
        config.chmod(0o644)
    assert "fail  test10sub: as root no node is logged in to. " in done.stdout


def failed(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines of what fails."""
    return [line for line in done.stdout.splitlines() if line.startswith("fail")]


class Box:
    """An ordinary sshd and a TFTP service; the publisher's configuration names it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "tftp"
        self.root.mkdir()
        identity = folder / "id"
        self.sshd = Sshd(
            folder / "sshd",
            authorized=make_key(identity),
            sftp=f"{INTERNAL_SFTP} -d {folder}",
        )
        self.service = TftpServer(HOST, 0, self.root)
        self.service.start()
        self.entry = (
            f'\n[[cluster.nodes]]\nname = "branch1"\nrole = "replica"\n'
            f'services = ["tftp"]\ntftp_directory = "{self.root}"\n'
            f'tftp = {{ host = "{HOST}", port = {self.service.address[1]} }}\n'
            f'ssh = {{ host = "{HOST}", port = {self.sshd.port}, '
            f'user = "{self.sshd.account.name}", identity = "{identity}", '
            f'host_key = "{self.sshd.host_key}" }}\n'
        )

    def fetch(self, name: str, into: Path) -> bytes:
        return by_curl(*self.service.address, name, into)


@pytest.fixture
def box(lab: Lab, tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    config = lab.publisher.config
    before = config.read_text()
    config.write_text(before + made.entry)
    yield made
    config.write_text(before)
    made.sshd.stop()
    made.service.stop()


def test_replica_serves_what_the_publisher_serves(
    lab: Lab, box: Box, tmp_path: Path
) -> None:
    for name in (PHONE, DESKTOPS):
        put(lab, name, f"<{name}/>".encode())
    done = call(lab, SIGN)
    assert done.returncode == 0, done.stdout
    assert "branch1: " in done.stdout
    served = ["ITLFile.tlv", f"{PHONE}.sgn", f"{DESKTOPS}.sgn"]

    def assert_same() -> None:
        for name in served:
            there = box.fetch(name, tmp_path / "there")
            assert there == lab.fetch(lab.publisher, name, tmp_path / "here")

    assert_same()
    again = call(lab, SIGN)
    assert "branch1" not in again.stdout
    # A start composes a new list, and the replica has it when the start is done.
    before = (box.root / "ITLFile.tlv").read_bytes()
    assert call(lab, RESTART).returncode == 0
    assert (box.root / "ITLFile.tlv").read_bytes() != before
    assert_same()
    assert not list(box.root.rglob(".cucmsh-*"))
    # Its sshd is gone: the restart is done but for it, and the next login says so.
    box.sshd.stop()
    put(lab, PHONE, b"<changed/>")
    assert call(lab, RESTART).returncode == 3
    shell = lab.prompt()
    assert "Not every replica serves what this publisher does" in shell.seen
    assert "branch1" in shell.seen
    assert shell.quit() == 0
    done = call(lab, SIGN)
    assert done.returncode == 3
    assert "branch1: pending: " in done.stdout


def test_replica_is_brought_plain_files_and_firmware(
    lab: Lab, box: Box, tmp_path: Path
) -> None:
    config = lab.publisher.config
    config.write_text(f'{config.read_text()}bring = ["*.sbn", "*.loads"]\n')
    firmware, loads = os.urandom(3 << 20), b"names apps45.sbn"
    put(lab, "firmware/apps45.sbn", firmware)
    put(lab, "term45.default.loads", loads)
    put(lab, "notes.txt", b"not for phones")
    done = call(lab, SIGN)
    assert done.returncode == 0, done.stdout
    assert (box.root / "firmware/apps45.sbn").read_bytes() == firmware
    there = box.fetch("term45.default.loads", tmp_path / "there")
    assert there == loads
    assert not (box.root / "notes.txt").exists()
    modes = {path.stat().st_mode & 0o777 for path in box.root.rglob("*.*")}
    assert modes == {0o644}
    # What changed is brought, and nothing else.
    put(lab, "firmware/apps45.sbn", firmware[:-1] + b"\0")
    kept = (box.root / "term45.default.loads").stat()
    done = call(lab, SIGN)
    assert "branch1: 1 file brought" in done.stdout
    assert (box.root / "firmware/apps45.sbn").read_bytes()[-1:] == b"\0"
    assert (box.root / "term45.default.loads").stat() == kept
    assert not list(box.root.rglob(".cucmsh-*"))
