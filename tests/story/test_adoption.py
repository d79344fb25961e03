"""The walks of docs/adoption.md, typed as they stand there, and what phones think.

Each is made on a box of its own: the real program, a real TFTP server, curl. What the
page's box has and this one has not (accounts, systemd, ports below 1024, /root) is
replaced by name, see ``Box.here``. Lists of certutils and of a CUCM are made by
``tests.rigs.foreign_lists``, phones are ``tests.services.holder``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from tests.cli.hosts import CUCMSH, Member, TftpBox
from tests.faults.second_verifier import read
from tests.rigs.foreign_lists import (
    CCM,
    CCM_TFTP,
    CERTUTILS,
    CUCM,
    CUCM_NAME,
    SAST,
    TFTP,
    Identity,
    build_list,
    identity,
    record,
    recovery_file,
    recovery_identity,
    sign_file,
)
from tests.rigs.loopback import LOOPBACK
from tests.rigs.terminal import open_terminal
from tests.services.holder import takes, tokens

pytestmark = [pytest.mark.loopback, pytest.mark.terminal, pytest.mark.thorough]

PAGE = Path(__file__).parents[2] / "docs" / "adoption.md"
SECURITY = "one long security password"
ADMINISTRATOR = "the application administrator"
OTHER_SECURITY = "another long security password"
SECONDS = 120  # a guard against a hang, nothing else


def chapter(title: str, *, after: str = "") -> list[str]:
    """The commands of a chapter, as root types them, in their order."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {title}\n")[1]
    text = text.split("\n## ")[0]
    text = text[text.index(after) :] if after else text
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    assert lines
    assert all(line.startswith("# ") for line in lines), lines
    return [line.removeprefix("# ") for line in lines]


class Box:
    """A machine on which a chapter is typed.

    Attributes:
        member: its node, which `init` makes.
        root: what the page calls /root.
        account: what the page calls /home/cucmsh.
    """

    def __init__(self, folder: Path, security: str = SECURITY) -> None:
        folder.mkdir(mode=0o755)
        self.tftp = TftpBox(folder)
        self.member = Member(folder / "node", "pub", self.tftp)
        self.root, self.account = folder / "root", folder / "account"
        self.root.mkdir(mode=0o700)
        self.account.mkdir(mode=0o755)
        self._programs = folder / "bin"
        self._programs.mkdir()
        self._answers = {
            r"security password[^:\n]*:": security,
            r"Administrator password[^:\n]*:": ADMINISTRATOR,
            r"\(yes/no\)\? ": "yes",
        }
        options = shlex.join(self.member.init_options[2:])  # the page has the name
        self._write(
            "cucmsh",
            f'[ "$1" = init ] && set -- "$@" {options}',
            f'exec {shlex.join([*CUCMSH, "--config", str(self.member.config)])} "$@"',
        )
        self._write("less", 'exec cat "$@"')
        self.cucm = ""
        assert self.tftp.do("start") == 0

    def _write(self, name: str, *lines: str) -> None:
        path = self._programs / name
        path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        path.chmod(0o755)

    @property
    def served(self) -> bytes:
        return (self.tftp.directory / "ITLFile.tlv").read_bytes()

    def knows(self, question: str, answer: str) -> None:
        """What a person types when that is asked."""
        self._answers = {question: answer, **self._answers}

    def here(self, line: str) -> str:
        """The command of the page for this box."""
        for there, here in (
            ("sudo -u cucmsh ", ""),
            ("-o cucmsh -g cucmsh ", ""),
            ("systemctl restart tftpd-hpa", shlex.join(self.tftp.words("restart"))),
            ("tftp://cucm", self.cucm),
            ("/etc/cucmsh/cucmsh.toml", str(self.member.config)),
            ("/srv/tftp", str(self.tftp.directory)),
            ("/home/cucmsh", str(self.account)),
            ("/root/", f"{self.root}/"),
        ):
            line = line.replace(there, here)
        return line

    def type(self, line: str) -> str:
        """Type it, answer what is asked; gives what was said if it ended with 0."""
        status, said = self.try_to(line)
        assert status == 0, f"{line}\n{said}"
        return said

    def try_to(self, line: str) -> tuple[int, str]:
        path = f"{self._programs}:{os.environ['PATH']}"
        words = ["env", f"PATH={path}", "bash", "-c", self.here(line)]
        child = open_terminal(words, size=(24, 200))
        questions = [*self._answers]
        said = ""
        try:
            while True:
                at = child.expect([*questions, pexpect.EOF], timeout=SECONDS)
                said += str(child.before)
                if at == len(questions):
                    break
                said += str(child.after)
                child.send(f"{self._answers[questions[at]]}\r")
        finally:
            child.close()
        return child.exitstatus or 0, said

    def close(self) -> None:
        self.tftp.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path / "pub")
    yield made
    made.close()


@pytest.fixture
def cucm(tmp_path: Path, box: Box) -> Iterator[Cucm]:
    made = Cucm(tmp_path / "cucm")
    box.cucm = f"tftp://{LOOPBACK}:{made.tftp.port}"
    yield made
    made.tftp.close()


class Cucm:
    """Another system that serves a list, and packs its recovery key as a CUCM does."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o755)
        self.tftp = TftpBox(folder)
        self.signer = identity("cucm.example.org", 2048, CUCM_NAME)
        self.recovery = recovery_identity("ITLRECOVERY_cucm.example.org")
        assert self.tftp.do("start") == 0

    def serve(self, signer: Identity) -> bytes:
        """A list of its own, signed by either key; both are SAST."""
        sast = [record(CUCM, SAST, found) for found in (self.signer, self.recovery)]
        records = [*sast, record(CUCM, CCM_TFTP, self.signer)]
        raw = build_list(CUCM, signer, records)
        (self.tftp.directory / "ITLFile.tlv").write_bytes(raw)
        return raw


def read_pem(path: Path) -> Identity:
    """An exported key, as another tool reads it."""
    pem = path.read_bytes()
    key = load_pem_private_key(pem, None)
    assert isinstance(key, RSAPrivateKey)
    return Identity(key, load_pem_x509_certificate(pem))


def knows(held: bytes, offered: bytes) -> bool:
    """Whether the held list names the signer; the two may spell its name otherwise."""
    signer = read(offered).signed_by.certificate
    return signer in {token.certificate for token in tokens(read(held))}


def walk(box: Box, title: str, *, after: str = "") -> list[str]:
    """Type a chapter; gives what was said to each command."""
    return [box.type(line) for line in chapter(title, after=after)]


@pytest.fixture
def certutils(box: Box) -> bytes:
    """What lies on the box of certutils: two SAST, phones' files, and its list."""
    folder = box.root / "certutils"
    folder.mkdir()
    sast1, sast2, tftp = (
        identity(f"{name}.example.org", 2048) for name in ("sast1", "sast2", "tftp")
    )
    for name, found in (("sast1", sast1), ("sast2", sast2), ("tftp", tftp)):
        (folder / f"{name}.pem").write_bytes(found.pem)
    roles = ((SAST, sast1), (SAST, sast2), (CCM, tftp), (TFTP, tftp))
    records = [record(CERTUTILS, role, found) for role, found in roles]
    raw = build_list(CERTUTILS, sast1, records, digest="sha512")
    (box.tftp.directory / "ITLFile.tlv").write_bytes(raw)
    for name in ("SEP001122334455.cnf.xml", "dialplan.xml"):
        payload = f"<{name}/>".encode()
        (box.tftp.directory / name).write_bytes(payload)
        signed = sign_file(CERTUTILS, tftp, f"{name}.sgn", payload, "sha512")
        (box.tftp.directory / f"{name}.sgn").write_bytes(signed)
    return raw


def test_from_certutils(box: Box, certutils: bytes) -> None:
    signed = (box.tftp.directory / "dialplan.xml.sgn").read_bytes()
    *before, release, restart = chapter("From certutils")
    said = [box.type(line) for line in before[:4]]
    assert "No phone that holds one of these lists is locked out" in said[-1]
    assert "(yes/no)" not in said[-1]
    assert "password" not in said[-1].split("What was handed over")[0]
    assert not box.member.config.exists()
    assert box.served == certutils
    box.type(before[4])
    assert box.served == certutils, "something is served that was not before"
    for line in before[5:]:
        if "doctor" in line:  # it may warn of a box that is no production box
            status, said_by_doctor = box.try_to(line)
            assert status in (0, 1, 2), said_by_doctor
            assert "another tool" not in said_by_doctor
        else:
            box.type(line)
    first = box.served
    assert takes(certutils, first)
    # Of the other key handed over nothing is left: a list holds two SAST.
    assert len(tokens(read(first))) == 2
    assert (box.tftp.directory / "dialplan.xml.sgn").read_bytes() == signed
    assert not (box.account / "adopt").exists()
    box.type(release)
    box.type(restart)
    second = box.served
    assert takes(first, second)
    assert not takes(certutils, second)
    own = {token.certificate for token in tokens(read(second))}
    assert own.isdisjoint(token.certificate for token in tokens(read(certutils)))


@pytest.mark.parametrize("is_new", [False, True])
def test_from_cucm(box: Box, cucm: Cucm, is_new: bool) -> None:
    """Until 11.5 CallManager signs, from 12.0 ITLRecovery does."""
    raw = cucm.serve(cucm.recovery if is_new else cucm.signer)
    key_file = box.root / "ITLRecovery.p12"
    key_file.write_bytes(recovery_file(cucm.recovery, OTHER_SECURITY, "RC2"))
    box.knows(r"Password of [^:\n]*:", OTHER_SECURITY)
    digest = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    box.knows(r"Its SHA-1[^:\n]*: ", digest)
    walk(box, "From CUCM 10 to 15")
    assert takes(raw, box.served)
    assert box.served != raw
    # What its CallManager signed is taken still.
    names = {
        found.certificate
        for found in read(box.served).records
        if found.role == CCM_TFTP
    }
    assert cucm.signer.der in names


def test_from_another_cucmsh(box: Box, tmp_path: Path) -> None:
    there = Box(tmp_path / "old", OTHER_SECURITY)
    try:
        walk(there, "From nothing signed at all")
        there.type(chapter("And back")[0])
    finally:
        there.close()
    raw = there.served
    os.rename(there.account / "export", box.account / "export")
    (box.tftp.directory / "ITLFile.tlv").write_bytes(raw)
    walk(box, "From another cucmsh")
    assert takes(raw, box.served)
    assert box.served != raw


def test_from_nothing_signed_at_all(box: Box) -> None:
    (box.tftp.directory / "ITLFile.tlv").touch()
    (box.tftp.directory / "SEP001122334455.cnf.xml").write_text("<device/>")
    walk(box, "From nothing signed at all")
    first = box.served
    assert takes(None, first)
    assert (box.tftp.directory / "SEP001122334455.cnf.xml.sgn").exists()
    stranger = identity("stranger.example.org")
    records = [record(CERTUTILS, SAST, stranger)]
    assert not takes(first, build_list(CERTUTILS, stranger, records))


def test_back_to_certutils(box: Box) -> None:
    walk(box, "From nothing signed at all")
    export, less = chapter("And back")[:2]
    box.type(export)
    readme = box.type(less)
    keys = box.account / "export" / "keys"
    words = re.search(r"\ntlvfile (.*)\n", PAGE.read_text(encoding="utf-8"))
    assert words
    options = re.findall(r"--(sast|tftp) (\S+)", words[1])
    roles = {"sast": SAST, "tftp": TFTP}
    found = [(roles[role], read_pem(keys.parent / name)) for role, name in options]
    assert [role for role, _ in found] == [SAST, SAST, TFTP]
    assert "keys/CallManager.pem: the CallManager key" in readme
    records = [record(CERTUTILS, role, key) for role, key in found]
    raw = build_list(CERTUTILS, found[0][1], records, digest="sha512")
    assert knows(box.served, raw)
    # And it has the way back here: ITLRecovery is known to it.
    assert knows(raw, build_list(CERTUTILS, found[1][1], records))
    # One that spells names as this node does loses nobody, however a phone compares.
    records = [record(CUCM, role, key) for role, key in found]
    assert takes(box.served, build_list(CUCM, found[0][1], records))


def test_back_to_a_cucm(box: Box, cucm: Cucm) -> None:
    walk(box, "From nothing signed at all")
    raw = cucm.serve(cucm.recovery)
    (box.root / "cucm.pem").write_bytes(cucm.recovery.certificate_pem)
    assert not takes(box.served, raw)
    walk(box, "And back", after="**To a CUCM.**")
    assert len(tokens(read(box.served))) == 3
    assert takes(box.served, raw)
