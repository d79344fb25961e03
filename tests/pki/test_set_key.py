"""The key of a backup set, and what is encrypted to it; Debian's age opens it."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from cucmsh.errors import KeyFileError, WrongPasswordError
from cucmsh.pki.openssh_rounds import MAX_ROUNDS, rounds_of
from cucmsh.pki.set_key import ROUNDS, SetKey
from cucmsh.secret import Secret

pytestmark = pytest.mark.thorough

WORD = "one long security password"
LARGE = [bytes([number]) * 70_000 for number in range(40)]


@pytest.fixture(scope="module")
def key() -> SetKey:
    return SetKey.make(Secret(WORD), 2)


def encrypted(key: SetKey, pieces: list[bytes]) -> bytes:
    out: list[bytes] = []
    key.encrypt(pieces, out.append)
    return b"".join(out)


def opened(key: SetKey, raw: bytes) -> bytes:
    out: list[bytes] = []
    key.decrypt([raw[at : at + 5000] for at in range(0, len(raw), 5000)], out.append)
    return b"".join(out)


@pytest.mark.parametrize("pieces", [[], [b""], [b"x"], LARGE])
def test_what_is_encrypted_is_opened(key: SetKey, pieces: list[bytes]) -> None:
    again = SetKey.open(key.pem, Secret(WORD))
    assert opened(again, encrypted(key, pieces)) == b"".join(pieces)
    assert again.has_signed(b"text", key.sign(b"text"))
    assert not again.has_signed(b"text.", key.sign(b"text"))


def test_debians_age_opens_it(key: SetKey, tmp_path: Path) -> None:
    file, at = tmp_path / "X.tar", tmp_path / "key"
    file.write_bytes(encrypted(key, LARGE))
    at.write_bytes(key.pem)
    at.chmod(0o600)
    # age asks a terminal for the password; this takes it off first.
    words = ["ssh-keygen", "-p", "-P", WORD, "-N", "", "-f", str(at)]
    subprocess.run(words, check=True, capture_output=True)
    done = subprocess.run(
        ["age", "-d", "-i", str(at), str(file)], check=True, capture_output=True
    )
    assert done.stdout == b"".join(LARGE)


def test_changed_cut_and_foreign_bytes_are_refused(key: SetKey) -> None:
    raw = encrypted(key, LARGE)
    for at in (0, 100, 250, len(raw) // 2, len(raw) - 1):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(KeyFileError):
            opened(key, bytes(changed))
    for size in (0, 10, 300, len(raw) // 2, len(raw) - 1):
        with pytest.raises(KeyFileError):
            opened(key, raw[:size])
    with pytest.raises(KeyFileError):
        opened(SetKey.make(Secret(WORD), 1), raw)


def test_what_the_callables_raise_is_theirs(key: SetKey) -> None:
    def refuse(_: bytes) -> None:
        raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        key.encrypt(LARGE, refuse)
    with pytest.raises(LookupError, match="ours"):
        key.decrypt([encrypted(key, LARGE)], refuse)


def test_another_password_or_kind_of_key_is_refused(key: SetKey) -> None:
    with pytest.raises(WrongPasswordError):
        SetKey.open(key.pem, Secret("another one"))
    plain = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    for bad in (b"", b"\xff" * 50, plain, key.pem[:200], key.pem * 20):
        with pytest.raises(KeyFileError):
            SetKey.open(bad, Secret(WORD))


def test_rounds_are_read_before_they_are_done(key: SetKey) -> None:
    assert rounds_of(key.pem) == 2
    assert 0 < ROUNDS < MAX_ROUNDS
    many = SetKey.make(Secret(WORD), 1).pem
    assert rounds_of(many) == 1
    lines = many.splitlines()
    raw = bytearray(base64.b64decode(b"".join(lines[1:-1])))
    at = raw.index(b"bcrypt") + 6 + 4 + 4 + 16  # options, salt
    raw[at : at + 4] = (MAX_ROUNDS + 1).to_bytes(4)
    pem = b"\n".join([lines[0], base64.b64encode(raw), lines[-1]])
    assert rounds_of(pem) == MAX_ROUNDS + 1
    with pytest.raises(KeyFileError, match="no key that can be read"):
        SetKey.open(pem, Secret(WORD))
