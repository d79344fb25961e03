"""The gate in front of a key file: what passes, and what is refused unopened."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cucmsh.errors import KeyFileError
from cucmsh.pki.credential import Credential, make_credential
from cucmsh.pki.model import Unit
from cucmsh.pki.pkcs12 import ROUNDS, read_key_file, write_key_file
from cucmsh.pki.pkcs12_limits import MAX_KEY_FILE_SIZE, MAX_ROUNDS, Protection, inspect
from tests.pki import key_files as made
from tests.rigs.work import assert_linear

NOW = datetime(2014, 2, 26, tzinfo=UTC)
PLAIN = made.pfx()


@pytest.fixture(scope="session")
def recovery() -> Credential:
    name = "ITLRECOVERY_test10pub.joemar2.lab"
    return make_credential(Unit.ITL_RECOVERY, name, "", NOW, key_bits=1024)


def nested(depth: int, *bags: bytes) -> tuple[bytes, ...]:
    for _ in range(depth):
        bags = (made.bag(made.NESTED, made.der(made.SEQUENCE, *bags)),)
    return bags


def refused(raw: bytes) -> str:
    with pytest.raises(KeyFileError) as refusal:
        inspect(raw)
    return refusal.value.message


@pytest.mark.thorough
def test_our_own_files_pass_and_their_rounds_are_counted(recovery: Credential) -> None:
    raw = write_key_file(recovery, made.PASSWORD)
    assert inspect(raw) == Protection(2 * ROUNDS + 2048, False, len(raw))


@pytest.mark.thorough
@pytest.mark.parametrize("way", list(made.MODERN))
def test_modern_files_of_openssl_pass(
    recovery: Credential, tmp_path: Path, way: str
) -> None:
    raw = made.exported(recovery.to_pem(), tmp_path, *made.MODERN[way])
    assert not inspect(raw).is_legacy


@pytest.mark.thorough
@pytest.mark.parametrize("way", list(made.LEGACY))
def test_legacy_files_of_openssl_pass_and_are_told(
    recovery: Credential, tmp_path: Path, way: str
) -> None:
    raw = made.exported(recovery.to_pem(), tmp_path, *made.LEGACY[way])
    assert inspect(raw).is_legacy


def test_plain_file_made_by_hand_passes() -> None:
    assert inspect(PLAIN) == Protection(3 * 2048, False, len(PLAIN))
    one = made.pfx(mac=made.mac_data(None))  # DEFAULT 1
    assert inspect(one).rounds == 2 * 2048 + 1


# What the gate leaves to OpenSSL: other forms, and what it may not know.
LEFT_TO_OPENSSL = {
    "trailing-byte": PLAIN + b"\0",
    "two-files": PLAIN * 2,
    "endless-length": b"\x30\x80" + PLAIN[4:] + b"\0\0",
    "not-minimal-length": b"\x30\x83\0" + PLAIN[2:],
    "other-version": made.pfx(version=4),
    "huge-version": made.pfx(version=1 << 40_000),
    "enveloped-part": made.pfx([made.content(made.ENVELOPED_DATA, made.SOMETHING)]),
    "five-bags": made.pfx([made.bags(*[made.bag(made.CERTIFICATE)] * 5)]),
    "nested-bags": made.pfx([made.bags(*nested(9, made.bag(made.CERTIFICATE)))]),
    "crl": made.pfx([made.bags(made.bag(made.CRL))]),
    "scrypt": made.pfx([made.encrypted(made.pbes2(1, derivation=made.SCRYPT))]),
    "unknown-cipher": made.pfx([made.encrypted(made.pbes2(1, cipher=made.SHA_256))]),
    "no-parameters": made.pfx([made.encrypted(made.algorithm(made.PBES2))]),
    "no-rounds": made.pfx(mac=made.mac_data(0)),
}


@pytest.mark.parametrize("case", list(LEFT_TO_OPENSSL))
def test_what_openssl_may_know_passes(case: str) -> None:
    seen = inspect(LEFT_TO_OPENSSL[case])
    assert seen.rounds <= 3 * 2048
    assert seen.size <= len(LEFT_TO_OPENSSL[case])


def test_padding_is_told_from_the_file() -> None:
    for padding in (b"", b"\0", b"\n", bytes(512), PLAIN):
        assert inspect(PLAIN + padding).size == len(PLAIN)


@pytest.mark.parametrize("cipher", [made.AES_256, made.SHA_256, made.TRIPLE_DES])
def test_only_aes_counts_as_modern(cipher: bytes) -> None:
    raw = made.pfx([made.encrypted(made.pbes2(1, cipher=cipher))])
    assert inspect(raw).is_legacy == (cipher != made.AES_256)


def test_without_a_mac_a_file_is_weak_and_with_a_bare_key_it_proves_nothing() -> None:
    assert inspect(made.pfx(mac=b"")).is_legacy
    bare = made.bags(made.bag(made.KEY))
    assert inspect(made.pfx([bare])).is_legacy
    assert "anybody could have made it" in refused(made.pfx([bare], mac=b""))


HOSTILE = {
    "empty": (b"", "no PKCS#12"),
    "text": (b"hello", "no PKCS#12"),
    "pem": (b"-----BEGIN CERTIFICATE-----\n", "no PKCS#12"),
    "long-length": (b"\x30\x84\x7f\xff\xff\xff" + PLAIN[4:], "no PKCS#12"),
    "too-large": (PLAIN + bytes(MAX_KEY_FILE_SIZE), "at most 65536"),
    "deep-nesting": (b"\x30\x82\xff\xff" * 16_000, "no PKCS#12"),
    "endless-nesting": (b"\x30\x80" * 32_000, "no PKCS#12"),
    "nested-bags": (
        made.pfx([made.bags(*nested(200))]),
        "no PKCS#12",
    ),
    "signed": (made.pfx(kind=made.SIGNED_DATA), "protected by a signature"),
    "two-keys": (
        made.pfx([made.bags(*[made.shrouded(made.pbes2(1))] * 2)]),
        "more keys than one",
    ),
    "two-keys-apart": (
        made.pfx(
            [made.bags(made.shrouded(made.pbes2(1))), made.bags(made.bag(made.KEY))]
        ),
        "more keys than one",
    ),
    "two-keys-one-deeper": (
        made.pfx(
            [made.bags(made.shrouded(made.pbes2(1)), *nested(1, made.bag(made.KEY)))]
        ),
        "more keys than one",
    ),
}


@pytest.mark.parametrize("case", list(HOSTILE))
def test_hostile_files_are_refused_unopened(case: str) -> None:
    raw, reason = HOSTILE[case]
    assert reason in refused(raw)


@pytest.mark.parametrize(
    "place", ["mac", "pbmac1", "key", "nested key", "certificate", "old key", "scrypt"]
)
def test_rounds_above_the_limit_are_refused_wherever_they_stand(
    place: str,
) -> None:
    rounds = MAX_ROUNDS + 1
    raw = {
        "mac": made.pfx(mac=made.mac_data(rounds)),
        "pbmac1": made.pfx(mac=made.pbmac1_data(rounds)),
        "nested key": made.pfx(
            [made.bags(*nested(3, made.shrouded(made.pbes2(rounds))))]
        ),
        "scrypt": made.pfx(
            [made.encrypted(made.pbes2(rounds, derivation=made.SCRYPT))]
        ),
        "key": made.pfx([made.bags(made.shrouded(made.pbes2(rounds)))]),
        "certificate": made.pfx([made.encrypted(made.pbes2(rounds))]),
        "old key": made.pfx([made.bags(made.shrouded(made.old_cipher(rounds)))]),
    }[place]
    assert "asks for more than 5,000,000 rounds" in refused(raw)


def test_rounds_are_limited_together_not_one_by_one() -> None:
    half = made.encrypted(made.pbes2(MAX_ROUNDS // 2))
    assert inspect(made.pfx([half], made.mac_data(1))).rounds == MAX_ROUNDS // 2 + 1
    assert "5,000,000" in refused(made.pfx([half, half], made.mac_data(1)))


@pytest.mark.thorough
def test_one_round_too_many_in_a_file_of_ours_is_refused(
    recovery: Credential,
) -> None:
    """docs/security.md M5: with very many, OpenSSL ran past every timeout tried."""
    raw = write_key_file(recovery, made.PASSWORD)
    most = MAX_ROUNDS - 2 * ROUNDS
    assert inspect(made.with_mac_rounds(raw, most)).rounds == MAX_ROUNDS
    assert "5,000,000 rounds" in refused(made.with_mac_rounds(raw, most + 1))


def test_our_own_file_passes_the_gate_too(recovery: Credential, tmp_path: Path) -> None:
    """What lies on the publisher's disk may have been put there by others."""
    nothing = ("-nomac", "-keypbe", "NONE", "-certpbe", "NONE")
    raw = made.exported(recovery.to_pem(), tmp_path, *nothing)
    with pytest.raises(KeyFileError, match="no MAC"):
        read_key_file(raw, made.PASSWORD)


@pytest.mark.thorough
def test_patched_rounds_below_the_limit_reach_openssl(recovery: Credential) -> None:
    """The patch that makes too many makes a whole file; only its MAC is wrong."""
    raw = made.with_mac_rounds(write_key_file(recovery, made.PASSWORD), 1 << 20)
    assert inspect(raw).rounds == 2 * ROUNDS + (1 << 20)
    with pytest.raises(KeyFileError, match="security password"):
        read_key_file(raw, made.PASSWORD)


# Any bytes at all: a value or the one error, within the sizes that a value has


def assert_value_or_refusal(raw: bytes) -> None:
    with suppress(KeyFileError):
        assert 0 <= inspect(raw).rounds <= MAX_ROUNDS


@pytest.mark.thorough
@given(st.binary(max_size=300))
@example(b"\x30\x80")
def test_any_bytes_give_a_value_or_the_one_error(raw: bytes) -> None:
    assert_value_or_refusal(raw)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A good file, cut, stretched, or with bytes and pieces changed."""
    raw = bytearray(draw(st.sampled_from([PLAIN, LEGACY_BY_HAND])))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw)))
        piece = draw(st.binary(max_size=8) | st.sampled_from([PLAIN, *made.USUAL]))
        until = at + draw(st.integers(0, 8) | st.just(len(piece)))
        raw[at:until] = piece
    return bytes(raw)


LEGACY_BY_HAND = made.pfx([made.bags(made.shrouded(made.old_cipher(2048)))])


@pytest.mark.thorough
@given(mutants())
def test_changed_files_give_a_value_or_the_one_error(raw: bytes) -> None:
    assert_value_or_refusal(raw)


@pytest.mark.thorough
@pytest.mark.parametrize("raw", [PLAIN, LEGACY_BY_HAND], ids=["plain", "legacy"])
def test_every_byte_changed_gives_a_value_or_the_one_error(raw: bytes) -> None:
    for at in range(len(raw)):
        for other in (0, 1, 0x30, 0x7F, 0x80, 0x84, 0xFF, raw[at] ^ 1):
            assert_value_or_refusal(raw[:at] + bytes((other,)) + raw[at + 1 :])


@pytest.mark.thorough
def test_file_cut_off_anywhere_is_refused(recovery: Credential) -> None:
    raw = write_key_file(recovery, made.PASSWORD)
    for size in range(len(raw)):
        assert "not a whole one" in refused(raw[:size])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "inner",
    [
        made.der(made.SEQUENCE, *[made.der(made.INTEGER, b"\1")] * 20_000),
        made.der(made.SEQUENCE, *[made.bag(made.CERTIFICATE)] * 2_500),
        b"\x30\x82\xff\x00" * 16_000,
        made.der(made.OCTETS, bytes(60_000)),
    ],
    ids=["numbers", "bags", "nesting", "zeros"],
)
def test_looking_at_the_largest_files_takes_linear_work(inner: bytes) -> None:
    def look(part: bytes) -> None:
        whole = made.der(made.OCTETS, part)
        data = made.content(made.DATA, whole)
        inspect(made.der(made.SEQUENCE, made.number(3), data, made.mac_data()))

    assert_linear(look, inner[:65_000], KeyFileError)
