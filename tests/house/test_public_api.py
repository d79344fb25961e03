"""What docs/programs.md promises to other people's programs is there, by its name."""

import importlib
import re
import subprocess
import sys
import types
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pytest

from cucmsh.pki.credential import make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.pkcs12 import write_key_file
from cucmsh.trustlist import decode

ROOT = Path(__file__).parents[2]
PROMISED = {
    "cucmsh.trustlist": (
        *("MAX_LIST_SIZE", "CertificateError", "CertificateFields", "Digest", "Field"),
        *("Header", "SignatureError"),
        *("HeaderTag", "PublicKey", "Record", "RecordTag", "Role", "SignatureVerdict"),
        *("SignedFile", "SignedVerdict", "Signer", "TrustList", "TrustListError"),
        *("TrustVerdict", "Verifier", "check", "check_certificates", "decode"),
        *("decode_signed", "encode", "full_record", "hashed_record", "judge"),
        *("judge_signed", "reseal", "role_label", "seal", "seal_signed"),
    ),
    "cucmsh.pki": (
        *("CertificateError", "KeyFileError", "SignatureVerifier"),
        *("read_certificate", "read_key_file"),
    ),
    "cucmsh.testing": (
        *("PROMPT", "Address", "BackupServer", "Lab", "LabError", "Node"),
        *("Passwords", "Phone", "lab"),
    ),
}
NAMES = [(package, name) for package, names in PROMISED.items() for name in names]


@pytest.mark.parametrize(("package", "name"), NAMES, ids=lambda part: part)
def test_promised_name_can_be_imported(package: str, name: str) -> None:
    module = importlib.import_module(package)
    assert not isinstance(getattr(module, name), type(sys))  # no module of that name
    assert name in module.__all__


@pytest.mark.parametrize("package", PROMISED)
def test_nothing_is_promised_that_is_not_held_here(package: str) -> None:
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(PROMISED[package])


@pytest.mark.parametrize(("package", "name"), NAMES, ids=lambda part: part)
def test_promised_name_and_its_members_say_what_they_are(
    package: str, name: str
) -> None:
    value = getattr(importlib.import_module(package), name)
    if not callable(value) or isinstance(value, types.GenericAlias):
        return
    assert value.__doc__
    members = vars(value) if isinstance(value, type) else {}
    silent = [
        member
        for member, found in members.items()
        if isinstance(found, property | cached_property | types.FunctionType)
        and not member.startswith("_")
        and not found.__doc__
    ]
    assert not silent


@pytest.mark.thorough
def test_names_are_functions_whatever_was_imported_before() -> None:
    """`decode`, `check` and `encode` are modules, too."""
    lines = (
        "import cucmsh.trustlist.check, cucmsh.trustlist.encode",
        "import cucmsh.trustlist.decode, cucmsh.trustlist.sealing",
        "from cucmsh.trustlist import check, decode, encode, seal",
        "assert all(map(callable, (check, decode, encode, seal)))",
    )
    subprocess.run([sys.executable, "-I", "-c", "\n".join(lines)], check=True)


def test_example_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "programs.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (example,) = (block for block in blocks if "cucmsh.trustlist import" in block)
    raw = (ROOT / "tests" / "vectors" / "cucm10-sha1.itl").read_bytes()
    for name in ("HELD.tlv", "ITLFile.tlv"):
        (tmp_path / name).write_bytes(raw)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "programs.md", "exec"), {})
    assert capsys.readouterr().out.startswith("True\nTrue The held list trusts")


@pytest.mark.thorough
def test_a_list_is_built_signed_and_checked_with_promised_names_alone() -> None:
    """Certificates and keys in files, nothing from a module that may change."""
    lines = (
        "import sys",
        "from cucmsh.pki import SignatureVerifier, read_certificate, read_key_file",
        "from cucmsh.trustlist import Digest, Role, check, encode, full_record, seal",
        "signer = read_key_file(sys.stdin.buffer.read(), 'a password')",
        "own = read_certificate(signer.certificate.der)",
        "records = [full_record(Role.SAST, own), full_record(Role.TFTP, own)]",
        "made = seal(records, signer, timestamp=1, digest=Digest.SHA512)",
        "assert check(made, SignatureVerifier()).reason == ''",
        "sys.stdout.buffer.write(encode(made))",
    )
    name = "ITLRECOVERY_test10pub"
    now = datetime(2026, 1, 1, tzinfo=UTC)
    credential = make_credential(Unit.ITL_RECOVERY, name, "O=x", now, key_bits=1024)
    done = subprocess.run(
        [sys.executable, "-I", "-c", "\n".join(lines)],
        input=write_key_file(credential, "a password"),
        stdout=subprocess.PIPE,
        check=True,
    )
    assert decode(done.stdout).header.signer_name == credential.certificate.subject_name
